"""States of callbacks as plain JSON and named arrays, and back. A file holds no code and no types.

An array in a state is written as {"array": its name in the file}.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.errors import ModelFileError, OptionError
from fastcnn.training.callback_list import SavedState
from fastcnn.training.checked import Table

Arrays = dict[str, np.ndarray]


def states_to_plain(states: Sequence[SavedState]) -> tuple[list[dict[str, Any]], Arrays]:
    """[{"name": ..., "state": ...}] without arrays, and these, named callbacks/<number>/<key>."""
    arrays: Arrays = {}
    plain = [
        {"name": name, "state": _to_plain(state, f"callbacks/{number}", arrays, name)}
        for number, (name, state) in enumerate(states)
    ]
    return plain, arrays


def states_from_plain(plain: Any, arrays: Arrays) -> list[SavedState]:
    """What `states_to_plain` took apart."""
    tables = Table({"callbacks": plain}, "training").tables("callbacks")
    return [(t.text("name"), _from_plain(t.table("state").values, arrays)) for t in tables]


def _to_plain(value: Any, place: str, arrays: Arrays, name: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        arrays[place] = value
        return {"array": place}
    if isinstance(value, list | tuple):
        return [_to_plain(v, f"{place}/{k}", arrays, name) for k, v in enumerate(value)]
    if (
        isinstance(value, dict)
        and all(isinstance(k, str) for k in value)
        and set(value) != {"array"}
    ):
        return {k: _to_plain(v, f"{place}/{k}", arrays, name) for k, v in value.items()}
    raise OptionError(
        f"the state of the callback {name!r} may hold numbers, texts, None, arrays, and lists and "
        f"dicts (with texts as keys) of them, not {type(value).__name__} at {place}"
    )


def _from_plain(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, list):
        return [_from_plain(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"array"}:
        if not isinstance(value["array"], str) or value["array"] not in arrays:
            raise ModelFileError(f"the state of a callback lacks the array {value['array']!r}")
        return arrays[value["array"]]
    return {k: _from_plain(v, arrays) for k, v in value.items()}
