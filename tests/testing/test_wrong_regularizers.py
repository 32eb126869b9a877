"""The checks find what is wrong with regularizers and constraints."""

import numpy as np
import pytest

import fastcnn.testing
from fastcnn.engine.constraint import Constraint
from fastcnn.engine.regularizer import Regularizer
from fastcnn.kernels.kit import kernel
from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found, entered

WEIGHTS = {"w": "> A U B"}


def penalty(w, dw, out, *, slope):
    if dw is not None:
        dw += slope * w
    if out is not None:
        out[...] = 0.5 * (w**2).sum()


class Half(Regularizer):
    """0.5 sum w^2"""

    kernel = "test_penalty"


@pytest.mark.parametrize(
    ("slope", "message"), [(1.0, None), (1.01, "gradient: .*the gradient of 'conv2d/kernel'")]
)
def test_regularizers(slope, message):
    row = {"w": "A U B", "dw": ">? A U B", "out": ">? float64 1"}
    kernel(row, {"slope": slope}, maker="numpy", name="test_penalty")(penalty)
    if message is not None:
        assert_found(registries.regularizers, Half, message)
        return
    with entered(registries.regularizers, Half) as name:
        fastcnn.testing.check_regularizer(name)


class Clip(Constraint):
    """-1 <= w <= 1"""

    kernel = "test_clip"


def clip(w):
    np.clip(w, -1, 1, out=w)


def by_all(w):
    w /= np.abs(w).max() + 1e-7


def by_norm(w):
    w /= np.linalg.norm(w, axis=(0, 2), keepdims=True)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (clip, None),
        (by_all, "unit . depends on the others"),
        (by_norm, "weights of 0 become no finite numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_constraints(function, message):
    kernel(WEIGHTS, maker="numpy", name="test_clip")(function)
    if message is not None:
        assert_found(registries.constraints, Clip, message)
        return
    with entered(registries.constraints, Clip) as name:
        fastcnn.testing.check_constraint(name)
