"""A registered thing with its options, as one word of a command line."""

from typing import Any

from fastcnn.errors import OptionError
from fastcnn.plugins.registry import Registry

FORM = "NAME or NAME:option=value,option=value, lists as 1/2/3"


def named_options(text: str, flag: str, registry: Registry) -> dict[str, Any]:
    """{"name": ..., option: ...} of "cosine" or "step:decay_steps=1000,decay_rate=0.5"."""
    name, _, rest = text.partition(":")
    table: dict[str, Any] = {"name": name}
    for item in rest.split(",") if rest else ():
        option, equals, value = item.partition("=")
        if not (option and equals and value):
            raise OptionError(f"{flag} {text!r}: {item!r} is wrong; expected {FORM}")
        table[option.strip()] = _value(value)
    registry.get(name)  # unknown names come out here
    return table


def _value(text: str) -> Any:
    if "/" in text:
        return [_value(part) for part in text.split("/")]
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
