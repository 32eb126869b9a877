"""Random graphs: what is joined, and what lies in whose memory, changes no result."""

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from fastcnn import layers as L
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Source
from fastcnn.engine.rates import training_plan
from fastcnn.engine.stage import make_stages
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import ENUMS
from fastcnn.plugins.registry import losses, make

IMAGE = (2, 6, 5)
# A step is no matter of rounding: where float32 sums fall on its other side, so does the result.
CONTINUOUS = [name for name in ENUMS["activation"] if name != "threshold"]
activations = st.one_of(st.none(), st.sampled_from(["relu", "gelu"]), st.sampled_from(CONTINUOUS))


def conv(draw):
    size = draw(st.sampled_from([1, 2, 3]))
    filters, strides = draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2]))
    return L.Conv2D(filters, size, strides, "same", activation=draw(activations))


def norm(draw):
    layer = L.BatchNormalization(0.7, scale=draw(st.booleans()), center=draw(st.booleans()))
    layer.trainable = draw(st.sampled_from([True, True, True, False]))
    return layer


ONE_INPUT = [
    conv,
    norm,
    norm,
    lambda draw: L.Activation(draw(activations)),
    lambda draw: L.LayerNormalization(),
    lambda draw: L.MaxPooling2D(2, draw(st.sampled_from([1, 2])), "same"),
    lambda draw: L.MaxPooling2D(2),
    lambda draw: L.AveragePooling2D(2, 1),
    lambda draw: L.Dropout(0.3),
    lambda draw: L.ReLU(negative_slope=0.1),
    lambda draw: L.PReLU(),
]
MERGES = [L.Add, L.Add, L.Add, L.Multiply, L.Maximum, L.Average]


@st.composite
def graphs(draw):
    """Each layer reads one or two of the nodes so far, mostly the last; unread ones are outputs."""
    graph = Graph(IMAGE)
    nodes = [graph.apply(conv(draw), graph.input)]
    for _ in range(draw(st.integers(1, 9))):
        node = nodes[-1] if draw(st.integers(0, 3)) else draw(st.sampled_from(nodes))
        alike = [other for other in nodes if other.shape == node.shape]
        if draw(st.integers(0, 2)) == 0 and len(alike) > 1:
            merge, other = draw(st.sampled_from(MERGES)), draw(st.sampled_from(alike))
            takes = merge in (L.Add, L.Multiply)
            layer = merge(activation=draw(activations)) if takes else merge()
            nodes.append(graph.apply(layer, node, other))
        elif min(node.shape[1:]) > 1:
            nodes.append(graph.apply(draw(st.sampled_from(ONE_INPUT))(draw), node))
        else:
            nodes.append(graph.apply(norm(draw), node))
    readers = graph.consumers()
    graph.outputs = [node for node in nodes if not readers[node]]
    return graph


def results(graph, purpose, fuse, dtype, batch=5, image=IMAGE, **options):
    """Loss, gradients and moving averages after a step; or outputs."""
    store = ParameterStore(graph, 0, dtype)
    rng = np.random.default_rng(2)
    for key in store.specs:
        numbers = rng.normal(0, 0.5, store.value(key).shape)
        store.value(key)[...] = np.abs(numbers) if key.endswith("var") else numbers
    heads = [
        Head(f"y{k}", node, make(losses, "mean_squared_error"), 1.0)
        for k, node in enumerate(graph.outputs)
    ]
    channels, height, width = image
    heads = heads if purpose == "train" else []
    plan = Plan(graph, store, batch, purpose, heads=heads, fuse=fuse, **options)
    plan.state[:] = 1, 2
    images = rng.normal(size=(batch, height, width, channels)).astype(dtype)
    targets = [rng.normal(size=(batch, int(np.prod(node.shape)))) for node in graph.outputs]
    plan.bind(Source([images], [t.astype(dtype) for t in targets]))
    for _ in range(2):  # memory is used again
        plan.run(np.arange(batch - 1), 2)
    if purpose == "predict":
        return dict(enumerate(plan.outputs))
    kept = {key: store.value(key).copy() for key in store.specs if key not in store.trainable}
    gradients = {f"d {key}": store.gradient(key).copy() for key in store.trainable}
    return {"loss": np.array(plan.sums()["loss"]), **kept, **gradients}


def assert_same(graph, tolerance, dtype, batch, **options):
    for purpose in ("train", "predict"):
        plain = results(graph, purpose, False, dtype, batch, **options)
        fused = results(graph, purpose, True, dtype, batch, **options)
        scale = max(1.0, *(float(np.abs(value).max()) for value in plain.values()))
        for key, value in plain.items():
            error = np.abs(fused[key] - value).max()
            assert error <= tolerance * scale, f"{purpose} {key}: {error} of {scale}"


quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(quick, max_examples=60)
@given(graphs(), st.sampled_from([3, 7]))
def test_fusion_changes_nothing_in_float64(graph, batch):
    joined = len(make_stages(graph, 16, False)) - len(make_stages(graph, 16))
    event(f"{min(joined, 3)} or more joined")
    assert_same(graph, 1e-11, "float64", batch, backend="reference")


@settings(quick, max_examples=60)
@given(graphs(), st.sampled_from([3, 7, 18, 40]))
def test_fusion_changes_no_more_than_rounding_in_float32(graph, batch):
    assert_same(graph, 2e-5, "float32", batch, backend="native", winograd=False)


@pytest.mark.parametrize("activation", [None, *ENUMS["activation"]])
@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("isa", isas())
def test_norm_sum_and_activation_are_bitwise_the_same(monkeypatch, isa, adds, activation):
    """Their kernels do in one pass what else are passes, in the same order.

    (A halo can change the order in which a weight gradient is added up: no kernel here has one.
    Predictions have batch norm in the weights, which rounds otherwise.)
    """
    monkeypatch.setenv("FASTCNN_ISA", isa)
    graph = Graph(IMAGE)
    first = graph.apply(L.Conv2D(3, 1), graph.input)
    x = graph.apply(L.BatchNormalization(), graph.apply(L.Conv2D(3, 1), first))
    if adds:
        x = graph.apply(L.Add(), x, first)
    x = graph.apply(L.Activation(activation), x)
    graph.apply(L.Conv2D(2, 1), x)
    plain = results(graph, "train", False, "float32", 18, backend="native")
    fused = results(graph, "train", True, "float32", 18, backend="native")
    for key, value in plain.items():
        np.testing.assert_array_equal(fused[key], value, err_msg=key)


def test_a_sum_joins_the_norm_before_it_though_its_other_addend_comes_later():
    graph = Graph(IMAGE)
    x = graph.apply(L.Conv2D(2, 3, padding="same"), graph.input)
    main = graph.apply(L.BatchNormalization(), x)
    other = graph.apply(L.AveragePooling2D(1), x)
    total = graph.apply(L.Add("relu"), main, other)
    stages = make_stages(graph, 16)
    names = [stage.node.name for stage in stages]
    assert names == ["conv2d", "average_pooling2d", "batch_normalization"]
    assert stages[-1].addend is other and stages[-1].last is graph.nodes[-1]
    assert total is graph.nodes[-1] and stages[-1].activation == "relu"


def test_what_others_read_is_not_taken_in():
    graph = Graph(IMAGE)
    main = graph.apply(L.BatchNormalization(), graph.input)
    graph.apply(L.Add(), main, main)
    assert [stage.addend for stage in make_stages(graph, 16)] == [None, None]
    graph = Graph(IMAGE)
    norms = [graph.apply(L.BatchNormalization(), graph.input) for _ in range(2)]
    first = graph.apply(L.Add(), *norms)
    graph.apply(L.Activation("gelu"), graph.apply(L.Multiply(), first, norms[0]))
    taken = {stage.node: stage.addend for stage in make_stages(graph, 16)}
    assert taken[norms[0]] is None and taken[norms[1]] is norms[0]


def test_gradients_of_a_residual_net_are_summed_by_its_convolutions():
    """No step adds gradients or applies slopes, and rounding alone tells the results apart."""
    graph = Graph((2, 12, 12))
    x = graph.apply(L.Conv2D(16, 3, padding="same", activation="tanh"), graph.input)
    for _ in range(2):
        y = graph.apply(L.BatchNormalization(), graph.apply(L.Conv2D(16, 3, padding="same"), x))
        x = graph.apply(L.Add("tanh"), y, x)
    graph.apply(L.GlobalAveragePooling2D(), x)
    kernels = training_plan(graph, ParameterStore(graph, 0, "float32"), 32).program.kernels()
    assert "winograd_backward_input" in kernels
    assert not {"add", "activation_backward", "activation_forward"} & set(kernels)
    assert_same(graph, 2e-6, "float32", 32, backend="native", image=(2, 12, 12))
