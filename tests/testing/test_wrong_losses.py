"""The checks find what is wrong with losses."""

import numpy as np
import pytest

import fastcnn.testing
from fastcnn.engine.expected import Expected
from fastcnn.engine.python_loss import PythonLoss
from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found, entered


class Square(PythonLoss):
    """mean (y_pred - y_true)^2"""

    def function(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(axis=1)

    def gradient(self, y_true, y_pred):
        return 2 * (y_pred - y_true) / y_pred.shape[1]


class ForgetsHalf(Square):
    """A gradient without its 2."""

    def gradient(self, y_true, y_pred):
        return (y_pred - y_true) / y_pred.shape[1]


class NoGradient(Square):
    """It is derived."""

    gradient = None


class OneFigure(Square):
    """One figure for all samples."""

    def function(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean()


class Ragged(Square):
    """Figures with an axis too many."""

    def function(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2)[..., None]


class Drifts(Square):
    """Another loss in every call."""

    calls = 0

    def function(self, y_true, y_pred):
        self.calls += 1
        return super().function(y_true, y_pred) + self.calls


class Logarithm(Square):
    """The logarithm of outputs that may be 0."""

    expected = Expected(outputs=(0.0, 1.0))

    def function(self, y_true, y_pred):
        with np.errstate(all="ignore"):
            return -np.log(y_pred).mean(axis=1)

    def gradient(self, y_true, y_pred):
        with np.errstate(all="ignore"):
            return -1 / y_pred / y_pred.shape[1]


@pytest.mark.parametrize("cls", [Square, NoGradient])
def test_a_right_loss_passes(cls):
    with entered(registries.losses, cls) as name:
        fastcnn.testing.check_loss(name, ends=(None, "softmax"))


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (ForgetsHalf, r"gradients: the gradient of the input .*wrong"),
        (OneFigure, r"gradients: the gradient of the input .*wrong"),
        (Ragged, r"gives \(17, 3, 1\) for 17 samples, not \(17,\)"),
        (Logarithm, r"expected: outputs in \(0.0, 1.0\) give the loss inf"),
        (Drifts, "depends on something that is hidden"),
    ],
)
def test_wrong_losses(cls, message):
    assert_found(registries.losses, cls, message)
