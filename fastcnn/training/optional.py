"""Packages that only some people need."""

from importlib import import_module
from typing import Any

from fastcnn.errors import OptionError


def require(module: str, user: str, extra: str) -> Any:
    """The module, or an error that says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        raise OptionError(
            f"{user} needs the package {module!r}, which can't be imported ({error}): "
            f"pip install 'fastcnn[{extra}]'"
        ) from error
