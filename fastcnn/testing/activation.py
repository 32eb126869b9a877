"""The check for activations."""

from typing import Any

import numpy as np

from fastcnn.engine.activation import ActivationFunction, Elementwise
from fastcnn.engine.expected import Values
from fastcnn.engine.graph import Graph, Node
from fastcnn.model import Model
from fastcnn.plugins.registry import activations, layers
from fastcnn.testing.bench import (
    Net,
    Setup,
    check_gradients,
    check_kernels_keep_inputs,
    check_makers,
)
from fastcnn.testing.differences import STEPS
from fastcnn.testing.registered import case, checking
from fastcnn.testing.training import check_predictions, check_training, small_model

IMAGE = (2, 6, 5)
REACH, NEAR = 30.0, 0.01  # inputs, and outputs that are as good as a bound


def check_activation(activation: Any) -> None:
    """Raise an AssertionError that says what is wrong with an activation.

    activation: a name, {"name": ..., option: ...} or an object.

    - `value` and `slope` of a function of each number: `slope` against central differences in
      float64; shape and dtype stay; arrays are not changed; no overflow up to +-30 in float32
    - `output_values`, if it tells them: they are as small and as large as that, and no more
    - what kernels of other layers may take in (`fusable`) never falls, since a pool may come first
    - gradients of whole models, fused and not: after convolution, pool and dense layer
    - native, Numba and reference kernels agree, with the same bits on 1, 2 and 3 threads
    - a file gives bitwise the same predictions; training has the same bits on any number of
      threads, and if saved and resumed after 25 steps
    """
    with checking(activations, activation) as made:
        if isinstance(made, Elementwise):
            _check_function(made)
        check_kernels_keep_inputs(Setup(_net(made), [IMAGE]))
        for fuse in (True, False):
            with case("fused" if fuse else "not fused"):
                check_gradients(Setup(_net(made), [IMAGE]), fuse=fuse)
                check_makers(Setup(_net(made), [IMAGE]), fuse=fuse)
        check_makers(Setup(_net(made), [IMAGE], lanes=4))
        check_predictions(lambda **options: _model(made, **options))
        check_training(lambda **options: _model(made, **options))


def _net(function: ActivationFunction) -> Net:
    """Where a convolution may take it, after a pool that was taken in first, and after a dense."""

    def net(graph: Graph, inputs: list[Node]) -> list[tuple[Node, Any]]:
        stack = [
            layers.get("conv2d")(3, 3, padding="same", activation=function),
            layers.get("conv2d")(2, 2),
            layers.get("max_pooling2d")(2),
            function.layer(),
            layers.get("flatten")(),
            layers.get("dense")(4, activation=function),
            layers.get("dense")(3),
        ]
        (node,) = inputs
        for layer in stack:
            node = graph.apply(layer, node)
        return [(node, "mean_squared_error")]

    return net


def _model(function: ActivationFunction, **options: Any) -> Model:
    return small_model(layers.get("conv2d")(4, 3, activation=function), **options)


def _check_function(made: Elementwise) -> None:
    x = np.random.default_rng(0).normal(0, 3, (20, 20))
    x.flags.writeable = False
    for name, function in (("value", made.value), ("slope", made.slope)):
        for dtype in (np.float64, np.float32):
            with case(f"{name} of {np.dtype(dtype)}"):
                y = np.asarray(function(x.astype(dtype, copy=False)))
                assert y.shape == x.shape, f"of shape {x.shape} it makes {y.shape}"
        with np.errstate(over="ignore"), case(f"{name} at +-30"):
            assert np.isfinite(function(np.array([-30, 30], np.float32))).all(), "not finite"
    _check_slope(made, x)
    if made.output_values is not None:
        with case("output_values"):
            _check_values(made, made.output_values)
    if made.fusable:
        falls = np.diff(made.value(np.sort(x.ravel()))) < 0
        assert not falls.any(), "it is fusable, but falls: pools before it would go wrong"


def _check_values(made: Elementwise, promised: Values) -> None:
    y = np.asarray(made.value(np.linspace(-REACH, REACH, 20_001)))
    low, high = float(y.min()), float(y.max())
    given = f"it gives {low:.4g} to {high:.4g}, not {promised.low:g} to {promised.high:g}"
    assert low >= promised.low - NEAR and high <= promised.high + NEAR, given
    for found, bound in ((low, promised.low), (high, promised.high)):
        assert abs(bound) > REACH / 2 or abs(found - bound) < 5 * NEAR, given


def _check_slope(made: Elementwise, x: np.ndarray) -> None:
    slope = np.asarray(made.slope(x))
    wrong = np.ones(x.shape, bool)
    for h in STEPS:
        numeric = (made.value(x + h) - made.value(x - h)) / (2 * h)
        wrong &= abs(slope - numeric) > 1e-8 + 1e-6 * np.maximum(1, abs(numeric))
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        raise AssertionError(
            f"slope is wrong: at {x[place]:.7g} it is {slope[place]:.7g}, by central differences "
            f"{numeric[place]:.7g}"
        )
