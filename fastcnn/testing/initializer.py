"""The check for initializers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn import rng
from fastcnn.engine.graph import Graph
from fastcnn.engine.layer import Parameter
from fastcnn.engine.parameters import ParameterStore
from fastcnn.plugins.registry import initializers, layers
from fastcnn.testing.registered import case, checking, options_of

SHAPES = ((5, 7), (4, 3, 2, 2), (3, 1, 5, 5))


def check_initializer(initializer: Any, *, shapes: Sequence[tuple[int, ...]] = SHAPES) -> None:
    """Raise an AssertionError that says what is wrong with an initializer.

    initializer: a name, {"name": ..., option: ...} or an object.
    shapes: of parameters that it shall make; default: those of kernels.

    - finite float32 numbers of the parameter's shape
    - they depend on the generator that it is given alone: the same seed gives the same ones, and
      NumPy's global generator is not read
    - layers take it
    """
    with checking(initializers, initializer) as made:
        for shape in shapes:
            with case(f"parameter {shape}"):
                _check_values(made, Parameter(shape, made, fan_in=50, fan_out=30))
        layer = layers.get("conv2d")(3, 2, kernel_initializer=options_of(made))
        store = ParameterStore(Graph.chain((2, 4, 4), [layer]), 1)
        wanted = made(rng.generator(1, 0), store.specs["conv2d/kernel"])
        assert np.array_equal(store.value("conv2d/kernel"), wanted), "a layer has other numbers"


def _check_values(made: Any, parameter: Parameter) -> None:
    state = np.random.get_state()  # noqa: NPY002 - of the one that must not be used
    values = np.asarray(made(rng.generator(1, 0), parameter))
    assert values.shape == parameter.shape, f"it makes {values.shape}"
    assert values.dtype == np.float32, f"it makes {values.dtype}, not float32"
    assert np.isfinite(values).all(), "it makes numbers that are not finite"
    np.random.random()  # noqa: NPY002
    again = np.asarray(made(rng.generator(1, 0), parameter))
    assert np.array_equal(again, values), "the same seed gives other numbers"
    np.random.set_state(state)  # noqa: NPY002
