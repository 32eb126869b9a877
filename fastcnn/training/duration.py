"""Durations as people write them."""

import math
from typing import Any

from fastcnn.errors import OptionError

UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(value: Any) -> float:
    """Seconds of 30, "30", "30s", "5m" or "1.5h"."""
    text = str(value).strip().lower()
    unit = UNITS.get(text[-1:], 0)
    try:
        seconds = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise OptionError(f"{value!r} is no duration such as 30s, 5m or 1.5h")
    return seconds


def duration_text(seconds: float) -> str:
    """ "42 s", "3 min 05 s", "2 h 07 min" """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
