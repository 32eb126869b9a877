"""All parameter gradients of whole models against central differences: float64, reference."""

import numpy as np
import pytest

from fastcnn import layers as L
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Source
from fastcnn.plugins.registry import losses, make
from tests.kernels.compare import central_differences

H, W, C = 6, 5, 2
CONV_NETS = {
    "conv": [L.Conv2D(3, 3, activation="tanh"), L.Flatten(), L.Dense(3)],
    "conv_same_stride": [L.Conv2D(3, 2, 2, "same", activation="sigmoid"), L.Flatten(), L.Dense(3)],
    "conv_asymmetric": [L.Conv2D(2, (2, 3), padding=((1, 0), (2, 1))), L.Flatten(), L.Dense(3)],
    "conv_dilated": [L.Conv2D(2, 2, dilation_rate=2), L.Conv2D(2, 2), L.Flatten(), L.Dense(3)],
    "conv_groups": [
        L.Conv2D(4, 3, groups=2, padding="same"),
        L.Conv2D(4, 3, groups=4),
        L.Flatten(),
        L.Dense(3),
    ],
    "conv_no_bias": [L.Conv2D(2, 3, use_bias=False), L.Flatten(), L.Dense(3, use_bias=False)],
    "two_convs": [
        L.Conv2D(3, 3, padding="same", activation="tanh"),
        L.Conv2D(2, 3, padding="same", activation="leaky_relu"),
        L.Flatten(),
        L.Dense(3),
    ],
    "max_pool_fused": [
        L.Conv2D(3, 3, padding="same", activation="tanh"),
        L.MaxPooling2D(2),
        L.Flatten(),
        L.Dense(3),
    ],
    "deep_max_pool_fused": [
        L.Conv2D(2, 3, padding="same", activation="tanh"),
        L.Conv2D(3, 3, padding="same", activation="relu"),
        L.MaxPooling2D(2),
        L.Flatten(),
        L.Dense(3),
    ],
    "pool_then_activation": [
        L.Conv2D(3, 2),
        L.MaxPooling2D(2),
        L.Activation("tanh"),
        L.Flatten(),
        L.Dense(3),
    ],
    "max_pool_overlapping": [
        L.Conv2D(3, 2, activation="tanh"),
        L.MaxPooling2D(3, 1, "same"),
        L.Flatten(),
        L.Dense(3),
    ],
    "avg_pool": [L.Conv2D(3, 2, activation="tanh"), L.AveragePooling2D(2), L.Flatten(), L.Dense(3)],
    "avg_pool_same": [
        L.Conv2D(3, 2, activation="relu"),
        L.AveragePooling2D(3, 2, "same"),
        L.Flatten(),
        L.Dense(3),
    ],
    "avg_pool_counts_padding": [
        L.Conv2D(3, 2),
        L.AveragePooling2D(3, 2, "same", count_padding=True),
        L.Flatten(),
        L.Dense(3),
    ],
    "global_avg": [L.Conv2D(4, 3, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(3)],
    "global_max": [L.Conv2D(4, 3, activation="tanh"), L.GlobalMaxPooling2D(), L.Dense(3)],
    "batch_norm": [
        L.Conv2D(3, 3, use_bias=False),
        L.BatchNormalization(),
        L.Activation("tanh"),
        L.Conv2D(2, 2),
        L.BatchNormalization(scale=False),
        L.Flatten(),
        L.Dense(3),
    ],
    "batch_norm_first": [L.BatchNormalization(), L.Flatten(), L.Dense(3)],
    "dropout": [
        L.Conv2D(3, 3, activation="tanh"),
        L.Dropout(0.4),
        L.Flatten(),
        L.Dropout(0.2),
        L.Dense(3),
    ],
    "layer_norm": [
        L.LayerNormalization(),
        L.Conv2D(3, 3, activation="tanh"),
        L.LayerNormalization(epsilon=0.1),
        L.Activation("softplus"),
        L.Flatten(),
        L.LayerNormalization(scale=False, center=False),
        L.Dense(3),
    ],
    "group_norm": [
        L.GroupNormalization(-1),
        L.Conv2D(6, 3, activation="tanh"),
        L.GroupNormalization(3, center=False),
        L.ReLU(),
        L.Flatten(),
        L.GroupNormalization(2),
        L.Dense(3),
    ],
    "lrn": [
        L.Conv2D(6, 3, activation="tanh"),
        L.LocalResponseNormalization(3, alpha=2.0, k=0.5),
        L.Flatten(),
        L.LocalResponseNormalization(beta=0.5),
        L.Dense(3),
    ],
    "prelu": [
        L.PReLU(),
        L.Conv2D(3, 3, activation="softsign"),
        L.PReLU(alpha_initializer="glorot_uniform", shared_axes=(1, 2)),
        L.Conv2D(3, 2),
        L.PReLU(shared_axes=(3,)),
        L.Flatten(),
        L.Dense(4),
        L.PReLU(),
        L.Dense(4),
        L.PReLU(shared_axes=(1,)),
        L.Dense(3),
    ],
    "maxout": [
        L.Conv2D(6, 3, activation="tanh"),
        L.Maxout(3),
        L.Flatten(),
        L.Dense(8),
        L.Maxout(),
        L.Dense(3),
    ],
    "noise": [
        L.GaussianNoise(0.3),
        L.Conv2D(3, 3, activation="tanh"),
        L.GaussianDropout(0.4),
        L.Conv2D(4, 2),
        L.GaussianNoise(0.1),
        L.SpatialDropout2D(0.3),
        L.Activation("selu"),
        L.GaussianNoise(0.2),
        L.Flatten(),
        L.AlphaDropout(0.2),
        L.Dense(3),
    ],
    "noise_of_nothing": [
        L.GaussianNoise(0.0),
        L.GaussianDropout(0.0),
        L.SpatialDropout2D(0.0),
        L.AlphaDropout(0.0),
        L.Flatten(),
        L.Dense(3),
    ],
    "reshape": [
        L.Conv2D(2, 3, activation="relu"),
        L.Reshape((4, 3, 2)),
        L.Conv2D(2, 2),
        L.Flatten(),
        L.Dense(3),
    ],
    "activations": [
        L.Flatten(),
        L.Dense(5),
        L.ReLU(),
        L.Activation("tanh"),
        L.LeakyReLU(0.2),
        L.Dense(3),
    ],
    "inner_softmax": [L.Flatten(), L.Dense(4, activation="softmax"), L.Dense(3)],
    "activity_regularizers": [
        L.Conv2D(3, 3, padding="same", activation="tanh", activity_regularizer="l1"),
        L.MaxPooling2D(2),
        L.Conv2D(2, 3, padding="same", activity_regularizer={"name": "l2", "l2": 0.2}),
        L.ActivityRegularization(0.1, 0.2),
        L.Flatten(),
        L.Dense(3, activity_regularizer={"name": "l1l2", "l1": 0.1, "l2": 0.1}),
    ],
    "activation_first": [L.Activation("tanh"), L.Conv2D(2, 3), L.Flatten(), L.Dense(3)],
}
LOSSES = [
    {"name": "sparse_categorical_crossentropy", "from_logits": True, "label_smoothing": 0.1},
    {"name": "categorical_crossentropy", "from_logits": True},
    "mean_squared_error",
]


def check(graph, loss, batch=5, fuse=True):
    rng = np.random.default_rng(3)
    store = ParameterStore(graph, 0, "float64")
    for key in store.trainable:  # biases too: at zero they would hide mistakes
        store.value(key)[...] += rng.normal(0, 0.3, store.value(key).shape)
    loss = make(losses, loss)
    channels, height, width = graph.input.shape
    images = rng.normal(size=(7, height, width, channels))
    units = int(np.prod(graph.output.shape))
    labels = rng.integers(0, units, 7)
    dense = rng.dirichlet(np.ones(units), 7)
    options = {"heads": [Head("y", graph.output, loss)], "backend": "reference", "fuse": fuse}
    plan = Plan(graph, store, batch, "train", **options)
    plan.bind(Source([images], [labels if loss.targets == "labels" else dense]))
    plan.state[:] = 1, 2
    order = np.array([5, 0, 3, 6])  # one lane of the batch stays empty

    def value(_):
        plan.run(order, 1)
        return plan.sums()["loss"] / len(order)

    value(None)
    analytic = {key: store.gradient(key).copy() for key in store.trainable}
    for key in store.trainable:
        numeric = central_differences(value, store.value(key))
        np.testing.assert_allclose(analytic[key], numeric, rtol=1e-5, atol=1e-7, err_msg=key)


@pytest.mark.parametrize("name", CONV_NETS)
@pytest.mark.parametrize("fuse", [True, False])
def test_gradients(name, fuse):
    check(Graph.chain((C, H, W), CONV_NETS[name]), LOSSES[0], fuse=fuse)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("end", [None, "tanh", "sigmoid", "softmax"])
def test_gradients_of_losses(loss, end):
    check(Graph.chain((1, 2, 2), [L.Flatten(), L.Dense(3, activation=end)]), loss)


def test_gradients_at_a_full_block_of_lanes():
    check(Graph.chain((C, H, W), CONV_NETS["deep_max_pool_fused"]), LOSSES[0], batch=17)


@pytest.mark.parametrize("end", ["linear", "relu"])
def test_gradients_of_a_residual_block(end):
    graph = Graph((2, 4, 4))
    start = graph.apply(L.Conv2D(3, 3, padding="same", activation="tanh"), graph.input)
    branch = graph.apply(L.Conv2D(3, 3, padding="same", activation="relu"), start)
    branch = graph.apply(L.Conv2D(3, 3, padding="same"), branch)
    total = graph.apply(L.Add(activation=end), branch, start)
    after = graph.apply(L.Conv2D(2, 2, activation="relu"), total)
    graph.apply(L.Dense(3), graph.apply(L.Flatten(), after))
    check(graph, LOSSES[0])
