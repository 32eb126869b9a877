"""check_layer finds what is wrong with a layer."""

import re

import numpy as np
import pytest

from fastcnn.engine.expected import Values
from fastcnn.engine.layer import Layer
from fastcnn.kernels.kit import kernel
from fastcnn.plugins.registry import layers
from fastcnn.testing import check_layer
from tests.testing.wrong import IMAGES, Scale, enter_scale, entered, scale, scale_weight

SHAPES = [(5, 4, 3)]
NUMBER = np.float32(2)


def failure(cls, **options):
    with entered(layers, cls) as name, pytest.raises(AssertionError) as error:
        check_layer({"name": name, **options}, input_shapes=SHAPES)
    assert str(error.value).startswith("layer ")
    return str(error.value)


def test_a_right_layer_passes():
    enter_scale()
    with entered(layers, Scale) as name:
        check_layer(name)
        check_layer({"name": name, "factor": 3})


def wrong_slope(x, w, y):
    np.multiply(x, 1.001 * w[:, None, None, None], out=y)


def adds_up(x, dy, dw):
    dw += np.einsum("bchwl,bchwl->c", x, dy)


def forgets_an_image(x, dy, dw):
    scale_weight(x[..., 1:], dy[..., 1:], dw)


def changes_input(x, w, y):
    x *= w[:, None, None, None]
    y[...] = x


def unwritten(x, w, y):
    scale(x[:, :, 1:], w, y[:, :, 1:])


def fills_empty_lanes(x, w, y):
    scale(x + 1e-3, w, y)


class Counter:
    """A kernel that remembers."""

    calls = 0

    def __call__(self, x, w, y):
        self.calls += 1
        scale(x, w * (1 + self.calls), y)


WRONG_KERNELS = {
    "input gradient": ({"backward": wrong_slope}, r"gradients: the gradient of the input .*wrong"),
    "weight gradient": ({"weight": forgets_an_image}, r"gradient of 'test_thing/scale' .*wrong"),
    "added up": ({"weight": adds_up}, r"gradient of 'test_thing/scale'"),
    "input changed": ({"forward": changes_input}, r"'test_scale' changes its input 'x'"),
    "output unwritten": ({"forward": unwritten}, r"the output is not written in full"),
    "empty lanes": ({"backward": fills_empty_lanes}, r"a lane without an image has a gradient"),
    "hidden state": ({"forward": Counter()}, r"depends on something that is hidden"),
}


@pytest.mark.parametrize("case", WRONG_KERNELS)
def test_wrong_kernels(case):
    wrong, message = WRONG_KERNELS[case]
    enter_scale(**wrong)
    assert re.search(message, failure(Scale))


def test_a_kernel_that_depends_on_threads():
    @kernel({"x": IMAGES, "w": "C", "y": f"> {IMAGES}"}, name="test_scale")
    def shares(work, x, w, y):
        for b in range(x.shape[0]):
            for c in range(x.shape[1]):
                for h in range(work.number, x.shape[2], work.count):
                    y[b, c, h] = x[b, c, h] * w[c] + 1e-6 * (work.count - 1)

    row = {"x": IMAGES, "w": "C", "y": f"> {IMAGES}"}
    kernel(row, maker="numpy", name="test_scale_back")(scale)
    weight_row = {"x": IMAGES, "dy": IMAGES, "dw": "> C"}
    kernel(weight_row, maker="numpy", name="test_scale_weight")(scale_weight)
    assert "2 threads" in failure(Scale)


class Forgets(Scale):
    """Keeps its option under another name."""

    def __init__(self, factor=2.0, name=None):
        self._factor, self.name = factor, name


class KeepsAnother(Scale):
    """Keeps another number than it was given."""

    def __init__(self, factor=2.0, name=None):
        super().__init__(2 * factor, name)


class KeepsValues(Scale):
    """Gives other numbers than it reads, and denies it."""

    keeps_values = True


class Bounded(Scale):
    """Promises bounds that it does not keep."""

    output_values = Values(-1, 1)


class TakesAnything(Scale):
    """Takes options that it does not have."""

    def __init__(self, factor=2.0, name=None, **others):
        super().__init__(factor, name)


class NoJson(Scale):
    """Has an option that no file can hold."""

    def __init__(self, factor=NUMBER, name=None):
        super().__init__(factor, name)


class Undocumented(Scale):
    __doc__ = None


class TooLarge(Scale):
    """Says that its output has more rows than it writes."""

    def output_shape(self, *shapes):
        channels, *pixels = shapes[0]
        return (channels, *(n + 1 for n in pixels))


class Half(Scale):
    """Gives a shape that is none."""

    def output_shape(self, *shapes):
        return (shapes[0][0] / 2, *shapes[0][1:])


class NoGradient(Scale):
    """Gives its input no gradient."""

    def backward(self, build, stage):
        dw = build.parameter_gradient(stage, "scale")
        build.step("test_scale_weight", x=stage.x, dy=stage.dy, dw=dw)


class IgnoresSlope(Scale):
    """Leaves out the slope of the activation before it."""

    def backward(self, build, stage):
        super().backward(build, stage)
        stage.x.gradient = None
        w = build.parameter(stage, "scale")
        emit = lambda dx: build.step("test_scale_back", x=stage.dy, w=w, y=dx)  # noqa: E731
        build.add_gradient(stage.x, emit, slope=True)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Forgets, r"the option 'factor' is not stored"),
        (KeepsAnother, r"make another one"),
        (TakesAnything, r"every option needs a name|options that do not exist"),
        (NoJson, r"can't be written to a file"),
        (Undocumented, r"has no docstring"),
        (KeepsValues, r"numbers of its output: it gives .*, not"),
        (Bounded, r"numbers of its output: it gives .*, not -1 to 1"),
        (TooLarge, r"kernels: ShapeError: test_scale: y must be \(B, C, H, W, L\)"),
        (Half, r"output_shape must give a tuple of 1 to 3 positive integers"),
        (NoGradient, r"the gradient of the input .*wrong"),
        (IgnoresSlope, r"between convolutions, gradients: .*wrong"),
    ],
)
def test_wrong_layers(cls, message):
    enter_scale()
    assert re.search(message, failure(cls))


def test_a_layer_that_nobody_registered():
    class Stranger(Scale):
        """Has no name."""

    Stranger.registered_name = ""
    with pytest.raises(AssertionError, match="Stranger is not registered"):
        check_layer(Stranger())


def test_a_layer_under_the_name_of_another():
    enter_scale()

    class Other(Scale):
        """Has the name of a built-in."""

        registered_name = "flatten"

    with pytest.raises(AssertionError, match=r"the name belongs to fastcnn.*Flatten"):
        check_layer(Other())


def test_shapes_that_it_refuses_are_told():
    with pytest.raises(AssertionError, match=r"unknown layer 'no_such_layer'"):
        check_layer("no_such_layer")
    with pytest.raises(
        AssertionError, match=r"give input_shapes: it refuses all of .*needs images"
    ):
        check_layer({"name": "cropping2d", "cropping": 9})
    with pytest.raises(AssertionError, match=r"on \(3,\): .*ShapeError"):
        check_layer({"name": "conv2d", "filters": 2, "kernel_size": 1}, input_shapes=[(3,)])


def test_what_is_abstract_is_told():
    class Nothing(Layer):
        """Does nothing."""

    with (
        entered(layers, Nothing) as name,
        pytest.raises(AssertionError, match="abstract"),
    ):
        check_layer(name)
