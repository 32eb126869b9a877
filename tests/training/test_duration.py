"""Durations, read and written."""

import pytest

from fastcnn.errors import OptionError
from fastcnn.training.duration import duration_text, seconds_of


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59, "59 s"), (185.4, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_duration_text(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [(30, 30), ("30", 30), ("2.5s", 2.5), ("5m", 300), (" 1H ", 3600)]
)
def test_seconds_of(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5x", "-3s", "0", "nan", "inf", "1h30m", None])
def test_no_duration(text):
    with pytest.raises(OptionError, match="is no duration"):
        seconds_of(text)
