"""Every option of everything registered, with values of the wrong type, kind or size.

Each is taken, or refused by an error of fastcnn's own: when the object is made, when the model is
compiled, or at the first fit; never by NumPy's or Python's.
"""

import math
import warnings
from contextlib import chdir
from functools import partial

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential
from fastcnn.classical.classifier import BaselineClassifier
from fastcnn.errors import FastcnnError, ShapeError, told
from fastcnn.layers import Dense, Flatten
from fastcnn.plugins.registry import REGISTRIES, make, option_names
from tests.testing.test_everything import NEEDS, OPTIONS

WRONG = [
    None,
    "x",
    "",
    b"x",
    -1,
    0,
    1,
    2.5,
    -2.5,
    math.nan,
    math.inf,
    1e300,
    1e-300,
    [],
    [1],
    [0, 0],
    [-1, 2],
    [1, 2, 3, 4, 5],
    ["x", None],
    [[1, 2], [3, "x"]],
    {},
    {"x": 1},
    object(),
    2**31,
    2**63,
    10**5000,
    True,
    np.zeros(2),
    lambda *arguments: None,
]
SHAPES = [(6, 6, 4), (6, 4), (4,)]  # images, sequences, vectors


def fit(model, loss="mean_squared_error", optimizer="sgd", **options):
    metrics = options.pop("metrics", None)
    model.compile(optimizer, loss, metrics=metrics)
    random = np.random.default_rng(0)
    x = [random.random((4, *tensor.shape[1:]), np.float32) for tensor in model.inputs]
    y = random.random((4, *model.output.shape[1:]), np.float32)
    y /= y.sum(axis=1, keepdims=True)
    model.fit(x if len(x) > 1 else x[0], y, epochs=1, batch_size=2, verbose=0, **options)
    model.predict(x if len(x) > 1 else x[0])


def dense(**options):
    return Sequential([Dense(3, **options), Dense(2, activation="softmax")], input_shape=(4,))


def fit_layer(make_layer):
    """In a model of images, or else of sequences or vectors."""
    refusals = []
    for shape in SHAPES:
        layer = make_layer()
        inputs = [Input(shape) for _ in range(1 + layer.merges)]
        try:
            y = layer(inputs if layer.merges else inputs[0])
            y = Dense(2, activation="softmax")(Flatten()(y) if len(y.shape) > 2 else y)
            model = Model(inputs, y, seed=1)
        except ShapeError as error:
            refusals.append(error)
            continue
        return fit(model)
    raise refusals[0]


def images():
    return Sequential([Flatten(), Dense(2, activation="softmax")], input_shape=(6, 6, 3))


def pictures():
    random = np.random.default_rng(0)
    y = np.arange(24) % 3
    x = random.integers(0, 60, (24, 12, 12, 3)) + 60 * y[:, None, None, None]
    return x.astype(np.uint8), y


USES = {
    "layer": lambda make_one: fit_layer(make_one),
    "activation": lambda make_one: fit(dense(activation=make_one())),
    "loss": lambda make_one: fit(dense(), loss=make_one()),
    "optimizer": lambda make_one: fit(dense(), optimizer=make_one()),
    "schedule": lambda make_one: fit(
        dense(), optimizer={"name": "sgd", "learning_rate": make_one()}
    ),
    "regularizer": lambda make_one: fit(dense(kernel_regularizer=make_one())),
    "initializer": lambda make_one: fit(dense(kernel_initializer=make_one())),
    "constraint": lambda make_one: fit(dense(kernel_constraint=make_one())),
    "metric": lambda make_one: fit(dense(), metrics=[make_one()]),
    "augmentation": lambda make_one: fit(images(), augment=[make_one()]),
    "callback": lambda make_one: fit(
        dense(), callbacks=[make_one()], validation_data=(np.ones((2, 4)), np.ones((2, 2)) / 2)
    ),
    "baseline": lambda make_one: BaselineClassifier(make_one(), random_state=0).fit(*pictures()),
    "model": lambda make_one: make_one(),  # a function that gives a configuration
}


def cases():
    for registry in REGISTRIES:
        for name in registry.names():
            yield pytest.param(registry, name, id=f"{registry.kind}-{name}")


def attempts(registry, name):
    base = OPTIONS.get(registry.kind, {}).get(name, [{}])[0]
    for option in option_names(registry.get(name)):
        for value in WRONG:
            if (registry.kind, name, option) != ("callback", "mlflow", "tracking_uri"):
                yield option, value, {**base, option: value}


@pytest.mark.parametrize(("registry", "name"), list(cases()))
def test_wrong_options_are_taken_or_refused_in_our_words(registry, name, tmp_path, monkeypatch):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    raw = []
    with chdir(tmp_path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for option, value, options in attempts(registry, name):
            for direct in (True, False):
                try:
                    if direct:
                        USES[registry.kind](partial(registry.get(name), **options))
                    elif option != "name":
                        make(registry, {"name": name, **options})
                except FastcnnError as error:
                    if "\n" in str(error) or not str(error):
                        raw.append(f"{option}={told(value)}: {str(error)!r}")
                except Exception as error:
                    shown = told(value)
                    raw.append(f"{option}={shown}: {type(error).__name__}: {str(error)[:150]}")
    assert not raw, "\n".join(raw)
