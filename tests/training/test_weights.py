"""Weights of samples and classes, in training and evaluation."""

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential
from fastcnn import layers as L
from fastcnn.errors import DataError, OptionError
from fastcnn.kernels.backends import BACKENDS
from fastcnn.plugins.registry import losses
from tests.plugins.test_losses import END, quadrants

X, Y = quadrants(40)
ONE_HOT = np.eye(4)[Y]
TIMES = np.random.default_rng(0).integers(0, 3, 40)


def compiled(loss="sparse_categorical_crossentropy", end="softmax", **options):
    model = Sequential([L.Flatten(), L.Dense(4, activation=end)], seed=1, **options)
    model.compile({"name": "sgd", "learning_rate": 0.1}, loss)
    return model


@pytest.mark.parametrize("loss", losses.names())
def test_a_weight_of_evaluate_counts_like_repeating_the_sample(loss):
    model = compiled(loss, END.get(loss, "softmax"))
    y = Y if losses.get(loss).targets == "labels" else ONE_HOT
    weighted = model.evaluate(X, y, sample_weight=TIMES)["loss"]
    repeated = model.evaluate(np.repeat(X, TIMES, axis=0), np.repeat(y, TIMES, axis=0))["loss"]
    assert weighted * len(X) == pytest.approx(repeated * TIMES.sum(), rel=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_weight_of_fit_counts_like_repeating_the_sample(backend):
    """One step with all samples; its gradient is divided by the number of samples."""
    first, second = compiled(backend=backend), compiled(backend=backend)
    weights = TIMES * len(TIMES) / TIMES.sum()
    history = first.fit(X, Y, batch_size=40, verbose=0, sample_weight=weights).history
    x, y = np.repeat(X, TIMES, axis=0), np.repeat(Y, TIMES)
    expected = second.fit(x, y, batch_size=len(x), verbose=0).history
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    for key, value in first.get_weights().items():
        np.testing.assert_allclose(value, second.get_weights()[key], atol=1e-6)


def test_no_weights_are_weights_of_one():
    plain, weighted = compiled(), compiled()
    plain.fit(X, Y, epochs=2, verbose=0)
    weighted.fit(X, Y, epochs=2, verbose=0, sample_weight=[1] * 40)
    for key, value in plain.get_weights().items():
        assert np.array_equal(value, weighted.get_weights()[key])


def test_class_weights_are_sample_weights():
    by_class, by_sample = compiled(), compiled()
    weights = {0: 2.0, 3: 0.5}
    by_class.fit(X, Y, verbose=0, class_weight=weights, sample_weight=TIMES)
    each = np.array([weights.get(label, 1.0) for label in Y.tolist()])
    by_sample.fit(X, Y, verbose=0, sample_weight=each * TIMES)
    for key, value in by_class.get_weights().items():
        assert np.array_equal(value, by_sample.get_weights()[key])


def test_balanced_class_weights_help_a_rare_class():
    keep = np.concatenate([np.flatnonzero(Y == 0)[:1], np.flatnonzero(Y != 0)])
    recall = []
    for class_weight in (None, "balanced"):
        model = compiled()
        model.fit(X[keep], Y[keep], epochs=30, verbose=0, class_weight=class_weight)
        recall.append((model.predict(X[Y == 0]).argmax(axis=1) == 0).mean())
    assert recall[1] > recall[0]


def test_validation_has_weights_of_its_own():
    model = compiled()
    data = (X[:20], Y[:20], TIMES[:20])
    history = model.fit(X, Y, verbose=0, validation_data=data, class_weight={0: 9}).history
    expected = model.evaluate(*data[:2], sample_weight=data[2])
    assert history["val_loss"][-1] == expected["loss"]
    assert expected["loss"] != model.evaluate(*data[:2])["loss"]
    assert expected["accuracy"] == model.evaluate(*data[:2])["accuracy"]  # every sample once


def test_validation_split_splits_the_weights():
    split, given = compiled(), compiled()
    history = split.fit(X, Y, verbose=0, sample_weight=TIMES, validation_split=0.25).history
    held_out = (X[30:], Y[30:], TIMES[30:])
    expected = given.fit(
        X[:30], Y[:30], verbose=0, sample_weight=TIMES[:30], validation_data=held_out
    ).history
    assert {k: v for k, v in history.items() if k != "seconds"} == {
        k: v for k, v in expected.items() if k != "seconds"
    }


def two_outputs():
    x = Input((8, 8, 1))
    hidden = L.Dense(8, activation="tanh")(L.Flatten()(x))
    outputs = [
        L.Dense(4, activation="softmax", name="quarter")(hidden),
        L.Dense(1, name="bright")(hidden),
    ]
    model = Model(x, outputs, seed=1)
    model.compile("sgd", {"quarter": "sparse_categorical_crossentropy", "bright": "mse"})
    return model


def test_weights_of_several_outputs():
    model = two_outputs()
    bright = X.mean(axis=(1, 2, 3)) / 255
    both = model.evaluate(X, [Y, bright], sample_weight=[TIMES, np.ones(40)])
    plain = model.evaluate(X, [Y, bright])
    assert both["bright_loss"] == plain["bright_loss"]
    assert both["quarter_loss"] != plain["quarter_loss"]
    assert both["loss"] == pytest.approx(both["bright_loss"] + both["quarter_loss"])
    with pytest.raises(OptionError, match="one output"):
        model.fit(X, [Y, bright], class_weight="balanced", verbose=0)


BAD = [
    (lambda: compiled().fit(X, Y, sample_weight=[1, 2], verbose=0), DataError, r"expected \(40,\)"),
    (lambda: compiled().evaluate(X, Y, sample_weight=-TIMES), DataError, "0 or more"),
    (lambda: compiled().fit(X, Y, class_weight={7: 1}, verbose=0), OptionError, "no class 7"),
]


@pytest.mark.parametrize(("action", "error", "message"), BAD)
def test_mistakes_are_named(action, error, message):
    with pytest.raises(error, match=message):
        action()


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("name", ["kernel", "moving_var"])
def test_weights_that_are_no_numbers_are_not_saved_in_silence(name, value, tmp_path):
    model = Sequential([L.Conv2D(2, 3), L.BatchNormalization()], (5, 5, 1))
    model.save(tmp_path / "good.safetensors")
    weights = model.get_weights()
    key = next(key for key in weights if key.endswith(name))
    weights[key].flat[0] = value
    model.set_weights(weights)
    assert model.store.no_numbers() == [key]
    with pytest.warns(UserWarning, match=f"infinite numbers or NaN: {key}"):
        model.save(tmp_path / "bad.safetensors")
