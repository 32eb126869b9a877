"""Whole models in C and Numba: the gradients of the reference, the same bits with any threads."""

from copy import deepcopy

import numpy as np
import pytest

from fastcnn.engine.graph import Graph
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Head, Plan, Source
from fastcnn.plugins.registry import losses, make
from tests.engine.test_gradients import CONV_NETS, LOSSES, C, H, W
from tests.engine.test_layer_gradients import MERGES, NETS, branched

GRAPHS = {
    **{name: Graph.chain((C, H, W), net) for name, net in {**CONV_NETS, **NETS}.items()},
    **{repr(merge): branched(merge, 3) for merge in MERGES},
}


def gradients(graph, batch, backend, threads):
    """Loss and flat gradient of one training step of `batch` images."""
    dtype = "float64" if backend == "reference" else "float32"
    rng = np.random.default_rng(3)
    start = ParameterStore(deepcopy(graph), 0, "float64")
    values = {key: v + rng.normal(0, 0.3, v.shape).round(2) for key, v in start.items()}
    graph = deepcopy(graph)  # parameters of another dtype than before need other layers
    store = ParameterStore(graph, 0, dtype, values)
    channels, height, width = graph.input.shape
    images = rng.normal(size=(batch, height, width, channels)).round(2).astype(dtype)
    labels = rng.integers(0, int(np.prod(graph.output.shape)), batch)
    options = {"heads": [Head("y", graph.output, make(losses, LOSSES[0]))], "backend": backend}
    plan = Plan(graph, store, batch, "train", **options)
    plan.bind(Source([images], [labels]))
    plan.state[:] = 1, 2
    for _ in range(2):  # nothing may be left over from the run before
        plan.run(np.arange(batch), threads)
    return plan.sums()["loss"], store.gradients.copy()


@pytest.mark.parametrize("backend", ["native", "numba"])
@pytest.mark.parametrize("batch", [1, 3, 8, 17])
@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_of_the_reference_with_the_same_bits(name, batch, backend):
    graph = GRAPHS[name]
    loss, wanted = gradients(graph, batch, "reference", 1)
    one = gradients(graph, batch, backend, 1)
    assert one[0] == pytest.approx(loss, rel=1e-4)
    np.testing.assert_allclose(one[1], wanted, atol=3e-4 * max(1, np.abs(wanted).max()))
    for threads in (2, 3):
        many = gradients(graph, batch, backend, threads)
        assert many[0] == one[0] and np.array_equal(many[1], one[1])
