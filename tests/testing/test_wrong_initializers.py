"""The checks find what is wrong with initializers."""

import numpy as np
import pytest

from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found


class Halves:
    """0.5 everywhere"""

    def __call__(self, generator, parameter):
        return np.full(parameter.shape, 0.5, np.float32)


class Doubles(Halves):
    """float64"""

    def __call__(self, generator, parameter):
        return np.full(parameter.shape, 0.5)


class Flat(Halves):
    """A row, whatever the shape is."""

    def __call__(self, generator, parameter):
        return np.full(np.prod(parameter.shape), 0.5, np.float32)


class Global(Halves):
    """Of NumPy's global generator."""

    def __call__(self, generator, parameter):
        return np.random.normal(size=parameter.shape).astype(np.float32)  # noqa: NPY002


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Doubles, "it makes float64, not float32"),
        (Flat, r"it makes \(35,\)"),
        (Global, "the same seed gives other numbers"),
    ],
)
def test_wrong_initializers(cls, message):
    assert_found(registries.initializers, cls, message)
