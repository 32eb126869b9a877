"""Files that are nearly right: one to three places of a good one are changed."""

import json
import random
import struct
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 65_536, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63),
    *(-(2**63), 10**30, 0.0, -0.0, 0.5, 1e-320, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", "x", "é", "\x00", "\x1b]0;title\x07", "/etc/passwd", "../../x", "a" * 10_000, "\ud800"),
    *([], [[]], [1, 2, 3], ["x"], {}, {"name": "x"}, {"array": "x"}, {"x": {"y": [None]}}),
)
PARTS = ("value", "key", "drop", "twice", "swap")


def mutated_json(value: Any, chance: random.Random) -> Any:
    """A copy in which one place is another value, has another name, is gone or stands twice."""
    value = json.loads(json.dumps(value))
    places = list(_places(value, None, None))
    parent, key = chance.choice(places)
    if parent is None:
        return chance.choice(ODD)
    kind = chance.choice(PARTS)
    if kind == "drop":
        del parent[key]
    elif kind == "key" and isinstance(parent, dict):
        parent[chance.choice(["x", "", str(key) + "x", "name"])] = parent.pop(key)
    elif kind == "twice" and isinstance(parent, list):
        parent.append(parent[key])
    elif kind == "swap":
        other, where = chance.choice(places)
        if other is not None:
            parent[key] = json.loads(json.dumps(other[where]))
    else:
        parent[key] = chance.choice(ODD)
    return value


def _places(value: Any, parent: Any, key: Any) -> Any:
    yield parent, key
    items: Any = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for inner, child in items:
        yield from _places(child, value, inner)


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """Some bytes are others, or gone, or there twice, or all after them is missing."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 10))):
        at = chance.randrange(max(len(changed), 1))
        length = chance.choice((1, 1, 2, 4, 8, 100))
        kind = chance.choice(("bits", "bytes", "drop", "twice", "end", "number"))
        if kind == "bits":
            changed[at : at + 1] = bytes([changed[at] ^ 1 << chance.randrange(8)])
        elif kind == "bytes":
            changed[at : at + length] = chance.randbytes(length)
        elif kind == "drop":
            del changed[at : at + length]
        elif kind == "twice":
            changed[at:at] = changed[at : at + length]
        elif kind == "end":
            del changed[at:]
        else:
            number = chance.choice((0, 1, 2**16 - 1, 2**31 - 1, 2**32 - 1))
            changed[at : at + 4] = struct.pack(chance.choice("<>") + "I", number)
        if not changed:
            break
    return bytes(changed)


def mutated_model(content: bytes, chance: random.Random) -> bytes:
    """A model file: its description, or the bytes of the whole."""
    if chance.random() < 0.3:
        return mutated_bytes(content, chance)
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    document = json.loads(header["__metadata__"]["fastcnn"])
    for _ in range(chance.choice((1, 1, 2))):
        document = mutated_json(document, chance)
    header["__metadata__"]["fastcnn"] = json.dumps(document)
    if chance.random() < 0.05:
        header = mutated_json(header, chance)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def mutated_text(content: bytes, chance: random.Random) -> bytes:
    """JSON as values, everything else line by line or byte by byte."""
    if chance.random() < 0.3:
        return mutated_bytes(content, chance)
    try:
        return json.dumps(mutated_json(json.loads(content), chance)).encode()
    except ValueError:
        return _mutated_toml(content.decode(), chance).encode("utf-8", "replace")


def _mutated_toml(text: str, chance: random.Random) -> str:
    lines = text.splitlines()
    at = chance.randrange(len(lines))
    key, equals, _ = lines[at].partition("=")
    if equals and chance.random() < 0.8:
        plain = ("5", "-1", '"x"', "true", "[1, 2]", "{}", "1e999", "nan", "9" * 5000, "[" * 900)
        large = (str(2**63 - 1), str(2**40), "65536", '""', "[[]]", '{ name = "x" }', '"../../x"')
        lines[at] = f"{key}= {chance.choice((*plain, *large))}"
    elif chance.random() < 0.5:
        del lines[at]
    else:
        lines.insert(at, chance.choice(lines))
    return "\n".join(lines) + "\n"
