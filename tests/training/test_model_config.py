"""Models from TOML files."""

from pathlib import Path

import numpy as np
import pytest

from fastcnn import Model
from fastcnn.errors import FastcnnError, OptionError
from fastcnn.models import build
from fastcnn.sequential import Sequential
from fastcnn.training.model_config import model_config

EXAMPLES = Path(__file__).parents[2] / "examples"
DENSE = '[[layers]]\ntype = "dense"\nunits = "classes"\n'


def config(tmp_path, text):
    path = tmp_path / "net.toml"
    path.write_text(text)
    return model_config(str(path))


def test_classes_stands_for_the_number_of_classes(tmp_path):
    (layer,) = config(tmp_path, DENSE).structure((1, 4, 4), 7)
    assert layer.units == 7


def test_name_loss_optimizer_and_lists(tmp_path):
    text = """
    name = "mine"
    loss = "categorical_crossentropy"
    optimizer = "rmsprop"
    [[layers]]
    type = "conv2d"
    name = "first"
    filters = 2
    kernel_size = [3, 2]
    padding = [[1, 0], [2, 1]]
    """
    made = config(tmp_path, text)
    assert (made.name, made.loss) == ("mine", "categorical_crossentropy")
    assert made.optimizer == {"name": "rmsprop"}
    (layer,) = made.structure((1, 8, 8), 2)
    assert (layer.kernel_size, layer.padding, layer.name) == ((3, 2), ((1, 0), (2, 1)), "first")


def test_an_activation_with_options(tmp_path):
    text = DENSE + 'activation = { name = "elu", alpha = 0.5 }\n'
    (layer,) = config(tmp_path, text).structure((1, 4, 4), 7)
    assert layer.activation == {"name": "elu", "alpha": 0.5}
    with pytest.raises(OptionError, match="did you mean 'relu'"):
        config(tmp_path, DENSE + 'activation = "rleu"\n')


def test_the_file_name_is_the_default_name(tmp_path):
    assert config(tmp_path, DENSE).name == "net"


@pytest.mark.parametrize("name", ["residual.toml", "small.toml"])
def test_examples_build(name):
    made = model_config(str(EXAMPLES / name))
    assert build(made, (8, 8, 1), 10).output_size == 10


BRANCHES = """
[[layers]]
type = "conv2d"
name = "a"
filters = 1
kernel_size = 3
padding = "same"
[[layers]]
type = "relu"
[[layers]]
type = "add"
name = "sum"
inputs = ["input", "a", "layer 2"]
[[layers]]
type = "flatten"
[[layers]]
type = "dense"
units = "classes"
"""


def test_branches_by_names(tmp_path):
    model = build(config(tmp_path, BRANCHES), (8, 8, 1), 3)
    rows = [line.split()[-3:] for line in model.summary().splitlines()]
    assert ["input,", "a,", "relu"] in rows
    x = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    inner = Model(model.input, [model.get_layer("a").output, model.get_layer("sum").output])
    a, total = inner.predict(x)
    np.testing.assert_allclose(total, x + a + np.maximum(a, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"a", "layer 2"', '"b", "layer 2"'), "input of layer 3 'b'"),
        (('"a", "layer 2"', '"sum", "layer 2"'), "input of layer 3 'sum'"),
        (('"a", "layer 2"', '"a"'), "no layer reads 'layer 2'"),
        (('name = "sum"', 'name = "a"'), "two layers are called 'a'"),
        (('type = "flatten"', 'type = "flatten"\ninputs = ["a", "sum"]'), "one tensor, not 2"),
        (('type = "flatten"', 'type = "flatten"\ninputs = "a"'), "no layer reads 'sum'"),
    ],
)
def test_mistakes_in_branches(tmp_path, change, words):
    with pytest.raises(FastcnnError, match=words):
        build(config(tmp_path, BRANCHES.replace(*change)), (8, 8, 1), 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one or more [[layers]]"),
        ("layers = 3", "one or more [[layers]]"),
        ("layers = [3]", "one or more [[layers]]"),
        ("name = ", "no valid TOML"),
        ("nmae = 'x'\n" + DENSE, "did you mean 'name'"),
        ("loss = 'categorical_crossentrop'\n" + DENSE, "did you mean 'categorical_crossentropy'"),
        ("optimizer = 3\n" + DENSE, "a name, a table"),
        ("optimizer = {name = 'adam', learning_rat = 1.0}\n" + DENSE, "learning_rate"),
        (
            "optimizer = {name = 'adam', learning_rate = {name = 'step'}}\n" + DENSE,
            "decay_steps",
        ),
        ("[[layers]]\nunits = 3", "layer 1 needs a type"),
        (DENSE + "[[layers]]\ntype = 'flaten'", "layer 2 (flaten): unknown layer"),
        (DENSE + "bias = true", "layer 1 (dense): unknown option"),
        ("[[layers]]\ntype = 'dense'", "units"),
        ("[[layers]]\ntype = 'dense'\nunits = 0", "units"),
        ("[[layers]]\ntype = 'conv2d'\nfilters = 'x'\nkernel_size = 3", "filters"),
        ("[[layers]]\ntype = 'conv2d'\nfilters = 2\nkernel_size = [3, 3, 3]", "kernel_size"),
        ("[[layers]]\ntype = 'dropout'\nrate = 1.5", "1.5"),
        ("[[layers]]\ntype = 'dropout'\nrate = 'high'", "layer 1 (dropout)"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, text, words):
    with pytest.raises(FastcnnError) as caught:
        config(tmp_path, text)
    assert words in str(caught.value) and "net.toml" in str(caught.value)


def test_a_registered_name_is_a_model_too():
    assert model_config("lenet5").name == "lenet5"
    with pytest.raises(OptionError, match="did you mean 'lenet5'"):
        model_config("lenet")


@pytest.mark.parametrize(
    "option",
    [
        "padding = 'smae'",
        "activation = 'rleu'",
        "activation = 3",
        "kernel_initializer = 3",
        "kernel_initializer = {name = 'constant', value = 'x'}",
        "bias_initializer = [1, 2]",
        "kernel_regularizer = 0.1",
        "kernel_regularizer = {name = 'l2', l2 = -1}",
        "kernel_size = 9",
    ],
)
def test_what_building_finds_is_one_of_our_errors(tmp_path, option):
    text = f"[[layers]]\ntype = 'conv2d'\nfilters = 2\n{option}\n"
    if "kernel_size" not in option:
        text += "kernel_size = 3\n"
    with pytest.raises(FastcnnError):
        Sequential(config(tmp_path, text).structure((1, 8, 8), 2), (8, 8, 1))
