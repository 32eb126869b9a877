"""Every registered schedule: its formula, its place in training, and that it can be saved."""

import math

import numpy as np
import pytest

from fastcnn import Sequential, schedules
from fastcnn import layers as L
from fastcnn.engine.callback import Callback
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import config_of, make
from fastcnn.plugins.registry import schedules as registry

HALF = math.sqrt(0.5)
# Options, and the rates after some numbers of steps of a training of 10, computed by hand.
CASES = [
    ("constant", {"learning_rate": 0.3}, {0: 0.3, 99: 0.3}),
    (
        "piecewise",
        {"boundaries": [2, 5], "values": [1.0, 0.5, 0.1]},
        {0: 1, 2: 1, 3: 0.5, 5: 0.5, 6: 0.1, 99: 0.1},
    ),
    (
        "inverse_time",
        {"initial_learning_rate": 0.6, "decay_rate": 0.5},
        {0: 0.6, 1: 0.4, 2: 0.3, 10: 0.1},
    ),
    (
        "inverse_time",
        {"initial_learning_rate": 1, "decay_rate": 1.0, "decay_steps": 4, "staircase": True},
        {0: 1, 3: 1, 4: 0.5, 7: 0.5, 8: 1 / 3},
    ),
    (
        "step",
        {"initial_learning_rate": 8.0, "decay_steps": 3, "decay_rate": 0.5},
        {0: 8, 2: 8, 3: 4, 8: 2},
    ),
    (
        "exponential",
        {"initial_learning_rate": 1.0, "decay_steps": 4, "decay_rate": 0.25},
        {0: 1, 2: 0.5, 4: 0.25, 6: 0.125},
    ),
    (
        "exponential",
        {"initial_learning_rate": 1.0, "decay_steps": 4, "decay_rate": 0.25, "staircase": True},
        {0: 1, 3: 1, 4: 0.25, 9: 0.0625},
    ),
    (
        "polynomial",
        {"initial_learning_rate": 1.1, "end_learning_rate": 0.1},
        {0: 1.1, 5: 0.6, 10: 0.1, 99: 0.1},
    ),
    (
        "polynomial",
        {"initial_learning_rate": 4.0, "decay_steps": 2, "end_learning_rate": 0, "power": 2},
        {0: 4, 1: 1, 2: 0, 3: 0},
    ),
    (
        "polynomial",
        {"initial_learning_rate": 1.0, "decay_steps": 4, "end_learning_rate": 0, "cycle": True},
        {0: 1, 3: 0.25, 4: 0, 5: 0.375, 8: 0},
    ),
    ("cosine", {"initial_learning_rate": 2.0}, {0: 2, 5: 1, 10: 0, 99: 0}),
    (
        "cosine",
        {"initial_learning_rate": 1.0, "decay_steps": 4, "alpha": 0.2},
        {0: 1, 1: 0.2 + 0.4 * (1 + HALF), 2: 0.6, 4: 0.2, 5: 0.2},
    ),
    (
        "cosine_restarts",
        {"initial_learning_rate": 1.0, "first_decay_steps": 2, "m_mul": 0.5, "alpha": 0.0},
        {0: 1, 1: 0.5, 2: 0.5, 4: 0.25, 5: 0.125 * (2 - 2 * HALF), 6: 0.25, 10: 0.125, 14: 0.125},
    ),
    (
        "cosine_restarts",
        {"initial_learning_rate": 1.0, "first_decay_steps": 3, "t_mul": 1.0, "alpha": 0.5},
        {0: 1, 1: 0.875, 2: 0.625, 3: 1, 300: 1},
    ),
    (
        "one_cycle",
        {"max_learning_rate": 1.0, "pct_start": 0.5, "div_factor": 10, "final_div_factor": 100},
        {0: 0.1, 2: 0.55, 4: 1, 9: 0.001, 99: 0.001},
    ),
    ("one_cycle", {"max_learning_rate": 1.0, "pct_start": 0.0, "total_steps": 1}, {0: 4e-6}),
    (
        "one_cycle",
        {
            "max_learning_rate": 1.0,
            "pct_start": 0.5,
            "div_factor": 5,
            "final_div_factor": 2,
            "anneal_strategy": "linear",
        },
        {0: 0.2, 1: 0.4, 4: 1, 5: 0.82, 9: 0.1, 99: 0.1},
    ),
    (
        "triangular",
        {"initial_learning_rate": 1, "maximal_learning_rate": 5, "step_size": 4, "decay": 0.5},
        {0: 1, 1: 2, 4: 5, 7: 2, 8: 1, 12: 3, 16: 1},
    ),
    ("warmup", {"schedule": 0.4, "steps": 4}, {0: 0, 1: 0.1, 4: 0.4, 99: 0.4}),
    (
        "warmup",
        {"schedule": {"name": "cosine", "initial_learning_rate": 1.0}, "steps": 2, "start": 0.5},
        {0: 0.5, 1: 0.75, 2: 1, 6: 0.5, 10: 0},
    ),
]


def test_every_schedule_is_tested_and_has_a_face():
    assert {name for name, *_ in CASES} == set(registry.names())
    faces = [getattr(schedules, name) for name in schedules.__all__ if name != "Schedule"]
    assert {face.registered_name for face in faces} == set(registry.names())


@pytest.mark.parametrize(("name", "options", "expected"), CASES)
def test_formula(name, options, expected):
    schedule = make(registry, {"name": name, **options})
    rates = {step: schedule(step, 10) for step in expected}
    assert rates == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert all(schedule(step, 10) >= 0 for step in range(300))


class Rates(Callback):
    """The rates that the kernels got, until so many steps are done."""

    def __init__(self, steps=10**9):
        self.steps, self.seen = steps, []

    def on_batch_end(self, batch, logs):
        optimizer = self.model.optimizer
        self.seen.append(optimizer._hyper[0])
        self.model.stop_training = optimizer.iterations >= self.steps


X = np.random.default_rng(0).integers(0, 256, (40, 3, 3, 1), dtype=np.uint8)
Y = np.arange(40) % 2


def fit(model, epochs=2, steps=10**9, **options):
    rates = Rates(steps)
    model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=[rates], **options)
    return rates.seen


def model_with(learning_rate, optimizer="sgd"):
    model = Sequential([L.Flatten(), L.Dense(2, activation="softmax")], seed=1)
    model.compile({"name": optimizer, "learning_rate": learning_rate})
    return model


def test_the_length_of_the_first_training_stays():
    model = model_with({"name": "cosine", "initial_learning_rate": 1.0})
    fit(model)
    with pytest.warns(UserWarning, match="ends after 10 steps, training after 15"):
        assert fit(model, epochs=3, initial_epoch=2) == [0] * 5
    model.compile(model.optimizer)
    assert fit(model, epochs=3)[5] > 0.5


def test_a_schedule_begins_anew_with_each_training_that_it_fits():
    model = model_with({"name": "cosine", "initial_learning_rate": 1.0})
    first = fit(model)
    assert fit(model) == first and first[0] == 1.0
    assert len(fit(model, steps=model.optimizer.iterations + 7)) == 7  # off in the second epoch
    rest = fit(model, epochs=2)
    assert len(rest) == 8 and rest[0] == 1.0
    own = model_with({"name": "cosine", "initial_learning_rate": 1.0, "decay_steps": 20})
    assert [*fit(own), *fit(own)] == fit(model_with(own.optimizer.learning_rate), epochs=4)


def test_a_number_can_be_set_while_training():
    model = model_with(0.5)
    fit(model, steps=3)
    model.optimizer.learning_rate = 0.25
    assert fit(model)[0] == 0.25 and config_of(model.optimizer)["learning_rate"] == 0.25


def test_two_models_can_share_a_schedule():
    schedule = schedules.CosineDecay(1.0)
    short, long = model_with(schedule), model_with(schedule)
    assert (len(fit(short, 1)), len(fit(long, 3))) == (5, 15)
    assert fit(model_with(schedule), 1)[4] == schedule(4, 5) != schedule(4, 15)


class Broken(schedules.Schedule):
    def __call__(self, step, total_steps=None):
        return -1.0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "positive number"),
        (-0.1, "positive number"),
        (math.nan, "positive number"),
        (math.inf, "positive number"),
        (True, "positive number"),
        (None, "positive number"),
        ([0.1], "positive number"),
        ("cosin", "did you mean 'cosine'"),
        ("cosine", "initial_learning_rate"),
        ({"name": "cosine", "initial_learning_rate": 0}, "initial_learning_rate"),
        ({"name": "cosine", "initial_learning_rate": 1, "decay_steps": 0}, "positive number"),
        ({"name": "step", "initial_learning_rate": 1, "decay_steps": 2.5}, "2.5"),
        ({"name": "piecewise", "boundaries": [3, 2], "values": [1, 2, 3]}, "rise"),
        ({"name": "piecewise", "boundaries": [3], "values": [1]}, "one more"),
        ({"name": "one_cycle", "max_learning_rate": 1, "pct_start": 2}, "pct_start"),
        (
            {"name": "one_cycle", "max_learning_rate": 1, "anneal_strategy": "cosine"},
            "anneal_strategy must be one of cos, linear",
        ),
        (
            {
                "name": "cosine_restarts",
                "initial_learning_rate": 1,
                "first_decay_steps": 2,
                "t_mul": 0.5,
            },
            "t_mul",
        ),
        ({"name": "warmup", "steps": 3, "schedule": "adam"}, "unknown schedule"),
    ],
)
def test_mistakes_are_named(value, words):
    with pytest.raises(OptionError, match=words):
        model_with(value)


def test_a_schedule_that_gives_no_rate_is_named():
    with pytest.raises(OptionError, match=r"step 0 is -1\.0"):
        fit(model_with(Broken()))
