"""The checks find what is wrong with optimizers."""

import pytest

import fastcnn.testing
from fastcnn.engine.optimizer import Optimizer
from fastcnn.kernels.kit import kernel
from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found, entered

UPDATE = {
    "p": "> N",
    "g": "N",
    "bounds": "int64 M",
    "penalties": "T 4",
    "hyper": "float64 1",
}


def step(p, g, bounds, penalties, hyper):
    p -= hyper[0] * g


class Plain(Optimizer):
    """p -= lr g"""

    kernel = "test_update"
    slot_names = ()

    def __init__(self, learning_rate=0.01, **common):
        super().__init__(learning_rate, **common)


class HidesState(Plain):
    """Steps that shrink with a count that is not saved."""

    count = 0

    def hyper(self, iteration, rate):
        self.count += 1
        return [rate / (1 + 0.1 * self.count)]


class Climbs(Plain):
    """p += lr g"""

    def hyper(self, iteration, rate):
        return [-rate]


class IgnoresRate(Plain):
    """p -= 0.01 g"""

    def hyper(self, iteration, rate):
        return [0.01]


def test_a_right_optimizer_passes():
    kernel(UPDATE, maker="numpy", name="test_update")(step)
    with entered(registries.optimizers, Plain) as name:
        fastcnn.testing.check_optimizer(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (HidesState, "resumed after 25 steps"),
        (Climbs, "does not lower the loss"),
        (IgnoresRate, "a learning rate of 0: moves parameters"),
    ],
)
def test_wrong_optimizers(cls, message):
    kernel(UPDATE, maker="numpy", name="test_update")(step)
    assert_found(registries.optimizers, cls, message)


def test_an_optimizer_that_writes_between_parameters():
    def everywhere(p, g, bounds, penalties, hyper):
        p -= hyper[0] * (g + 1)

    kernel(UPDATE, maker="numpy", name="test_update")(everywhere)
    assert_found(registries.optimizers, Plain, "numbers between the parameters")


def test_an_optimizer_that_depends_on_threads():
    @kernel(UPDATE, name="test_update")
    def shares(work, p, g, bounds, penalties, hyper):
        for i in range(work.number, p.shape[0], work.count):
            p[i] -= hyper[0] * g[i] * (1 + 1e-3 * (work.count - 1))

    assert_found(registries.optimizers, Plain, "2 threads give other bits")
