"""Gradients of whole graphs against central differences: float64, reference backend."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import Input, Model
from fastcnn import layers as L
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Source
from fastcnn.plugins.registry import losses, make
from tests.kernels.compare import central_differences

IMAGE = (2, 4, 4)
ORDER = np.array([5, 0, 3, 6])  # of 7 samples, in batches of 5: one lane stays empty
CROSSENTROPY = {"name": "sparse_categorical_crossentropy", "from_logits": True}
MSE = "mean_squared_error"


class Bench:
    """A graph with losses, its plan and random data."""

    def __init__(self, graph, heads, fuse=True, store=None):
        self.store = store or noisy_store(graph)
        rng = np.random.default_rng(3)
        heads = [
            Head(f"y{k}", node, make(losses, loss), weight)
            for k, (node, loss, weight) in enumerate(heads)
        ]
        shapes = [(*(1, 1, *node.shape[1:])[-2:], node.shape[0]) for node in graph.inputs]
        options = {"heads": heads, "backend": "reference", "fuse": fuse}
        self.plan = Plan(graph, self.store, 5, "train", **options)
        self.plan.state[:] = 1, 2
        images = [rng.normal(size=(7, *shape)) for shape in shapes]
        targets = [self.targets(head, rng) for head in heads]
        self.plan.bind(Source(images, targets))

    @staticmethod
    def targets(head, rng):
        size = int(np.prod(head.node.shape))
        labels = head.loss.targets == "labels"
        return rng.integers(0, size, 7) if labels else rng.normal(size=(7, size))

    def loss(self, _=None):
        self.plan.run(ORDER, 1)
        return self.plan.sums()["loss"] / len(ORDER)

    def gradients(self):
        loss = self.loss()
        return loss, {key: self.store.gradient(key).copy() for key in self.store.trainable}


def noisy_store(graph):
    """Random biases too: at zero they would hide mistakes."""
    rng = np.random.default_rng(2)
    store = ParameterStore(graph, 0, "float64")
    for key in store.trainable:
        store.value(key)[...] += rng.normal(0, 0.3, store.value(key).shape)
    return store


def check(graph, *heads):
    """Every number of every parameter; fused and unfused kernels."""
    fused = Bench(graph, heads)
    loss, gradients = fused.gradients()
    plain_loss, plain = Bench(graph, heads, fuse=False, store=fused.store).gradients()
    assert plain_loss == pytest.approx(loss, rel=1e-12)
    assert gradients
    for key, gradient in gradients.items():
        np.testing.assert_allclose(plain[key], gradient, rtol=1e-10, atol=1e-12, err_msg=key)
        numeric = central_differences(fused.loss, fused.store.value(key))
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7, err_msg=key)


def conv(activation=None, filters=2):
    return L.Conv2D(filters, 3, padding="same", activation=activation)


def flat_dense(graph, node, units=3):
    return graph.apply(L.Dense(units), graph.apply(L.Flatten(), node))


@pytest.mark.parametrize("slope", ["tanh", None])
def test_a_tensor_with_three_readers(slope):
    """Convolution (has a fused slope), sum and flatten (have not) read one tensor."""
    graph = Graph(IMAGE)
    x = graph.apply(conv(slope), graph.input)
    a, b = graph.apply(conv("tanh"), x), graph.apply(conv(), x)
    total = graph.apply(L.Add("tanh"), graph.apply(L.Add(), a, x), b)
    check(graph, (flat_dense(graph, total), CROSSENTROPY, 1))


def test_both_producers_of_a_sum_get_the_same_gradient_tensor():
    """One of them pads it, the other reads it flat, and both add to it what comes from elsewhere"""
    graph = Graph(IMAGE)
    x = graph.apply(conv("tanh"), graph.input)
    image = graph.apply(conv(), x)
    vector = graph.apply(L.Dense(32), graph.apply(L.Flatten(), x))
    row = graph.apply(L.Reshape(IMAGE), vector)
    total = graph.apply(L.Add(), image, row)
    other = graph.apply(L.Add(), graph.apply(L.Add(), total, row), image)
    check(graph, (graph.apply(L.Activation("tanh"), other), MSE, 1))


@pytest.mark.parametrize("activation", [None, "tanh"])
def test_a_tensor_added_to_itself(activation):
    graph = Graph(IMAGE)
    x = graph.apply(conv("tanh"), graph.input)
    check(graph, (graph.apply(L.Add(activation), x, x), MSE, 1))


def test_the_input_itself_is_added():
    graph = Graph(IMAGE)
    x = graph.apply(conv("tanh"), graph.input)
    total = graph.apply(L.Add(), x, graph.input)
    check(graph, (graph.apply(conv(), total), MSE, 1))


def test_a_layer_used_three_times():
    graph = Graph(IMAGE)
    shared = conv("tanh")
    x = graph.apply(shared, graph.input)
    x = graph.apply(shared, x)
    y = graph.apply(shared, graph.apply(conv(), graph.input))
    check(graph, (graph.apply(L.Add(), x, y), MSE, 1))
    assert len(Bench(graph, []).store.specs) == 4


def test_shared_batch_normalisation_and_dense():
    graph = Graph(IMAGE)
    norm, dense = L.BatchNormalization(), L.Dense(3, activation="tanh")
    a = graph.apply(norm, graph.apply(conv(), graph.input))
    b = graph.apply(norm, graph.apply(conv("tanh"), graph.input))
    flat = [graph.apply(dense, graph.apply(L.Flatten(), node)) for node in (a, b)]
    check(graph, (graph.apply(L.Add(), *flat), CROSSENTROPY, 1))


def test_several_inputs_of_all_kinds():
    graph = Graph(IMAGE, (2, 5), (3,))
    image, row, vector = graph.inputs
    parts = [
        graph.apply(L.Dense(4, activation="tanh"), graph.apply(L.Flatten(), node))
        for node in (image, row)
    ]
    parts.append(graph.apply(L.Dense(4), vector))
    total = graph.apply(L.Add("sigmoid"), graph.apply(L.Add(), *parts[:2]), parts[2])
    check(graph, (graph.apply(L.Dense(3), total), CROSSENTROPY, 1))


def test_losses_of_inner_and_shared_outputs():
    """One loss reads what others go on with, two losses read one tensor, weights differ."""
    graph = Graph(IMAGE)
    x = graph.apply(conv("tanh"), graph.input)
    y = graph.apply(conv("tanh"), x)
    z = flat_dense(graph, y)
    graph.outputs = [x, y, z, z]
    check(graph, (x, MSE, 0.5), (y, MSE, 2), (z, CROSSENTROPY, 1), (z, MSE, 0.25))


@pytest.mark.parametrize("both", [True, False])
def test_a_softmax_that_others_read_too(both):
    """The loss takes logits, other readers the probabilities."""
    graph = Graph(IMAGE)
    p = graph.apply(L.Dense(3, activation="softmax"), graph.apply(L.Flatten(), graph.input))
    y = graph.apply(L.Dense(2, activation="tanh"), p)
    graph.outputs = [p, y]
    heads = [(p, "sparse_categorical_crossentropy", 1), (y, MSE, 3)]
    check(graph, *heads, *([(p, MSE, 1)] if both else []))


def test_pools_flattens_and_dropout_between_branches():
    graph = Graph(IMAGE)
    x = graph.apply(conv("tanh"), graph.input)
    pooled = graph.apply(L.MaxPooling2D(2), x)
    mean = graph.apply(L.AveragePooling2D(2), graph.apply(L.Dropout(0.3), x))
    flat = [graph.apply(L.Flatten(), node) for node in (pooled, mean)]
    again = graph.apply(L.Reshape((2, 2, 2)), flat[0])
    total = graph.apply(L.Add("tanh"), again, graph.apply(L.Add(), pooled, mean))
    both = graph.apply(L.Add(), graph.apply(L.Flatten(), total), flat[1])
    check(graph, (graph.apply(L.Dense(3), both), CROSSENTROPY, 1))


def test_frozen_layers_change_no_other_gradient():
    graph = Graph(IMAGE)
    frozen = conv("tanh")
    x = graph.apply(frozen, graph.apply(conv("tanh"), graph.input))
    heads = [(graph.apply(conv(), x), MSE, 1)]
    _, expected = Bench(graph, heads).gradients()
    frozen.trainable = False
    bench = Bench(graph, heads, store=ParameterStore(graph, 0, "float64"))
    _, gradients = bench.gradients()
    assert set(expected) - set(gradients) == {"conv2d_1/kernel", "conv2d_1/bias"}
    for key, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, expected[key])
    kernels = bench.plan.program.kernels()
    assert kernels.count("conv2d_backward_weight") == 2
    assert kernels.count("conv2d_backward_input") == 2


@pytest.mark.parametrize("scale", [True, False])
def test_a_frozen_batch_normalisation_uses_its_moving_averages(scale):
    graph = Graph(IMAGE)
    norm = L.BatchNormalization(scale=scale)
    norm.trainable = False
    x = graph.apply(norm, graph.apply(conv("tanh"), graph.input))
    noisy_store(graph).value("batch_normalization/moving_var")[...] = 2, 3
    check(graph, (graph.apply(conv(), graph.apply(L.Activation("tanh"), x)), MSE, 1))
    np.testing.assert_array_equal(norm.variables["moving_var"].value, [2, 3])


def test_nothing_is_computed_before_the_first_layer_that_learns():
    graph = Graph(IMAGE)
    first = conv("tanh")
    first.trainable = False
    heads = [(graph.apply(conv(), graph.apply(first, graph.input)), MSE, 1)]
    assert "conv2d_backward_input" not in Bench(graph, heads).plan.program.kernels()


# ---- random graphs

ACTIVATIONS = st.sampled_from([None, "tanh", "relu", "sigmoid"])


@st.composite
def graphs(draw):
    """A graph of images (2, 4, 4), half images (2, 2, 2) and vectors (3), and its losses."""
    graph = Graph(IMAGE, (3,))
    kinds = {"image": [graph.inputs[0]], "half": [], "vector": [graph.inputs[1]]}
    shared = {"image": conv(draw(ACTIVATIONS)), "vector": L.Dense(3, draw(ACTIVATIONS))}
    for _ in range(draw(st.integers(2, 9))):
        kind = draw(st.sampled_from([k for k, nodes in kinds.items() if nodes]))
        x, z = (draw(st.sampled_from(kinds[kind])) for _ in range(2))
        name = draw(st.sampled_from(OPERATIONS[kind]))
        new, node = apply(graph, name, x, z, kind, shared, draw)
        kinds[new].append(node)
    made = [node for node in graph.nodes if node.layer is not None]
    heads = [
        (draw(st.sampled_from(made)), draw(st.sampled_from([CROSSENTROPY, MSE])), weight)
        for weight in draw(st.lists(st.sampled_from([1.0, 0.5, 2.0]), min_size=1, max_size=3))
    ]
    graph.outputs = [node for node, _, _ in heads]
    return graph, heads


EVERYWHERE = ["add", "multiply", "average", "activation", "concatenate"]
OPERATIONS = {
    "image": [*EVERYWHERE, "conv", "shared", "norm", "dropout", "max", "mean", "flatten"],
    "half": [*EVERYWHERE, "half_conv", "norm", "flatten"],
    "vector": [*EVERYWHERE, "dense", "shared", "dropout", "softmax"],
}
MERGES = {"add": L.Add, "multiply": L.Multiply, "average": L.Average}


def apply(graph, name, x, z, kind, shared, draw):
    if name in ("max", "mean"):
        pool = L.MaxPooling2D(2) if name == "max" else L.AveragePooling2D(2)
        return "half", graph.apply(pool, x)
    if name == "flatten":
        flat = graph.apply(L.Flatten(), x)
        return "vector", graph.apply(L.Dense(3, draw(ACTIVATIONS)), flat)
    if name in MERGES:
        return kind, graph.apply(MERGES[name](draw(ACTIVATIONS)), x, z)
    if name == "concatenate":
        both = graph.apply(L.Concatenate(activation=draw(ACTIVATIONS)), x, z)
        return kind, graph.apply(L.Dense(3) if kind == "vector" else conv(), both)
    if name == "shared":
        return kind, graph.apply(shared[kind], x)
    made = {
        "conv": lambda: conv(draw(ACTIVATIONS)),
        "half_conv": lambda: conv(draw(ACTIVATIONS)),
        "activation": lambda: L.Activation(draw(ACTIVATIONS) or "linear"),
        "norm": lambda: L.BatchNormalization(),
        "dropout": lambda: L.Dropout(0.3),
        "dense": lambda: L.Dense(3, draw(ACTIVATIONS)),
        "softmax": lambda: L.Softmax(),
    }
    return kind, graph.apply(made[name](), x)


@settings(deadline=None, max_examples=200)
@given(graphs(), st.integers(0, 99))
def test_random_graphs(drawn, seed):
    """Fused kernels or not: the same losses and gradients, those of central differences.

    Along one random direction, since a graph may have hundreds of parameters.
    """
    graph, heads = drawn
    fused = Bench(graph, heads)
    loss, gradients = fused.gradients()
    plain_loss, plain = Bench(graph, heads, fuse=False, store=fused.store).gradients()
    assert plain_loss == pytest.approx(loss, rel=1e-12)
    rng = np.random.default_rng(seed)
    slope, direction = 0.0, {}
    for key, gradient in gradients.items():
        np.testing.assert_allclose(plain[key], gradient, rtol=1e-9, atol=1e-11, err_msg=key)
        direction[key] = rng.normal(size=gradient.shape)
        slope += float((gradient * direction[key]).sum())
    assert slope == pytest.approx(along(fused, direction), rel=1e-5, abs=1e-7)


def along(bench, direction, h=1e-6):
    sides = []
    for sign in (1, -2):
        for key, step in direction.items():
            bench.store.value(key)[...] += sign * h * step
        sides.append(bench.loss())
    return (sides[0] - sides[1]) / (2 * h)


def test_models_inside_models():
    inner_in = Input((4, 4, 2))
    inner = Model(inner_in, L.Add()([conv("tanh")(inner_in), inner_in]), dtype="float64")
    x = Input((4, 4, 2))
    outer = Model(x, L.Dense(3)(L.Flatten()(inner(inner(x)))), dtype="float64")
    check(outer.graph, (outer.graph.output, CROSSENTROPY, 1))
    assert list(outer.store.specs) == [
        "model/conv2d/kernel",
        "model/conv2d/bias",
        "dense/kernel",
        "dense/bias",
    ]
