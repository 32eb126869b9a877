"""`fastcnn plugins`: everything that is registered, from which package, and what is broken."""

import inspect
import warnings
from collections.abc import Sequence
from typing import Any

from fastcnn.errors import OptionError, unknown
from fastcnn.plugins.registry import REGISTRIES, Registry


def plugins(groups: Sequence[str] = ()) -> dict[str, Any]:
    """{"plugins": {group: [{"name", "package", ...}]}, "problems": [...]} ; groups: default all."""
    known = [registry.group for registry in REGISTRIES]
    for group in groups:
        if group not in known:
            raise unknown("kind of plugin", group, known)
    chosen = [registry for registry in REGISTRIES if not groups or registry.group in groups]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they would say is in the list
        found = {registry.group: _entries(registry) for registry in chosen}
        problems = [text for registry in chosen for text in registry.problems().values()]
    return {"plugins": found, "problems": problems}


def _entries(registry: Registry) -> list[dict[str, Any]]:
    entries = []
    for name in registry.names():
        try:
            thing = registry.get(name)
        except OptionError:
            continue  # it is among the problems
        package = registry.package(name)
        text = inspect.getdoc(thing) or ""
        entries.append(
            {
                "name": name,
                "package": package.name,
                "version": package.version,
                "signature": signature_text(thing),
                "summary": text.partition("\n")[0],
                "aliases": sorted(a for a, real in registry.aliases.items() if real == name),
            }
        )
    return entries


def signature_text(thing: Any) -> str:
    """ "(filters, kernel_size, strides=1)": names and defaults, without types."""
    parameters = inspect.signature(thing).parameters.values()
    plain = [p.replace(annotation=p.empty) for p in parameters]
    return str(inspect.Signature(plain))
