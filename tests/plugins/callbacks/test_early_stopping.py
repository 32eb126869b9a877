"""Stopping early, and the best weights."""

import pytest

from fastcnn import load_model
from fastcnn.callbacks import EMA, Callback, EarlyStopping
from fastcnn.errors import OptionError
from tests.plugins.callbacks.tiny import (
    Figures,
    StopAfter,
    Weights,
    assert_same_weights,
    fit,
    model,
)


def run(values, *others, epochs=None, **options):
    """Training with these val_loss figures; the model, and its weights after each epoch."""
    trained, weights = model(), Weights()
    stopping = EarlyStopping(**options)
    figures = Figures(options.get("monitor", "val_loss"), values)
    fit(trained, epochs or len(values), figures, stopping, weights, *others)
    return trained, weights.epochs


@pytest.mark.parametrize(
    ("values", "options", "epochs", "best"),
    [
        ([5, 4, 4, 4, 1], {"patience": 2}, 4, 2),
        ([5, 4, 3, 2, 1], {"patience": 1}, 5, 5),
        ([5, 4.9, 4.8, 4.7, 4.6], {"patience": 2, "min_delta": 0.5}, 3, 1),
        ([1, 2, 3, 2, 1], {"patience": 2, "mode": "max"}, 5, 3),
        ([1, 2, 1, 1, 3], {"patience": 2, "monitor": "val_accuracy"}, 4, 2),
        ([1, 2, 2, 2, 2], {"patience": 2, "start_from_epoch": 2}, 5, 3),
        ([5, 4, 3, 2, 1], {"patience": 3, "baseline": 0.5}, 3, 3),
        ([float("nan"), 4, 5, 1, 1], {"patience": 1}, 1, None),
        ([5, 5, 1], {}, 2, 1),
    ],
)
def test_where_it_stops_and_what_is_best(values, options, epochs, best):
    trained, weights = run(values, **options)
    assert trained.progress.epoch == epochs == len(weights)
    assert_same_weights(trained.get_weights(), weights[(best or epochs) - 1])
    assert epochs == len(values) or "is no better" in trained.stop_reason


class Fail(Callback):
    def on_epoch_end(self, epoch, logs):
        if epoch == 3:
            raise RuntimeError("a callback of the user")


@pytest.mark.parametrize("end", ["last epoch", "interrupted", "exception"])
def test_the_best_weights_come_back_at_every_end(end):
    trained, weights = model(), Weights()
    callbacks = [Figures("val_loss", [3, 1, 2, 2]), weights, EarlyStopping(patience=9)]
    if end == "exception":
        with pytest.raises(RuntimeError):
            fit(trained, 4, *callbacks, Fail())
    else:
        fit(trained, 4, *callbacks, *([StopAfter(16)] if end == "interrupted" else []))
    assert_same_weights(trained.get_weights(), weights.epochs[1])


def test_the_last_weights_stay_if_asked_for():
    trained, weights = run([1, 2, 3], patience=9, restore_best_weights=False)
    assert_same_weights(trained.get_weights(), weights[2])


def test_the_best_weights_are_the_averaged_ones_that_were_validated():
    trained, weights = model(), Weights()
    fit(trained, 4, EMA(0.8), Figures("val_loss", [3, 1, 2, 2]), weights, EarlyStopping(patience=9))
    assert_same_weights(trained.get_weights(), weights.epochs[1])


def test_a_stopped_run_stays_stopped_unless_patience_grows(tmp_path):
    trained, _ = run([5, 4, 4, 4], patience=2)
    trained.save(tmp_path / "m.safetensors")
    for patience, epochs in ((2, 4), (3, 5)):
        again = load_model(tmp_path / "m.safetensors", threads=1)
        fit(again, 9, Figures("val_loss", [5, 4, 4, 4, 4]), EarlyStopping(patience=patience))
        assert again.progress.epoch == epochs


def test_compile_begins_anew_with_the_best_weights():
    trained, weights = run([5, 4, 4, 4], patience=2)
    trained.compile()
    fit(trained, 0)
    assert_same_weights(trained.get_weights(), weights[1])
    fit(trained, 2, Figures("val_loss", [9, 8]), EarlyStopping(patience=1))
    assert trained.progress.epoch == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "up"}, "unknown mode 'up'"),
        ({"patience": -1}, "patience"),
        ({"patience": 1.5}, "patience"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises(OptionError, match=words):
        EarlyStopping(**options)


def test_an_unknown_figure_names_those_that_exist():
    with pytest.raises(OptionError, match="'val_los'; did you mean 'val_loss'"):
        fit(model(), 1, EarlyStopping(monitor="val_los"))


def test_validation_data_are_needed_before_training_begins():
    trained = model()
    with pytest.raises(OptionError, match="or monitor 'loss'"):
        fit(trained, 1, "early_stopping", validation_data=None)
    assert trained.optimizer.iterations == 0
