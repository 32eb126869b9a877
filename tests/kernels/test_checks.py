"""Arguments that would let a kernel read or write where it must not are refused, by every maker."""

import numpy as np
import pytest

from fastcnn.errors import BackendError, FastcnnError, OptionError, ShapeError
from fastcnn.kernels import call, new_program
from fastcnn.kernels.backends import BACKENDS


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


def flat_update(**changes):
    """Arguments of an optimizer: 20 parameters in two segments."""
    arrays = {"p": zeros(20), "g": zeros(20), "m": zeros(20), "v": zeros(20)}
    arrays |= {"bounds": np.array([0, 8, 20]), "penalties": zeros(2, 4), "hyper": np.ones(3)}
    return arrays | changes


GAPS = zeros(2, 3, 4, 10, 16)[:, :, :, ::2]  # between the pixels of a row
X = (2, 3, 4, 5, 16)
POOL = {"window_h": 2, "window_w": 2, "stride_h": 2, "stride_w": 2}
BAD = {
    "gaps between pixels": ("scale", {"x": GAPS, "y": zeros(*X)}, {}, "axis 3 of x"),
    "gaps in what is written": ("copy", {"x": zeros(*X), "y": GAPS}, {}, "axis 3 of y"),
    "gaps between lanes": (
        "dense_forward",
        {"x": zeros(2, 6, 32)[:, :, ::2], "w": zeros(4, 6), "y": zeros(2, 4, 16)},
        {},
        "axis 2 of x",
    ),
    "turned weights": (
        "dense_forward",
        {"x": zeros(2, 6, 16), "w": zeros(6, 4).T, "y": zeros(2, 4, 16)},
        {},
        "of w must have a stride",
    ),
    "turned parameters": ("adam_update", flat_update(p=zeros(40)[::2]), {}, "axis 0 of p"),
    "foreign byte order": (
        "copy",
        {"x": zeros(*X, dtype=">f4"), "y": zeros(*X)},
        {},
        "float32",
    ),
    "too few bounds": ("adam_update", flat_update(bounds=np.array([0, 20])), {}, "bounds must be"),
    "bounds past the end": (
        "adam_update",
        flat_update(bounds=np.array([0, 8, 21])),
        {},
        "at most 20",
    ),
    "falling bounds": ("adam_update", flat_update(bounds=np.array([0, 9, 8])), {}, "rise"),
    "two columns of penalties": ("adam_update", flat_update(penalties=zeros(2, 2)), {}, "S, 4"),
    "a short hyper": ("adam_update", flat_update(hyper=np.ones(2)), {}, "3 numbers in hyper"),
    "bounds of the penalty": (
        "penalty_value",
        {"p": zeros(20), "bounds": np.array([0, 99]), "penalties": zeros(1, 4), "out": np.ones(1)},
        {},
        "at most 20",
    ),
    "a long state": (
        "dropout_forward",
        {
            "x": zeros(*X),
            "y": zeros(*X),
            "mask": zeros(*X[:4], dtype=np.uint16),
            "state": np.zeros(3, np.int64),
        },
        {},
        r"state must be \(2\)",
    ),
    "three lanes of dropout": (
        "dropout_backward",
        {
            "dy": zeros(1, 1, 2, 2, 3),
            "dx": zeros(1, 1, 2, 2, 3),
            "mask": zeros(1, 1, 2, 2, dtype=np.uint16),
        },
        {},
        "lanes",
    ),
    "more windows than the image has": (
        "avg_pool2d_forward",
        {"x": zeros(1, 1, 4, 4, 16), "y": zeros(1, 1, 9, 9, 16)},
        POOL,
        "9 windows",
    ),
    "more gradients than the image has": (
        "avg_pool2d_backward",
        {"dx": zeros(1, 1, 4, 4, 16), "dy": zeros(1, 1, 2, 9, 16)},
        POOL,
        "9 windows along w",
    ),
    "windows that stand still": (
        "avg_pool2d_forward",
        {"x": zeros(1, 1, 4, 4, 16), "y": zeros(1, 1, 2, 2, 16)},
        {**POOL, "stride_h": 0},
        "stride",
    ),
    "images of another size": (
        "gather_images",
        {"images": zeros(9, 4, 6, 3), "order": zeros(2, 16, dtype=np.int64), "x": zeros(*X)},
        {},
        "W is 5",
    ),
    "images of another dtype": (
        "gather_images",
        {
            "images": zeros(9, 4, 5, 3, dtype=np.int16),
            "order": zeros(2, 16, dtype=np.int64),
            "x": zeros(*X),
        },
        {},
        "uint8 or float32",
    ),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(name, backend):
    kernel, arrays, params, message = BAD[name]
    with pytest.raises(ShapeError, match=message):
        call(kernel, arrays, backend, **params)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["max_pool2d_forward", "max_pool2d_backward"])
def test_windows_of_max_pools(name, backend):
    image, pooled = ("x", "y") if name.endswith("forward") else ("dx", "dy")
    arrays = {image: zeros(1, 1, 4, 4, 16), pooled: zeros(1, 1, 9, 9, 16)}
    arrays["index"] = zeros(1, 1, 9, 9, 16, dtype=np.uint8)
    with pytest.raises(ShapeError, match="9 windows"):
        call(name, arrays, backend, **POOL)
    arrays = {image: zeros(1, 1, 16, 16, 16), pooled: zeros(1, 1, 1, 1, 16)}
    arrays["index"] = zeros(1, 1, 1, 1, 16, dtype=np.uint8)
    with pytest.raises(OptionError, match="255 cells"):
        call(name, arrays, backend, window_h=16, window_w=16)


def test_float64_is_for_the_reference():
    order = zeros(2, 16, dtype=np.int64)
    arrays = {"images": zeros(9, 4, 5, 3, dtype=np.float64), "order": order, "x": zeros(*X)}
    call("gather_images", arrays, "reference")
    with pytest.raises(BackendError, match="images is float64"):
        call("gather_images", arrays)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rebinding_keeps_the_shape(backend):
    program = new_program(backend)
    program.add("gather_labels", labels_of(9))
    program.rebind(0, "labels", np.zeros(30, np.int64)[::3])
    program = new_program(backend)
    program.add("fma_peak", {"flops": np.zeros(2)})
    with pytest.raises(ShapeError, match="was bound as"):
        program.rebind(0, "flops", np.zeros(1))


def labels_of(count):
    arrays = {"labels": count, "order": (2, 4), "out": (2, 4)}
    return {tensor: np.zeros(shape, np.int64) for tensor, shape in arrays.items()}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "images",
    [
        zeros(9, 4, 6, 3),
        zeros(9, 4, 5),
        zeros(9, 4, 5, 3, dtype=np.int64),
        zeros(9, 4, 5, 3, dtype=">f4"),
    ],
)
def test_rebinding_runs_the_same_checks(images, backend):
    x = zeros(*X)
    good = np.ones((7, 4, 5, 3), np.float32)
    order = zeros(2, 16, dtype=np.int64)
    program = new_program(backend)
    program.add("gather_images", {"images": zeros(9, 4, 5, 3), "order": order, "x": x})
    with pytest.raises(ShapeError):
        program.rebind(0, "images", images)
    with pytest.raises(FastcnnError, match="unknown tensor"):
        program.rebind(0, "pictures", good)
    program.run()
    assert not x.any()  # a refused array leaves the old one
    program.rebind(0, "images", good)
    program.run()
    assert (x == 1).all()
