"""Things with one mistake each, registered for the length of a test."""

import re
from contextlib import contextmanager

import numpy as np
import pytest

import fastcnn.testing
from fastcnn.engine.layer import Layer, Parameter
from fastcnn.kernels.kit import kernel
from fastcnn.kernels.spec import OPS

IMAGES = "B C H W L"


@contextmanager
def entered(registry, thing, name="test_thing"):
    """The name of a class that is registered for as long as the block runs."""
    registry.register(name)(thing)
    try:
        yield name
    finally:
        del registry._found[name]


@contextmanager
def kernels():
    """Kernels of the block go away with it."""
    before = set(OPS)
    try:
        yield
    finally:
        for name in set(OPS) - before:
            del OPS[name]


def failure(registry, cls):
    """What the check of this kind of plugin says about a class."""
    with entered(registry, cls) as name, pytest.raises(AssertionError) as error:
        getattr(fastcnn.testing, f"check_{registry.kind}")(name)
    return str(error.value)


def assert_found(registry, cls, message):
    found = failure(registry, cls)
    assert re.search(message, found), found


def scale(x, w, y):
    np.multiply(x, w[:, None, None, None], out=y)


def scale_weight(x, dy, dw):
    dw[...] = np.einsum("bchwl,bchwl->c", x, dy)


def enter_scale(forward=scale, backward=scale, weight=scale_weight):
    """The three kernels of a layer y[c] = factor w[c] x[c]."""
    map_row = {"x": IMAGES, "w": "C", "y": f"> {IMAGES}"}
    kernel(map_row, maker="numpy", name="test_scale")(forward)
    kernel(map_row, maker="numpy", name="test_scale_back")(backward)
    weight_row = {"x": IMAGES, "dy": IMAGES, "dw": "> C"}
    kernel(weight_row, maker="numpy", name="test_scale_weight")(weight)


class Scale(Layer):
    """y = w[c] x, w learned; nothing wrong with it."""

    def __init__(self, factor=2.0, name=None):
        self.factor = factor
        self.name = name

    def output_shape(self, *shapes):
        return shapes[0]

    def parameters(self, *shapes):
        return {"scale": Parameter(shapes[0][:1], {"name": "constant", "value": self.factor})}

    def forward(self, build, stage):
        w = build.parameter(stage, "scale")
        build.step("test_scale", x=stage.x, w=w, y=build.output(stage))

    def backward(self, build, stage):
        dw = build.parameter_gradient(stage, "scale")
        build.step("test_scale_weight", x=stage.x, dy=stage.dy, dw=dw)
        w = build.parameter(stage, "scale")
        build.add_gradient(stage.x, lambda dx: build.step("test_scale_back", x=stage.dy, w=w, y=dx))
