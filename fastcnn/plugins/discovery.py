"""Plugins of other packages: found by their entry points, loaded when asked for, and checked."""

import inspect
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any

from fastcnn import __version__
from fastcnn.errors import OptionError


@dataclass(frozen=True)
class Package:
    """A distribution, by the name that pip knows, or else a module."""

    name: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name


def declared(group: str) -> dict[str, list[EntryPoint]]:
    """Entry points of "fastcnn.<group>" by name; more than one if packages quarrel over a name."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=f"fastcnn.{group}"):
        same = found.setdefault(point.name, [])
        # A package can be seen twice, installed and from its sources.
        if all(
            (p.value, package_of(p).name) != (point.value, package_of(point).name) for p in same
        ):
            same.append(point)
    return found


def package_of(point: EntryPoint) -> Package:
    if point.dist is None:
        return Package(point.value)
    return Package(point.dist.name, point.dist.version)


def package_of_module(module: str) -> Package:
    """The distribution that a module was installed from; the module itself if from none."""
    from importlib.metadata import packages_distributions

    top = module.partition(".")[0]
    if top == "fastcnn":
        return Package(top, __version__)
    names = packages_distributions().get(top, [top])
    return Package(names[0], installed_version(names[0]))


def installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def load(point: EntryPoint, base: str | None) -> Any:
    """What the entry point names, or an OptionError that says what is wrong with it."""
    try:
        thing = point.load()
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises
        raise OptionError(f"{type(error).__name__}: {error}") from error
    try:
        check(thing, base)
    except (TypeError, ValueError) as error:  # signatures that can't be read
        raise OptionError(str(error)) from error
    own = vars(thing).get("registered_name", point.name)
    if own != point.name:
        raise OptionError(f"{point.value} registers itself as {own!r}")
    return thing


def check(thing: Any, base: str | None) -> None:
    """An OptionError if tables of options can't make such things. base: "module:Class"."""
    if base is None:
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            raise OptionError(f"expected a class or function, not {thing!r}")
    else:
        module, _, name = base.partition(":")
        expected = getattr(import_module(module), name)
        if not (isinstance(thing, type) and issubclass(thing, expected)):
            raise OptionError(f"expected a subclass of {module}.{name}, not {thing!r}")
    if missing := sorted(getattr(thing, "__abstractmethods__", ())):
        raise OptionError(f"{thing.__qualname__} does not define {', '.join(missing)}")
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise OptionError(
                f"{thing.__qualname__}{inspect.signature(thing)}: every option needs a name, "
                f"{str(parameter)!r} has none"
            )
