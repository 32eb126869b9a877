"""A registered thing with its options, as one word of a command line."""

from typing import Any

from fastcnn.errors import ModelFileError, OptionError
from fastcnn.plugins.registry import Registry
from fastcnn.training.checked import parse_toml

FORM = "NAME or NAME:option=value,option=value; lists as 1/2/3 or [1, 2, 3]"
OPENING, CLOSING, QUOTES = "[{", "]}", "\"'"


def named_options(text: str, flag: str, registry: Registry | None) -> dict[str, Any]:
    """{"name": ..., option: ...} of "cosine" or "step:decay_steps=1000,decay_rate=0.5".

    Values are written as in TOML; what is no TOML value is a text.
    registry: where the name must be known, unless somebody else sees to that.
    """
    name, _, rest = text.partition(":")
    table: dict[str, Any] = {"name": name}
    for item in _split(rest) if rest else ():
        option, equals, value = item.partition("=")
        if not (option and equals and value):
            raise OptionError(f"{flag} {text!r}: {item!r} is wrong; expected {FORM}")
        table[option.strip()] = _value(value.strip())
    if registry is not None:
        registry.get(name)  # unknown names come out here
    return table


def named_list(text: str, flag: str, registry: Registry | None) -> list[Any]:
    """Several of these: ["f1", {"name": "top_k", "k": 3}] of "f1,top_k:k=3"."""
    words: list[str] = []
    for part in _split(text):
        goes_on = "=" in part.partition(":")[0] and words  # one more option of the word before
        words[-1:] = [f"{words[-1]},{part}"] if goes_on else [*words[-1:], part]
    tables = [named_options(word.strip(), flag, registry) for word in words]
    return [table if len(table) > 1 else table["name"] for table in tables]


def _split(text: str) -> list[str]:
    """At commas, but not at those within brackets or quotes."""
    items, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES:
            quote = letter
        else:
            depth += (letter in OPENING) - (letter in CLOSING)
        if letter == "," and not depth and not quote:
            items.append("")
        else:
            items[-1] += letter
    return items


def _value(text: str) -> Any:
    try:
        value = parse_toml(f"value = {text}", text)["value"]
    except ModelFileError:
        value = None
    if isinstance(value, bool | int | float | str | list | dict):
        return value
    numbers = [_number(part) for part in text.split("/")]
    if None in numbers:
        return text
    return numbers if len(numbers) > 1 else numbers[0]


def _number(text: str) -> int | float | None:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return None
