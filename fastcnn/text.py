"""The door by which text leaves: to a terminal, a pipe or a file.

Names come from files and folders that others made. They may hold what is no character (bytes of
another encoding, which Python keeps as lone surrogates) or what moves a terminal's cursor, and a
stream may have an encoding without most letters. Whatever comes, something readable leaves.
"""

import errno
import os
import re
import sys
from contextlib import suppress
from typing import Any, TextIO

# Control characters but tab and line feed, marks that turn the direction of writing, separators of
# lines, lone surrogates.
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb"
    "\ud800-\udfff]"
)
UNREAD = (errno.EPIPE, errno.EINVAL)  # EINVAL: a pipe of Windows that nobody reads
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula


def printable(text: object) -> str:
    r"""Text without characters that do something: those are written as \x1b or \u202e."""
    return UNSAFE.sub(_escaped, str(text))


def one_line(text: object) -> str:
    """As `printable`, for a name or a cell: line feeds and tabs are written out too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    short = {"\r": "\\r", "\b": "\\b", "\a": "\\a"}.get(character)
    if short:
        return short
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file name, see os.fsdecode
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def shown(value: Any) -> Any:
    """A document whose texts are one-line names and sentences, to be laid out for people.

    Keys stay as they are: two of them may not become one.
    """
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {key: shown(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(shown, value))
    return value


def say(text: object, err: bool = False) -> None:
    """Print lines on stdout or stderr, at once.

    A stream that nobody reads any more (`| head`) is no error, and no remark on stderr is worth the
    results of hours: only an OSError of stdout with another cause, e.g. a full disk, is raised.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is None:  # closed before Python began
        return
    try:
        stream.write(encodable(f"{printable(text)}\n", stream))
        stream.flush()
    except ValueError:
        pass  # closed since
    except OSError as error:
        if not err and error.errno not in UNREAD:
            raise OSError(error.errno, error.strerror, "standard output") from error


def encodable(text: str, stream: Any) -> str:
    """The text, with what the encoding of the stream lacks written as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def release_streams() -> None:
    """Before Python ends: what can't be flushed would be tried again, and told with status 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            _point_nowhere(stream)


def _point_nowhere(stream: TextIO | None) -> None:
    try:
        number = stream.fileno() if stream is not None else None
    except (OSError, ValueError):
        return
    if number is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


class Screen:
    """stderr for the bars of rich, which would end a training when the terminal is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(encodable(text, self._stream))
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def screen() -> Any:
    """A rich Console on stderr."""
    from rich.console import Console

    return Console(file=Screen(sys.stderr))  # type: ignore[arg-type]


def show_line(console: Any, text: str) -> None:
    """A line above the bar of a console."""
    console.print(printable(text), highlight=False, soft_wrap=True, markup=False, emoji=False)


def csv_cell(value: object) -> object:
    """A cell of a CSV file: numbers as they are, text so that no spreadsheet computes it."""
    if not isinstance(value, str):
        return value
    begins = value.startswith(FORMULA) and not _is_number(value)
    return f"'{one_line(value)}" if begins else one_line(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text
