"""The check for constraints."""

from functools import partial
from typing import Any

import numpy as np

from fastcnn.engine.constraint import Constraint
from fastcnn.kernels import call
from fastcnn.kernels.backends import available_backends
from fastcnn.model import Model
from fastcnn.plugins.registry import constraints, layers
from fastcnn.testing.registered import case, checking, options_of
from fastcnn.testing.training import check_training, small_model

SHAPES = ((1, 7, 13), (3, 5, 9), (1, 1, 11))  # (A, U, B): kernels by unit, a bias
TOLERANCE = 1e-5


def check_constraint(constraint: Any) -> None:
    """Raise an AssertionError that says what is wrong with a constraint.

    constraint: a name, {"name": ..., option: ...} or an object.

    - native, Numba and reference kernels agree, with the same bits on 1, 2 and 3 threads; weights
      of 0 stay finite
    - a unit's weights depend on no other unit
    - on kernels and biases, training has the same bits on any number of threads, and if saved and
      resumed after 25 steps
    """
    with checking(constraints, constraint) as made:
        for shape in SHAPES:
            with case(f"weights {shape}"):
                _check_kernel(made, shape)
        check_training(partial(_model, options_of(made)))


def _check_kernel(made: Constraint, shape: tuple[int, int, int]) -> None:
    w = np.random.default_rng(0).normal(size=shape)
    wanted = _constrained(made, w, "reference")
    for unit in range(shape[1]):
        alone = _constrained(made, w[:, unit : unit + 1], "reference")
        same = np.allclose(alone, wanted[:, unit : unit + 1], rtol=1e-12, atol=1e-15)
        assert same, f"unit {unit} depends on the others"
    for backend in available_backends():
        with case(f"on {backend}"):
            found = _constrained(made, w.astype(np.float32), backend)
            np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * abs(wanted).max())
            for threads in (2, 3):
                again = _constrained(made, w.astype(np.float32), backend, threads)
                assert np.array_equal(again, found), f"{threads} threads give other bits"
            zeros = _constrained(made, np.zeros(shape, np.float32), backend)
            assert np.isfinite(zeros).all(), "weights of 0 become no finite numbers"


def _constrained(made: Constraint, w: np.ndarray, backend: str, threads: int = 1) -> np.ndarray:
    w = np.array(w, order="C")
    call(made.kernel, {"w": w}, backend, threads, **made.options())
    return w


def _model(constraint: Any, **options: Any) -> Model:
    both = {"kernel_constraint": constraint, "bias_constraint": constraint}
    stack = (layers.get("conv2d")(4, 3, **both), layers.get("flatten")())
    return small_model(*stack, layers.get("dense")(5, kernel_constraint=constraint), **options)
