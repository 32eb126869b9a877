"""Names with options on a command line."""

import pytest

from fastcnn.commands.named_options import named_list, named_options
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations, metrics, schedules


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("cosine", {"name": "cosine"}),
        ("step:decay_steps=50,decay_rate=2e-1", {"decay_steps": 50, "decay_rate": 0.2}),
        ("polynomial:cycle=true", {"cycle": True}),
        ("piecewise:boundaries=10/20,values=1/0.5/0.1", {"boundaries": [10, 20]}),
        ("warmup:steps=5,schedule=cosine", {"steps": 5, "schedule": "cosine"}),
        ('warmup:schedule={name="step", decay_steps=5},steps=1', {"steps": 1}),
        ("piecewise:boundaries=[10, 20],values=[1]", {"boundaries": [10, 20], "values": [1]}),
        ("constant:a=logs/x.csv,b='1,2',c=.5,d=2024-01-01", {"a": "logs/x.csv", "b": "1,2"}),
        ("constant:a=.5,b=2024-01-01,c=a=b", {"a": 0.5, "b": "2024-01-01", "c": "a=b"}),
    ],
)
def test_parse(text, table):
    assert named_options(text, "--schedule", schedules).items() >= table.items()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flipp", "unknown augmentation 'flipp'; did you mean 'flip'"),
        ("flip:", None),
        ("flip:vertical", "--augment 'flip:vertical': 'vertical' is wrong; expected NAME"),
        ("flip:vertical=", "is wrong"),
    ],
)
def test_mistakes_are_named(text, message):
    if message is None:
        assert named_options(text, "--augment", augmentations) == {"name": "flip"}
        return
    with pytest.raises(OptionError, match=message):
        named_options(text, "--augment", augmentations)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("f1", ["f1"]),
        ("f1,auc", ["f1", "auc"]),
        ("top_k:k=3,auc", [{"name": "top_k", "k": 3}, "auc"]),
        (
            "f1:average=micro,threshold=0.3, mse",
            [{"name": "f1", "average": "micro", "threshold": 0.3}, "mse"],
        ),
    ],
)
def test_lists(text, values):
    assert named_list(text, "--metrics", metrics) == values


@pytest.mark.parametrize("text", ["", "f1,", "k=3", "f1,aucc"])
def test_mistakes_in_lists_are_named(text):
    with pytest.raises(OptionError, match="unknown metric"):
        named_list(text, "--metrics", metrics)
