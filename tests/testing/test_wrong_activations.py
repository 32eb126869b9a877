"""The checks find what is wrong with activations."""

import numpy as np
import pytest

import fastcnn.testing
from fastcnn.engine.activation import Elementwise
from fastcnn.engine.expected import Values
from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found, entered


class Sine(Elementwise):
    """y = sin w x"""

    def __init__(self, frequency=1.0):
        self.frequency = frequency

    def value(self, x):
        return np.sin(self.frequency * x)

    def slope(self, x):
        return self.frequency * np.cos(self.frequency * x)


class WrongSlope(Sine):
    """A slope that is a little wrong."""

    def slope(self, x):
        return 1.001 * np.cos(x)


class WrongSize(Sine):
    """A number too few."""

    def value(self, x):
        return np.sin(x.ravel()[1:])


class InPlace(Sine):
    """Writes to what it is given."""

    def value(self, x):
        return np.sin(x, out=x)


class Overflows(Sine):
    """exp(9 x)"""

    def value(self, x):
        return np.exp(9 * x)

    def slope(self, x):
        return 9 * np.exp(9 * x)


class Falls(Sine):
    """Says that a pool may come before it."""

    fusable = True


class Wider(Sine):
    """Promises less than it gives."""

    output_values = Values(-0.5, 0.5)


class Narrower(Sine):
    """Promises more than it gives."""

    output_values = Values(-1, 2)


class Promised(Sine):
    """Promises what it gives."""

    output_values = Values(-1, 1)


def test_a_right_activation_passes():
    with entered(registries.activations, Sine) as name:
        fastcnn.testing.check_activation({"name": name, "frequency": 0.5})
    with entered(registries.activations, Promised) as name:
        fastcnn.testing.check_activation(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (WrongSlope, "slope is wrong: at"),
        (WrongSize, r"value of float64: of shape \(20, 20\) it makes \(399,\)"),
        (InPlace, "value of float64: .*read-only"),
        (Overflows, r"value at \+-30: not finite"),
        (Wider, "output_values: it gives -1 to 1, not -0.5 to 0.5"),
        (Narrower, "output_values: it gives -1 to 1, not -1 to 2"),
        (Falls, "it is fusable, but falls"),
    ],
)
def test_wrong_activations(cls, message):
    assert_found(registries.activations, cls, message)
