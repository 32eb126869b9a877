"""What comes from JSON and TOML files: plain values of bounded size, and tables of known types.

`read_json` and `read_toml` give values that hold nothing but texts, 64-bit integers, floats, truth
values, lists and tables, not nested deeply: so nothing later meets Python's own limits. `Table`
takes values out of a table, each of the type that is wanted, or raises an error of one line that
says where it stands, what came and what was expected.
"""

import json
import math
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from fastcnn.errors import FastcnnError, ModelFileError

MAX_BYTES = 64 * 2**20  # of a file of text
MAX_DEPTH = 100  # of lists and tables inside each other
LARGEST = 2**63 - 1

REQUIRED: Any = object()
T = TypeVar("T")
Error = type[FastcnnError]


def read_json(path: Path, expected: str, error: Error = ModelFileError) -> Any:
    """The value in a file; expected: what the file should be, for the message if there is none."""
    return parse_json(_read(path, f"; expected {expected}", error), str(path), error)


def read_toml(path: Path, error: Error = ModelFileError) -> dict[str, Any]:
    return parse_toml(_read(path, "", error), str(path), error)


def parse_toml(text: str, where: str, error: Error = ModelFileError) -> dict[str, Any]:
    return _plain(lambda: tomllib.loads(text), f"{where} is no valid TOML", error)


def parse_json(text: str, where: str, error: Error = ModelFileError) -> Any:
    return _plain(lambda: json.loads(text), f"{where} is no valid JSON", error)


def _read(path: Path, expected: str, error: Error) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as problem:
        reason = problem.strerror or problem
        raise error(f"can't read {path}: {reason}{expected}") from problem
    except UnicodeDecodeError as problem:
        raise error(f"{path} is damaged: {problem}") from problem
    if len(text) > MAX_BYTES:
        raise error(f"{path} is longer than {MAX_BYTES >> 20} MiB{expected}")
    return text


def _plain(parse: Callable[[], Any], wrong: str, error: Error) -> Any:
    try:
        value = parse()
    except RecursionError:
        raise error(f"{wrong}: lists or tables are nested too deeply") from None
    except ValueError as problem:  # of the parser, and of integers too long for Python
        raise error(f"{wrong}: {problem}") from problem
    waiting = [(value, 1)]
    while waiting:
        value_, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise error(f"{wrong}: lists or tables are nested more than {MAX_DEPTH} deep")
        if type(value_) is int and abs(value_) > LARGEST:
            raise error(f"{wrong}: an integer of {value_.bit_length()} bits; the limit is 64")
        inner = value_.values() if isinstance(value_, dict) else value_
        if isinstance(value_, dict | list):
            waiting += [(v, depth + 1) for v in inner]
    return value


class Table:
    """A table of a file. where: what it is, for messages."""

    def __init__(self, value: Any, where: str, error: Error = ModelFileError) -> None:
        self.where, self.error = where, error
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise error(f"{where} must be a table, not {value!r:.80}")
        self.values: dict[str, Any] = value

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def need(self, *names: str) -> None:
        for name in names:
            if name not in self.values:
                raise self.error(f"{self.where} lacks {name!r}")

    def whole(
        self, name: str, least: int = 0, most: int = LARGEST, default: T = REQUIRED
    ) -> int | T:
        wanted = f"a whole number from {least} to {most}"
        return self._take(name, wanted, lambda v: type(v) is int and least <= v <= most, default)

    def number(self, name: str, default: T = REQUIRED) -> float | T:
        return self._take(name, "a finite number", _is_number, default)

    def text(self, name: str, default: T = REQUIRED) -> str | T:
        return self._take(name, "a text", lambda v: isinstance(v, str), default)

    def flag(self, name: str, default: T = REQUIRED) -> bool | T:
        return self._take(name, "true or false", lambda v: isinstance(v, bool), default)

    def items(self, name: str, default: T = REQUIRED) -> list[Any] | T:
        return self._take(name, "a list", lambda v: isinstance(v, list), default)

    def texts(self, name: str) -> list[str]:
        return self._items(name, "texts", lambda v: isinstance(v, str))

    def numbers(self, name: str) -> list[float]:
        return self._items(name, "finite numbers", _is_number)

    def wholes(self, name: str, least: int = 0, most: int = LARGEST) -> list[int]:
        wanted = f"whole numbers from {least} to {most}"
        return self._items(name, wanted, lambda v: type(v) is int and least <= v <= most)

    def table(self, name: str) -> "Table":
        value = self._take(name, "a table", lambda v: isinstance(v, dict), REQUIRED)
        return Table(value, f"{self.where}: {name}", self.error)

    def tables(self, name: str) -> list["Table"]:
        items = self._items(name, "tables", lambda v: isinstance(v, dict))
        return [
            Table(item, f"{self.where}: {name}, number {number}", self.error)
            for number, item in enumerate(items, 1)
        ]

    def named(self) -> Iterator[tuple[str, "Table"]]:
        """Each value, a table, by its name."""
        for name in self.values:
            yield name, self.table(name)

    def _items(self, name: str, wanted: str, fits: Callable[[Any], bool]) -> list[Any]:
        values = self.items(name)
        for value in values:
            if not fits(value):
                raise self.error(f"{self.where}: {name} must be {wanted}, not {value!r:.80}")
        return values

    def _take(self, name: str, wanted: str, fits: Callable[[Any], bool], default: Any) -> Any:
        if name not in self.values and default is not REQUIRED:
            return default
        if name not in self.values:
            raise self.error(f"{self.where} lacks {name!r}, {wanted}")
        value = self.values[name]
        if not fits(value) and not (value is None and default is None):
            raise self.error(f"{self.where}: {name} must be {wanted}, not {value!r:.80}")
        return value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
