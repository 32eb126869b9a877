"""Metrics of models: what they are computed from, and where they are found."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.callbacks import Callback
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import make, metrics
from tests.plugins.test_losses import quadrants
from tests.training.test_weights import two_outputs

X, Y = quadrants(70)
NAMES = ["f1", "auc", {"name": "top_k", "k": 2}]


def compiled(metrics=NAMES, end="softmax", dropout=0.0, **loss):
    net = [L.Flatten(), L.Dropout(dropout), L.Dense(4, activation=end)]
    model = Sequential(net, seed=1)
    loss = {"name": "sparse_categorical_crossentropy", **loss}
    model.compile({"name": "sgd", "learning_rate": 0.1}, loss, metrics=metrics)
    return model


@pytest.mark.parametrize("end", ["softmax", None])
def test_evaluate_is_exact(end):
    """On the outputs that predict gives, whether the loss takes the softmax upon itself or not."""
    model = compiled(["accuracy", "f1", "auc", "confusion_matrix"], end, from_logits=end is None)
    y = model.predict(X)
    figures = model.evaluate(X, Y)
    assert set(figures) == {"loss", "accuracy", "f1", "auc", "confusion_matrix"}
    for name in ("accuracy", "f1", "auc", "confusion_matrix"):
        expected = np.asarray(make(metrics, name)(Y, y))
        np.testing.assert_allclose(figures[name], expected, err_msg=name)


def test_probabilities_are_what_metrics_see():
    seen = []

    def look(y_true, y_pred):
        seen.append((y_true, y_pred))
        return 0.5

    model = compiled(look)
    assert model.evaluate(X, Y)["look"] == 0.5
    np.testing.assert_array_equal(seen[0][0], Y)
    np.testing.assert_allclose(seen[0][1], model.predict(X), atol=1e-7)


def test_training_figures_are_of_the_batches_as_they_were_trained():
    """With a learning rate of nothing they are those of evaluate, in whatever order."""
    model = compiled()
    model.compile({"name": "sgd", "learning_rate": 1e-30}, metrics=NAMES)
    history = model.fit(X, Y, batch_size=16, verbose=0, validation_data=(X, Y)).history
    expected = model.evaluate(X, Y)
    for name in ("loss", "accuracy", "f1", "auc", "top_k"):
        assert history[name][0] == pytest.approx(expected[name], rel=1e-5), name
        assert history[f"val_{name}"][0] == expected[name]
    moving = compiled(dropout=0.5)
    history = moving.fit(X, Y, batch_size=16, verbose=0, validation_data=(X, Y)).history
    assert history["f1"][0] != history["val_f1"][0]


def test_metrics_without_a_single_figure_are_left_out_of_the_history():
    history = compiled(["confusion_matrix", "recall"]).fit(X, Y, verbose=0).history
    assert "confusion_matrix" not in history and "recall" in history


def test_metrics_of_several_outputs():
    model = two_outputs()
    losses = {"quarter": "sparse_categorical_crossentropy", "bright": "mse"}
    model.compile("sgd", losses, metrics={"quarter": ["f1"], "bright": ["mae", "r2"]})
    bright = X.mean(axis=(1, 2, 3)) / 255
    figures = model.evaluate(X, [Y, bright])
    quarter, light = model.predict(X)
    assert figures["quarter_f1"] == pytest.approx(make(metrics, "f1")(Y, quarter))
    assert figures["bright_mae"] == pytest.approx(abs(light[:, 0] - bright).mean(), rel=1e-5)
    assert {"bright_r2", "val_bright_r2"} <= set(
        model.fit(X, [Y, bright], verbose=0, validation_split=0.2).history
    )
    with pytest.raises(OptionError, match="did you mean 'bright'"):
        model.compile("sgd", losses, metrics={"brigt": ["mae"]})


class StopAfter(Callback):
    def __init__(self, batches):
        self.left = batches

    def on_batch_end(self, batch, logs):
        self.left -= 1
        self.model.stop_training = self.left == 0


@pytest.mark.parametrize("save", [False, True])
def test_an_interrupted_epoch_has_the_figures_of_a_whole_one(save, tmp_path):
    whole = compiled(dropout=0.3).fit(X, Y, batch_size=8, epochs=2, verbose=0).history
    model = compiled(dropout=0.3)
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[StopAfter(12)])
    if save:
        model.save(tmp_path / "model.safetensors")
        model = load_model(tmp_path / "model.safetensors")
    goes_on = {"initial_epoch": model.progress.epoch, "epochs": 2}
    last = model.fit(X, Y, batch_size=8, verbose=0, **goes_on).history
    for name in ("loss", "f1", "auc", "top_k"):
        assert model.history.history[name] == whole[name], name
        assert last[name] == whole[name][1:], name


def test_metrics_come_back_from_a_file(tmp_path):
    model = compiled()
    model.fit(X, Y, verbose=0)
    for training_state in (True, False):
        model.save(tmp_path / "model.safetensors", training_state=training_state)
        again = load_model(tmp_path / "model.safetensors")
        assert again.evaluate(X, Y) == model.evaluate(X, Y)
