"""Which plugins a model needs: written into its file, and told to whoever lacks them."""

from collections.abc import Iterator
from typing import Any

from fastcnn.plugins.discovery import installed_version
from fastcnn.plugins.registry import REGISTRIES


def used_plugins(document: Any) -> list[dict[str, Any]]:
    """[{"kind", "name", "package", "version"}] of what the description names and others made."""
    words = set(_texts(document))
    return [
        {
            "kind": registry.kind,
            "name": name,
            "package": registry.package(name).name,
            "version": registry.package(name).version,
        }
        for registry in REGISTRIES
        for name in registry.outside()
        if name in words
    ]


def _texts(value: Any) -> Iterator[str]:
    """All texts among the values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def missing_plugins(plugins: Any) -> str:
    """For the end of an error message: what to install, or nothing if nothing is missing.

    plugins: what `used_plugins` wrote; from a file, so it may be anything.
    """
    registries = {registry.kind: registry for registry in REGISTRIES}
    hints = []
    for entry in plugins if isinstance(plugins, list) else ():
        if not isinstance(entry, dict) or str(entry.get("kind")) not in registries:
            continue
        kind, name, package = (str(entry.get(key)) for key in ("kind", "name", "package"))
        if name not in registries[kind].names():
            hints.append(f"the {kind} {name!r} is of the package {_wanted(entry, package)}")
    return "".join(f"; {hint}" for hint in hints)


def _wanted(entry: dict[str, Any], package: str) -> str:
    version, installed = entry.get("version"), installed_version(package)
    if installed is not None:
        return f"{package} {version} (installed is {installed})"
    if version is None:
        return f"{package}, which must be imported first"
    return f"{package} {version}: pip install {package}"
