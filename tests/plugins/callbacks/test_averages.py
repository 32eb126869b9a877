"""EMA, SWA and look-ahead: the averages themselves, and where they take the weights' place."""

import numpy as np
import pytest

from fastcnn import load_model
from fastcnn.callbacks import EMA, SWA, Callback, LambdaCallback, Lookahead, ModelCheckpoint
from fastcnn.errors import DivergedError, OptionError
from tests.plugins.callbacks.tiny import (
    IMAGES,
    LABELS,
    STEPS,
    VALIDATION,
    StopAfter,
    assert_same_weights,
    fit,
    model,
)


class Trajectory(Callback):
    """All weights of training, batch by batch; and those at the ends of epochs."""

    def on_train_begin(self, logs):
        self.batches, self.shown = [], []

    def on_batch_end(self, batch, logs):
        self.batches.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs):
        self.shown.append(self.model.get_weights())


def assert_close(a, b):
    for key, value in a.items():
        np.testing.assert_allclose(value, b[key], rtol=1e-4, atol=1e-6, err_msg=key)


def ema(batches, decay, warmup):
    average = {key: value.astype(np.float64) for key, value in batches[0].items()}
    for t, weights in enumerate(batches[1:], 1):
        d = min(decay, (1 + t) / (10 + t)) if warmup else decay
        average = {key: d * a + (1 - d) * weights[key] for key, a in average.items()}
    return average


@pytest.mark.parametrize(("decay", "warmup"), [(0.9, False), (0.5, True), (0.999, True)])
def test_ema_is_what_it_says(decay, warmup):
    trained, path = model(), Trajectory()
    fit(trained, 3, EMA(decay, warmup), path)
    assert_close(trained.get_weights(), ema(path.batches, decay, warmup))
    assert_close(path.shown[1], ema(path.batches[: 2 * STEPS], decay, warmup))


@pytest.mark.parametrize(
    ("options", "epochs", "counting"),
    [
        ({}, 8, [6, 7]),
        ({"start_epoch": 1}, 4, [1, 2, 3]),
        ({"start_epoch": 0, "frequency": 2}, 4, [0, 2]),
    ],
)
def test_swa_is_the_mean_of_the_epochs_that_count(options, epochs, counting):
    trained, path = model(), Trajectory()
    fit(trained, epochs, SWA(**options), path)
    ends = [path.batches[(epoch + 1) * STEPS - 1] for epoch in counting]
    mean = {key: np.mean([end[key] for end in ends], axis=0, dtype=np.float64) for key in ends[0]}
    assert_close(trained.get_weights(), mean)


@pytest.mark.parametrize("power", [0, 2])
def test_lookahead_is_what_it_says(power):
    """The batches' weights are those after the callback, so each step begins at the average."""
    before, after = Trajectory(), Trajectory()
    trained = model()
    start = trained_from(trained)
    fit(trained, 2, before, Lookahead(4, 0.5, power), after)
    average = start
    for t, (fast, now) in enumerate(zip(before.batches, after.batches, strict=True), 1):
        if t % 4:
            assert_same_weights(fast, now)
            continue
        d = 0.5 * (t / (2 * STEPS)) ** power
        average = {key: d * average[key] + (1 - d) * fast[key] for key in fast}
        assert_close(now, average)
    assert_close(after.shown[0], {key: after.batches[3][key] for key in average})
    assert_close(trained.get_weights(), average)


def trained_from(made):
    """The weights with which training begins."""
    fit(made, 0)
    return {key: value.astype(np.float64) for key, value in made.get_weights().items()}


def test_lookahead_goes_on_with_the_same_bits(tmp_path):
    straight = model()
    fit(straight, 3, Lookahead(4, 0.9, 1))
    begun = model()
    fit(begun, 3, Lookahead(4, 0.9, 1), StopAfter(STEPS + 3))
    begun.save(tmp_path / "begun.safetensors")
    loaded = load_model(tmp_path / "begun.safetensors", threads=1)
    fit(loaded, 3, Lookahead(4, 0.9, 1))
    assert_same_weights(straight.get_weights(), loaded.get_weights())


def test_training_itself_does_not_see_the_average():
    plain, averaged = Trajectory(), Trajectory()
    fit(model(), 3, plain)
    fit(model(), 3, EMA(0.9), averaged)
    for a, b in zip(plain.batches, averaged.batches, strict=True):
        assert_same_weights(a, b)


def test_validation_measures_the_average():
    trained = model()
    history = fit(trained, 2, EMA(0.9)).history
    assert trained.evaluate(*VALIDATION)["loss"] == history["val_loss"][-1]


def test_files_of_epochs_hold_the_average_and_training_goes_on_from_its_own(tmp_path):
    straight, path = model(), Trajectory()
    fit(straight, 4, EMA(0.9), ModelCheckpoint(tmp_path / "{epoch}.safetensors"), path)
    loaded = load_model(tmp_path / "2.safetensors", threads=1)
    assert_same_weights(path.shown[1], loaded.get_weights())
    fit(loaded, 4, EMA(0.9), ModelCheckpoint(tmp_path / "{epoch}.safetensors"))
    assert_same_weights(straight.get_weights(), loaded.get_weights())
    loaded = load_model(tmp_path / "2.safetensors", threads=1)
    fit(loaded, 3)  # without the average
    assert_same_weights(path.batches[3 * STEPS - 1], loaded.get_weights())


def test_an_interruption_leaves_the_average_in_place():
    trained, path = model(), Trajectory()
    fit(trained, 9, EMA(0.9), path, StopAfter(STEPS + 2))
    assert_close(trained.get_weights(), ema(path.batches, 0.9, True))


def test_weights_that_a_user_sets_are_those_to_go_on_with():
    trained = model()
    fit(trained, 1, EMA(0.9))
    trained.set_weights(trained.get_weights())
    assert trained.training_weights is None


def test_the_average_survives_divergence():
    trained = model({"name": "sgd", "learning_rate": 0.01})

    def explode(epoch, logs):
        if epoch == 2:
            trained.optimizer.learning_rate = 1e30

    with pytest.raises(DivergedError):
        fit(trained, 9, EMA(0.9), LambdaCallback(on_epoch_begin=explode))
    assert all(np.isfinite(w).all() for w in trained.get_weights().values())
    assert trained.evaluate(IMAGES, LABELS)["accuracy"] > 0.3
    assert trained.training_weights is None


def test_two_averages_are_one_too_many():
    with pytest.raises(OptionError, match="ema and swa would both"):
        fit(model(), 1, "ema", "swa")


@pytest.mark.parametrize("decay", [0, 1, -0.5])
def test_wrong_decay(decay):
    with pytest.raises(OptionError, match="decay"):
        EMA(decay)


@pytest.mark.parametrize(
    "options", [{"decay": 1}, {"decay": -0.1}, {"period": 0}, {"power": -1}], ids=str
)
def test_wrong_options_of_lookahead(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        Lookahead(**options)
