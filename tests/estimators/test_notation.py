"""Layers in one line."""

import pytest

from fastcnn.errors import OptionError
from fastcnn.estimators.layer_specs import make_layers
from fastcnn.estimators.notation import SHORT_NAMES, parse_layers
from fastcnn.plugins.registry import layers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "conv 30@5x5 relu",
            {"name": "conv2d", "filters": 30, "kernel_size": (5, 5), "activation": "relu"},
        ),
        (
            "conv2d 8@3 same elu strides=2",
            {
                "name": "conv2d",
                "filters": 8,
                "kernel_size": 3,
                "padding": "same",
                "activation": "elu",
                "strides": 2,
            },
        ),
        (
            "conv 8 3x5 use_bias=false kernel_initializer=he_normal",
            {
                "name": "conv2d",
                "filters": 8,
                "kernel_size": (3, 5),
                "use_bias": False,
                "kernel_initializer": "he_normal",
            },
        ),
        ("pool 2", {"name": "max_pooling2d", "pool_size": 2}),
        (
            "avg_pool 3x2 strides=2x1",
            {"name": "average_pooling2d", "pool_size": (3, 2), "strides": (2, 1)},
        ),
        ("dropout 0.5", {"name": "dropout", "rate": 0.5}),
        ("norm momentum=0.9", {"name": "batch_normalization", "momentum": 0.9}),
        ("tanh", {"name": "activation", "activation": "tanh"}),
        ("relu", {"name": "relu"}),
        ("flatten", {"name": "flatten"}),
    ],
)
def test_one_layer(text, expected):
    assert parse_layers(text) == [expected]
    assert make_layers(text)[0].registered_name == expected["name"]


def test_several_layers():
    text = " conv 30@5x5 relu - pool 2  - dense 100 relu\n - dropout 0.5 "
    names = [table["name"] for table in parse_layers(text)]
    assert names == ["conv2d", "max_pooling2d", "dense", "dropout"]


def test_short_names_are_of_layers():
    for name in SHORT_NAMES.values():
        assert layers.get(name)
    assert not set(SHORT_NAMES) & set(layers.names())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown layer in '': ''"),
        ("conf 3@3", "unknown layer in 'conf 3@3': 'conf'; did you mean 'conv'"),
        ("conv 30@5x5 rely", "unknown word in 'conv 30@5x5 rely': 'rely'; did you mean 'relu'"),
        ("conv 3@3 stride=2", "unknown option in .* 'stride'; did you mean 'strides'"),
        ("conv 3@3 filters=2", "gives filters twice"),
        ("pool 2 relu", "max_pooling2d takes no activation: write ' - relu'"),
        ("dropout 0.5 3 4", "unknown option in 'dropout 0.5 3 4': 'number 3'"),
        ("conv x@3", "unknown word in 'conv x@3': 'x@3'"),
        ("dense 3 - - dense 4", "unknown layer in '- dense 4': '-'"),
    ],
)
def test_what_is_wrong(text, message):
    with pytest.raises(OptionError, match=message):
        parse_layers(text)
