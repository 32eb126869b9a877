"""What --lr and --schedule make of an optimizer's learning rate."""

import pytest

from fastcnn.commands.learning_rate import base_rate, learning_rate
from fastcnn.errors import OptionError

COSINE = {"name": "cosine", "initial_learning_rate": 0.2, "alpha": 0.1}
ADAM = {"name": "adam"}


@pytest.mark.parametrize(
    ("optimizer", "rate", "schedule", "expected"),
    [
        (ADAM, None, None, 0.001),
        (ADAM, 0.1, None, 0.1),
        (ADAM | {"learning_rate": COSINE}, None, None, COSINE),
        (ADAM | {"learning_rate": COSINE}, 0.1, None, COSINE | {"initial_learning_rate": 0.1}),
        (ADAM | {"learning_rate": COSINE}, None, "constant", {"learning_rate": 0.2}),
        (ADAM | {"learning_rate": 0.3}, None, "cosine", {"initial_learning_rate": 0.3}),
        (ADAM, None, "one_cycle:max_learning_rate=0.5", {"max_learning_rate": 0.5}),
        (ADAM, 0.1, "one_cycle:max_learning_rate=0.5", {"max_learning_rate": 0.1}),
        (ADAM, None, "warmup:steps=5", {"steps": 5, "schedule": 0.001}),
        (
            ADAM,
            0.1,
            "warmup:steps=5,schedule=cosine",
            {"schedule": {"name": "cosine", "initial_learning_rate": 0.1}},
        ),
        (ADAM, None, "piecewise:boundaries=9,values=1/2", {"values": [1, 2]}),
        (
            ADAM | {"learning_rate": {"name": "piecewise", "boundaries": [9], "values": [1, 2]}},
            None,
            "cosine",
            {"initial_learning_rate": 0.001},
        ),
    ],
)
def test_learning_rate(optimizer, rate, schedule, expected):
    made = learning_rate(optimizer, rate, schedule)
    if isinstance(expected, dict):
        assert made.items() >= expected.items()
    else:
        assert made == expected


@pytest.mark.parametrize(
    ("value", "rate"),
    [(0.1, 0.1), (COSINE, 0.2), ("cosine", None), ({"name": "warmup", "schedule": COSINE}, 0.2)],
)
def test_base_rate(value, rate):
    assert base_rate(value) == rate


@pytest.mark.parametrize(
    ("rate", "schedule", "words"),
    [
        (None, "cosin", "did you mean 'cosine'"),
        (None, "cosine:alpha", "'alpha' is wrong; expected NAME"),
        (None, "cosine:,", "expected NAME"),
        (0.1, "piecewise:boundaries=9,values=1/2", "has its rates among its options"),
    ],
)
def test_mistakes_are_named(rate, schedule, words):
    with pytest.raises(OptionError, match=words):
        learning_rate(ADAM, rate, schedule)
