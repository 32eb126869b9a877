"""The checks find what is wrong with schedules."""

import pytest

import fastcnn.testing
from fastcnn.engine.schedule import Schedule
from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found, entered


class Slope(Schedule):
    """0.1 / (1 + step)"""

    def __call__(self, step, total_steps=None):
        return 0.1 / (1 + step)


class Negative(Slope):
    """Falls below 0."""

    def __call__(self, step, total_steps=None):
        return 0.1 - 0.01 * step


class Remembers(Slope):
    """Falls with every call."""

    calls = 0

    def __call__(self, step, total_steps=None):
        self.calls += 1
        return 0.1 / self.calls


class SecretlyFits(Slope):
    """Needs the length of the training, and does not say so."""

    def __call__(self, step, total_steps=None):
        return 0.1 / (1 + step / (total_steps or 10))


class SaysItFits(Slope):
    """Says that it needs a length."""

    fits_training = True


def test_a_right_schedule_passes():
    with entered(registries.schedules, Slope) as name:
        fastcnn.testing.check_schedule(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Negative, r"the rate of step 11 of 54 is -0\.00"),
        (Remembers, "depends on the calls before"),
        (SecretlyFits, "without the training's length.*another one"),
        (SaysItFits, "gives a rate without knowing its length"),
    ],
)
def test_wrong_schedules(cls, message):
    assert_found(registries.schedules, cls, message)
