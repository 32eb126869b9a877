"""What a plan joins, and what must not depend on what it joins."""

import numpy as np
import pytest

from fastcnn import layers as L
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Source
from fastcnn.engine.stage import make_stages
from fastcnn.plugins.registry import losses, make

IMAGES = np.random.default_rng(0).normal(size=(6, 5, 5, 2))
CROSSENTROPY = "sparse_categorical_crossentropy"


def plan_of(net, loss, purpose="train", batch=6, fuse=True):
    """A compiled plan in float64 on the reference, bound to IMAGES and some classes."""
    graph = Graph.chain((2, 5, 5), net)
    store = ParameterStore(graph, 0, "float64")
    heads = [] if loss is None else [Head("y", graph.output, make(losses, loss))]
    options = {"heads": heads, "backend": "reference", "fuse": fuse}
    plan = Plan(graph, store, batch, purpose, **options)
    plan.bind(Source([IMAGES], [np.arange(6) % 3]))
    return plan, store


def loss_of(net, loss):
    plan, _ = plan_of(net, loss)
    plan.run(np.arange(6), 1)
    return plan.sums()["loss"]


def outputs_of(net):
    plan, _ = plan_of(net, None, "predict")
    plan.run(np.arange(6), 1)
    return plan.outputs[0]


def test_softmax_over_images_is_not_joined_with_the_loss():
    """It goes over the channels of each pixel; the loss goes over all outputs."""
    net = [L.Conv2D(3, 3), L.Softmax()]
    assert not plan_of(net, CROSSENTROPY)[0].heads[0].logits
    p = outputs_of(net)
    p /= p.sum(axis=1, keepdims=True)
    expected = -np.log(p[np.arange(6), np.arange(6) % 3]).sum()
    assert loss_of(net, CROSSENTROPY) == pytest.approx(expected)


def test_softmax_of_one_pixel_is_joined_with_the_loss():
    for net in ([L.Flatten(), L.Dense(3), L.Softmax()], [L.Conv2D(3, 5), L.Softmax()]):
        assert plan_of(net, CROSSENTROPY)[0].heads[0].logits
        p = outputs_of(net)
        expected = -np.log(p[np.arange(6), np.arange(6) % 3]).sum()
        assert loss_of(net, CROSSENTROPY) == pytest.approx(expected)


def test_a_loss_from_logits_leaves_a_softmax_where_it_is():
    net = [L.Flatten(), L.Dense(3), L.Softmax()]
    z = outputs_of(net)
    log_softmax = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    expected = -log_softmax[np.arange(6), np.arange(6) % 3].sum()
    assert loss_of(net, {"name": CROSSENTROPY, "from_logits": True}) == pytest.approx(expected)


DROPOUT_NET = [
    L.Conv2D(4, 2, activation="relu"),
    L.MaxPooling2D(2),
    L.Dropout(0.5),
    L.Conv2D(2, 2, activation="tanh"),
    L.Flatten(),
    L.Dropout(0.5),
    L.Dense(3),
]


def test_numbers_of_stages_do_not_depend_on_fusion_or_lanes():
    graph = Graph.chain((2, 5, 5), DROPOUT_NET)
    numbers = [
        {s.node.name: s.number for s in make_stages(graph, lanes, fuse) if "dropout" in s.node.name}
        for lanes, fuse in ((16, True), (4, True), (16, False))
    ]
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(set(numbers[0].values())) == 2


def test_dropout_does_not_depend_on_fusion_or_batch_size():
    """Gradients of the same four images in a batch of 4 and of 6 (4 and 8 lanes) and of 17."""
    gradients = []
    for batch, fuse in ((4, True), (4, False), (6, True), (17, True)):
        plan, store = plan_of(DROPOUT_NET, "sparse_categorical_crossentropy", "train", batch, fuse)
        plan.state[:] = 1, 2
        plan.run(np.arange(4), 1)
        gradients.append(store.gradients.copy())
    for other in gradients[1:]:
        np.testing.assert_allclose(other, gradients[0], atol=1e-12)
