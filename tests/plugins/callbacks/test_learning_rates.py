"""Callbacks that change the learning rate: what the optimizer really uses, batch by batch."""

import numpy as np
import pytest

from fastcnn.callbacks import (
    Callback,
    LearningRateScheduler,
    LRFinder,
    ReduceLROnPlateau,
    TimeBudget,
)
from fastcnn.errors import OptionError
from tests.plugins.callbacks.tiny import (
    STEPS,
    Figures,
    Rates,
    assert_same_weights,
    fit,
    model,
)


def rates(*callbacks, epochs=5, optimizer=None):
    """The rates at the beginning of each epoch, relative to the optimizer's own 0.1."""
    used = Rates()
    fit(model(optimizer or {"name": "sgd", "learning_rate": 0.1}), epochs, *callbacks, used)
    return [round(rate / 0.1, 6) for rate in used.batches[::STEPS]]


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([3, 3, 3, 3, 3], {"patience": 2, "factor": 0.5}, [1, 1, 1, 0.5, 0.5]),
        ([3, 2, 1, 0, 0], {"patience": 1}, [1, 1, 1, 1, 1]),
        ([3, 3, 3, 3, 3], {"patience": 1, "cooldown": 2}, [1, 1, 0.1, 0.1, 0.01]),
        ([3, 3, 3, 3, 3], {"patience": 1, "min_lr": 0.004}, [1, 1, 0.1, 0.04, 0.04]),
        ([3, 4, 5, 5, 5], {"patience": 1, "mode": "max"}, [1, 1, 1, 1, 0.1]),
    ],
)
def test_reduce_on_plateau(values, options, expected):
    assert rates(Figures("val_loss", values), ReduceLROnPlateau(**options)) == expected


def test_two_plateaus_multiply():
    halves = [ReduceLROnPlateau(patience=1, factor=0.5) for _ in range(2)]
    assert rates(Figures("val_loss", [1] * 5), *halves) == [1, 1, 0.25, 0.0625, 0.015625]


def test_a_plateau_of_one_training_does_not_bend_another():
    trained = model()
    fit(trained, 3, Figures("val_loss", [1, 1, 1]), ReduceLROnPlateau(patience=1))
    trained.compile("sgd")
    fit(trained, 1, used := Rates())
    assert trained.optimizer.learning_rate_scale == 1 and used.batches[0] == 0.01


@pytest.mark.parametrize("schedule", [lambda e, r: r / 2, lambda epoch: 0.1 / 2 ** (epoch + 1)])
def test_scheduler(schedule):
    expected = [0.5, 0.25, 0.125, 0.0625, 0.03125]
    assert rates(LearningRateScheduler(schedule)) == expected


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan")])
def test_scheduler_refuses_rates_that_are_none(wrong):
    with pytest.raises(OptionError, match="for epoch 0"):
        fit(model(), 1, LearningRateScheduler(lambda epoch: wrong))


def test_scheduler_by_name_says_what_it_needs():
    with pytest.raises(OptionError, match="function"):
        fit(model(), 1, {"name": "learning_rate_scheduler", "schedule": "cosine"})


# ---- time budget


@pytest.mark.parametrize(
    ("anneal", "expected"),
    [
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("cosine", [1, 0.853553, 0.5, 0.146447]),
        ("none", [1, 1, 1, 1]),
    ],
)
def test_a_budget_of_steps_brings_the_rate_down_to_zero(anneal, expected):
    budget = TimeBudget(steps=4 * STEPS, anneal=anneal)
    assert rates(budget, epochs=99) == expected


def test_a_budget_of_steps_may_end_within_an_epoch():
    trained = model()
    fit(trained, 99, TimeBudget(steps=STEPS + 2))
    assert trained.optimizer.iterations == STEPS + 2 and trained.progress.batch == 2
    assert trained.stop_reason == "the budget of 8 steps is used up"


class Clock(Callback):
    """Time goes by in batches and validation only: seconds of each."""

    def __init__(self, monkeypatch, batch, validation):
        self.now, self.batch, self.validation = 0.0, batch, validation
        monkeypatch.setattr("time.perf_counter", lambda: self.now)

    def on_batch_end(self, batch, logs):
        self.now += self.batch

    def on_epoch_end(self, epoch, logs):
        self.now += self.validation


@pytest.mark.parametrize(
    ("seconds", "batch", "validation", "steps"),
    [
        (10, 1, 0, 10),
        (10.5, 1, 0, 10),
        ("1m", 1, 0, 60),
        (0.5, 1, 0, 1),  # the first batch: nobody knows yet how long one takes
        (30, 1, 4, 18),
        (19, 1, 4, 11),  # the last batch of the second epoch brings a validation that is too long
    ],
)
def test_a_budget_of_time_ends_on_time(monkeypatch, seconds, batch, validation, steps):
    clock, trained, used = Clock(monkeypatch, batch, validation), model(), Rates()
    fit(trained, 99, clock, TimeBudget(seconds), used)
    assert trained.optimizer.iterations == steps
    assert np.all(np.diff(used.batches) <= 0)
    if clock.now > 1:
        assert clock.now <= (60 if seconds == "1m" else seconds)


def test_elapsed_time_is_kept_across_a_break(monkeypatch, tmp_path):
    from fastcnn import load_model
    from tests.plugins.callbacks.tiny import StopAfter

    trained, clock = model(), Clock(monkeypatch, 1, 0)
    fit(trained, 99, clock, TimeBudget(20), StopAfter(8))
    trained.save(tmp_path / "m.safetensors")
    clock.now += 1000  # a break costs nothing
    resumed = load_model(tmp_path / "m.safetensors", threads=1)
    fit(resumed, 99, clock, TimeBudget(20))
    assert resumed.optimizer.iterations == 20
    fit(resumed, 99, clock, TimeBudget(20))
    assert resumed.optimizer.iterations == 20


@pytest.mark.parametrize(
    "options", [{}, {"seconds": 1, "steps": 1}, {"steps": 0}, {"seconds": 1, "anneal": "x"}]
)
def test_wrong_budgets(options):
    with pytest.raises(OptionError):
        TimeBudget(**options)


# ---- learning-rate finder


def test_finder_sweeps_and_leaves_everything_as_it_was():
    trained, used = model(), Rates()
    fit(trained, 2, validation_data=None)
    weights, slots = (
        trained.get_weights(),
        {k: v.copy() for k, v in trained.optimizer.slots.items()},
    )
    history = {k: list(v) for k, v in trained.history.history.items()}
    finder = LRFinder(min_lr=1e-4, max_lr=0.1, steps=31)
    fit(trained, 99, finder, used)
    expected = 1e-4 * 10 ** (np.arange(31) / 10)
    assert np.allclose(used.batches, expected) and np.allclose(finder.rates, expected)
    assert 1e-4 < finder.suggestion < 0.1
    assert_same_weights(weights, trained.get_weights())
    assert_same_weights(slots, trained.optimizer.slots)
    assert trained.optimizer.iterations == 2 * STEPS
    assert trained.progress.epoch == 2 and trained.progress.batch == 0
    assert trained.history.history == history
    straight = model()
    fit(straight, 4, validation_data=None)
    fit(trained, 4, validation_data=None)
    assert_same_weights(straight.get_weights(), trained.get_weights())


def test_finder_survives_divergence():
    trained = model({"name": "sgd", "learning_rate": 0.01})
    weights = trained.build((6, 6, 1)) or trained.get_weights()
    finder = LRFinder(min_lr=1e-3, max_lr=1e6, steps=50)
    fit(trained, 99, finder)
    assert len(finder.rates) == len(finder.losses) == len(finder.smoothed) < 50
    assert np.isfinite(finder.losses).all() and np.isfinite(finder.suggestion)
    assert_same_weights(weights, trained.get_weights())


def test_finder_says_when_there_is_nothing_to_suggest():
    finder = LRFinder(min_lr=1e25, max_lr=1e30, steps=10)
    fit(model("sgd"), 99, finder)
    with pytest.raises(OptionError, match="try smaller rates"):
        _ = finder.suggestion


@pytest.mark.parametrize(
    "options", [{"steps": 9}, {"min_lr": 1, "max_lr": 1}, {"min_lr": 0}, {"smoothing": 0}]
)
def test_wrong_sweeps(options):
    with pytest.raises(OptionError):
        LRFinder(**options)
