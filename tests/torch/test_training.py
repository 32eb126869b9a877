"""A small net trained for some steps here and in PyTorch: the same loss and weights at the end."""

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from tests.torch.against import needs_torch, torch

pytestmark = needs_torch
N, BATCH, EPOCHS, CLASSES = 40, 16, 3, 4  # the last batch of an epoch is half full
NAMES = {
    "conv2d": "0",
    "batch_normalization": "2",
    "depthwise_conv2d": "4",
    "conv2d_1": "6",
    "dense": "9",
}
KINDS = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
OPTIMIZERS = [  # ours, PyTorch's
    (
        {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ),
    (
        {"name": "adam", "learning_rate": 0.01, "global_clipnorm": 1.0, "epsilon": 1e-12},
        ("Adam", {"lr": 0.01, "eps": 1e-12}),
    ),
]


def ours():
    return Sequential(
        [
            L.Conv2D(6, 3, padding="same", activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling2D(2),
            L.DepthwiseConv2D(3, padding=1, activation="tanh"),
            L.Conv2D(5, 2, 2),
            L.Flatten(),
            L.Dense(CLASSES, activation="softmax"),
        ],
        seed=3,
    )


def theirs():
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 6, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.BatchNorm2d(6, eps=1e-3, momentum=0.01),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(6, 6, 3, padding=1, groups=6),
        torch.nn.Tanh(),
        torch.nn.Conv2d(6, 5, 2, stride=2),
        torch.nn.Identity(),
        torch.nn.Flatten(),
        torch.nn.Linear(20, CLASSES),
    ).double()


def pairs(model, net):
    """(name, our array, their tensor) of all parameters that learn."""
    parameters = dict(net.named_parameters())
    for key, value in model.get_weights().items():
        layer, _, name = key.rpartition("/")
        if name in KINDS:
            yield key, value, parameters[f"{NAMES[layer]}.{KINDS[name]}"]


def train_theirs(net, x, labels, optimizer, clipnorm):
    for _ in range(EPOCHS):
        for start in range(0, N, BATCH):
            optimizer.zero_grad()
            y = net(x[start : start + BATCH])
            torch.nn.functional.cross_entropy(y, labels[start : start + BATCH]).backward()
            if clipnorm:
                torch.nn.utils.clip_grad_norm_(net.parameters(), clipnorm)
            optimizer.step()


@pytest.mark.parametrize(("options", "wanted"), OPTIMIZERS, ids=["sgd", "adam"])
def test_weights_after_training(options, wanted):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 9, 8, 2)).astype(np.float32)
    labels = rng.integers(0, CLASSES, N)
    model, net = ours(), theirs()
    model.build(x.shape[1:])
    for _, value, parameter in pairs(model, net):
        parameter.data[...] = torch.from_numpy(value)
    model.compile(options, "sparse_categorical_crossentropy")
    model.fit(x, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    name, torch_options = wanted
    optimizer = getattr(torch.optim, name)(net.parameters(), **torch_options)
    images = torch.from_numpy(x.transpose(0, 3, 1, 2).astype(np.float64))
    train_theirs(net, images, torch.from_numpy(labels), optimizer, options.get("global_clipnorm"))
    for key, value, parameter in pairs(model, net):
        np.testing.assert_allclose(value, parameter.detach().numpy(), atol=2e-4, err_msg=key)
    expected = torch.softmax(net.eval()(images), 1).detach().numpy()
    np.testing.assert_allclose(model.predict(x), expected, atol=2e-3)
