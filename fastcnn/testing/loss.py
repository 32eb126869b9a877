"""The check for losses."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.engine.expected import Expected
from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.layer import Shape
from fastcnn.engine.loss import Loss
from fastcnn.errors import SetupWarning
from fastcnn.plugins.registry import layers, losses
from fastcnn.testing.bench import (
    BATCHES,
    Bench,
    Net,
    Setup,
    check_gradients,
    check_kernels_keep_inputs,
    check_makers,
)
from fastcnn.testing.registered import case, checking, options_of
from fastcnn.testing.training import Course, check_training, small_model

SHAPES: tuple[Shape, ...] = ((3,), (2, 3, 1))


def check_loss(loss: Any, *, ends: Sequence[str | None] = ("sigmoid", "softmax")) -> None:
    """Raise an AssertionError that says what is wrong with a loss.

    loss: a name, {"name": ..., option: ...} or an object.
    ends: activations of the outputs that it shall see; None for outputs of any size and sign.

    - gradients against central differences in float64, with and without weights of samples, also
      where the loss takes a final softmax upon itself; nothing comes from empty lanes
    - outputs that it says to expect (`expected`), the bounds among them, give finite numbers
    - a sample's weight multiplies its loss
    - native, Numba and reference kernels agree on 1, 3, 5 and 17 samples, with the same bits on
      1, 2 and 3 threads; outputs and targets are not changed
    - training has the same bits on any number of threads, and if saved, with the loss by its name,
      and resumed after 25 steps
    """
    with checking(losses, loss) as made:
        for end in ends:
            for shape in SHAPES:
                with case(f"outputs {shape} of {end or 'any size'}"):
                    _check(made, end, shape)
        with case("expected"):
            _check_expected(made)
        course = Course("adam", options_of(made))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SetupWarning)  # the end may not be the best one
            check_training(lambda **options: small_model(activation=ends[-1], **options), course)


def _check(made: Loss, end: str | None, shape: Shape) -> None:
    net = _net(made, end)
    check_kernels_keep_inputs(Setup(net, [shape]))
    for weights in (False, True):
        with case("gradients with weights" if weights else "gradients"):
            check_gradients(Setup(net, [shape]), weights=weights)
    _check_weights(Setup(net, [shape]))
    for lanes in BATCHES:
        check_makers(Setup(net, [shape], lanes))


def _net(made: Loss, end: str | None) -> Net:
    def net(graph: Graph, inputs: list[Node]) -> list[tuple[Node, Any]]:
        if end is None:
            return [(inputs[0], made)]
        kind, options = ("softmax", ()) if end == "softmax" else ("activation", (end,))
        return [(graph.apply(layers.get(kind)(*options), inputs[0]), made)]

    return net


def _check_expected(made: Loss) -> None:
    assert isinstance(made.expected, Expected), f"is {made.expected!r}, not an Expected"
    bench = Bench(Setup(_net(made, None), [(4,)]), "reference", "float64")
    ((key, gradient),) = bench.gradients().items()
    rng, bounds = np.random.default_rng(0), np.clip(made.expected.outputs, -2, 2)
    y = rng.uniform(bounds[0], bounds[1], gradient.shape)
    at_bounds = rng.random(y.shape) < 0.3
    at_bounds[:, 0] = False  # or all outputs of a sample might be 0
    bench.store.value(key)[...] = np.where(at_bounds, rng.choice(bounds, y.shape), y)
    loss = bench.run()
    found = [loss, *bench.gradients()[key].ravel()]
    assert np.isfinite(found).all(), (
        f"outputs in {made.expected.outputs} give the loss {loss} and slopes up to {max(found)}"
    )


def _check_weights(setup: Setup) -> None:
    """weights: as the bench draws them."""
    plain = Bench(setup, "reference", "float64")
    weighted = Bench(setup, "reference", "float64", weights=True)
    for bench in (plain, weighted):
        bench.run()
    losses_of = [bench.plan.heads[0].losses for bench in (plain, weighted)]
    assert losses_of[0] is not None and losses_of[1] is not None
    flat, product = (each.reshape(-1) for each in losses_of if each is not None)
    there, weights = setup.batch, weighted.weights[0].astype(np.float64)
    assert not flat[there:].any(), "lanes without a sample have a loss"
    expected = flat[:there] * weights
    assert np.allclose(product[:there], expected, rtol=1e-12, atol=1e-15), (
        "the weight of a sample does not multiply its loss"
    )
