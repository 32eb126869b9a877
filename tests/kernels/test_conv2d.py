import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

from fastcnn.errors import ShapeError
from fastcnn.kernels import call, new_program
from fastcnn.kernels.geometry import output_size, same_padding
from fastcnn.kernels.native import isas
from tests.kernels.compare import assert_native_matches_reference
from tests.kernels.conv2d_cases import CANARY, Case, canaries, gradient_problem, problems


def distinct_windows(case):
    """No near ties within a pooling window, which float32 and float64 could settle differently."""
    case.x[...] = np.round(case.x * 2)
    case.w[...] = np.round(case.w * 2)
    case.b = None if case.b is None else np.round(case.b * 2)


@settings(deadline=None, max_examples=40)
@given(problems())
def test_forward_matches_reference(problem):
    case = Case(problem)
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}
    assert_native_matches_reference(
        "conv2d_forward", arrays, **case.steps, **case.zeros, **case.act
    )


@pytest.mark.parametrize("outs", [4, 16, 21, 40])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 7, 13, 30])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
def test_single_images_match_reference(outs, width, stride):
    """Vectors of output channels, whatever the width of rows; the last tile has fewer rows."""
    shapes = {"channels": 3, "outs": outs, "kernel": (3, 3), "size": (7, width), "blocks": 2}
    case = Case(gradient_problem(**shapes, stride=stride, lanes=1, pad=(1, 1, 1, 1)))
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}
    assert_native_matches_reference(
        "conv2d_forward", arrays, **case.steps, **case.zeros, **case.act
    )


@settings(deadline=None, max_examples=25)
@given(problems(lanes=(16, 32), pooled=True))
def test_max_pool_forward_matches_reference(problem):
    case = Case(problem)
    distinct_windows(case)
    size = case.out[0] // 2, case.out[1] // 2
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*size)}
    arrays["index"] = case.outputs(*size, dtype=np.uint8)
    assert_native_matches_reference(
        "conv2d_max_pool_forward", arrays, **case.steps, **case.zeros, **case.act
    )


@pytest.mark.parametrize("outs", [1, 16, 21, 40])
@pytest.mark.parametrize("width", [2, 3, 4, 7, 12, 13, 41, 66])
@pytest.mark.parametrize("dilation", [1, 2])
def test_single_images_are_pooled(outs, width, dilation):
    """Windows of several tiles are stored together; a last odd row and column are left away."""
    shapes = {"channels": 3, "outs": outs, "kernel": (3, 2), "size": (7, width), "blocks": 2}
    pad = (dilation, dilation, dilation, 0)
    steps = {"dilation": (dilation, dilation), "pad": pad, "lanes": 1}
    case = Case(gradient_problem(**shapes, **steps))
    y = case.outputs(case.out[0] // 2, case.out[1] // 2)
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": y}
    assert_native_matches_reference(
        "conv2d_single_max_pool_forward", arrays, **case.steps, **case.zeros, **case.act
    )


@pytest.mark.parametrize("outs", [9, 16, 21])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 11])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
@pytest.mark.parametrize(("lanes", "activation"), [(16, "relu"), (32, "tanh"), (8, "linear")])
def test_few_taps_and_many_filters_match_reference(outs, width, stride, kernel, lanes, activation):
    """Kernels of one pixel go another way, with chunks of fewer filters."""
    pad = (0, 0, 0, 0) if kernel == (1, 1) else (1, 2, 1, 2)
    shapes = {"channels": 3, "outs": outs, "kernel": kernel, "size": (6, width), "blocks": 2}
    steps = {"stride": stride, "lanes": lanes, "pad": pad}
    case = Case(gradient_problem(**shapes, **steps, activation=activation))
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}
    assert_native_matches_reference(
        "conv2d_forward", arrays, **case.steps, **case.zeros, **case.act
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(3, 3), (4, 13), (7, 12), (6, 25)])
@pytest.mark.parametrize("pad", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 1), (1, 0, 2, 3)])
@pytest.mark.parametrize("lanes", [8, 16, 32])
def test_all_phases_of_few_channels_match_reference(channels, size, pad, lanes):
    shapes = {"channels": channels, "outs": 5, "kernel": (3, 3), "size": size, "blocks": 2}
    case = Case(gradient_problem(**shapes, stride=(2, 2), lanes=lanes, pad=pad))
    dy, params = case.gradient_arrays()
    dx = canaries((2, channels, *size, lanes), np.float32)
    arrays = {"dy": dy, "w": case.w, "y": None, "dx": dx}
    assert_native_matches_reference("conv2d_backward_input", arrays, **params, activation="linear")


@settings(deadline=None, max_examples=40)
@given(problems(), st.booleans())
def test_backward_input_matches_reference(problem, with_y):
    case = Case(problem)
    dy, params = case.gradient_arrays()
    shape = (problem["blocks"], problem["channels"], *problem["size"], problem["lanes"])
    y = case.random(*shape) if with_y else None
    arrays = {"dy": dy, "w": case.w, "y": y, "dx": canaries(shape, np.float32)}
    assert_native_matches_reference("conv2d_backward_input", arrays, **params, **case.act)


@pytest.mark.parametrize("lanes", [8, 16, 32])
@pytest.mark.parametrize("kernel", [(2, 3), (3, 5)])
@pytest.mark.parametrize("steps", [{}, {"stride": (2, 2)}, {"dilation": (1, 2)}])
@pytest.mark.parametrize("width", [3, 9, 35])
def test_one_channel_alone_matches_reference(lanes, kernel, steps, width):
    """Depthwise: one output channel a group slides along rows of neighbouring pixels."""
    shapes = {"groups": 3, "channels": 3, "outs": 3, "kernel": kernel, "size": (4, width)}
    case = Case(gradient_problem(**shapes, **steps, lanes=lanes, pad=(1, 2, 2, 4)))
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}
    assert_native_matches_reference(
        "conv2d_forward", arrays, **case.steps, **case.zeros, **case.act
    )
    dy, params = case.gradient_arrays()
    shape = (1, 3, 4, width, lanes)
    arrays = {"dy": dy, "w": case.w, "y": case.random(*shape), "dx": canaries(shape, np.float32)}
    assert_native_matches_reference("conv2d_backward_input", arrays, **params, **case.act)


@pytest.mark.parametrize("lanes", [8, 16, 32])
@pytest.mark.parametrize(("channels", "outs"), [(3, 13), (33, 20), (150, 9)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
@pytest.mark.parametrize("width", [1, 21])
def test_one_pixel_matches_reference(lanes, channels, outs, stride, width):
    """Few channels: rows of some strips, which wait in a panel for all chunks of filters."""
    shapes = {"channels": channels, "outs": outs, "kernel": (1, 1), "size": (3, width)}
    case = Case(gradient_problem(**shapes, blocks=2, stride=stride, lanes=lanes))
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}
    assert_native_matches_reference(
        "conv2d_forward", arrays, **case.steps, **case.zeros, **case.act
    )
    dy, params = case.gradient_arrays()
    shape = (2, channels, 3, width, lanes)
    arrays = {"dy": dy, "w": case.w, "y": case.random(*shape), "dx": canaries(shape, np.float32)}
    assert_native_matches_reference("conv2d_backward_input", arrays, **params, **case.act)


@settings(deadline=None, max_examples=40)
@given(problems())
def test_backward_weight_matches_reference(problem):
    case = Case(problem)
    dy = case.outputs(*case.out)
    dy[...] = case.random(*dy.shape)
    db = np.empty_like(case.b) if problem["bias"] else None
    arrays = {"x": case.x, "dy": dy, "dw": np.empty_like(case.w), "db": db}
    assert_native_matches_reference("conv2d_backward_weight", arrays, **case.steps, **case.zeros)


@pytest.mark.parametrize("lanes", [1, 8, 16, 32])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stride": (2, 2)},
        {"dilation": (1, 2), "size": (4, 41)},
        {"groups": 2, "channels": 60, "outs": 82},
        {"kernel": (1, 1), "channels": 262, "outs": 70, "blocks": 40, "size": (3, 3)},
        {"kernel": (1, 1), "channels": 67, "outs": 70, "size": (5, 9)},
        {"outs": 133, "bias": False},
    ],
)
def test_weight_gradient_of_many_filters_matches_reference(lanes, changes):
    """Enough taps and filters for dy to be transposed; none a multiple of a tile's."""
    shapes = {"channels": 29, "outs": 37, "kernel": (3, 3), "size": (6, 9), "blocks": 2}
    case = Case(gradient_problem(**{**shapes, **changes}, lanes=lanes))
    dy = case.outputs(*case.out)
    dy[...] = case.random(*dy.shape)
    db = None if case.b is None else np.empty_like(case.b)
    arrays = {"x": case.x, "dy": dy, "dw": np.empty_like(case.w), "db": db}
    assert_native_matches_reference("conv2d_backward_weight", arrays, **case.steps, **case.zeros)


@settings(deadline=None, max_examples=25)
@given(problems(lanes=(16, 32), pooled=True))
def test_max_pool_backward_weight_matches_reference(problem):
    case = Case(problem)
    shape = (
        problem["blocks"],
        problem["outs"],
        case.out[0] // 2,
        case.out[1] // 2,
        problem["lanes"],
    )
    index = case.rng.integers(0, 4, shape).astype(np.uint8)
    arrays = {"x": case.x, "dy": case.random(*shape), "y": case.random(*shape), "index": index}
    arrays |= {
        "dw": np.empty_like(case.w),
        "db": np.empty_like(case.b) if problem["bias"] else None,
    }
    name = "conv2d_max_pool_backward_weight"
    assert_native_matches_reference(name, arrays, **case.steps, **case.zeros, **case.act)


@pytest.mark.parametrize("lanes", [16, 32])
@pytest.mark.parametrize("kernel", [(2, 3), (3, 5)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("outs", [1, 4, 11])
def test_sparse_pooled_gradient_matches_reference(lanes, kernel, dilation, outs):
    """Linear at step 1; 13 rows leave an odd one out, and 40 blocks make more than one strip."""
    shapes = {"groups": 2, "channels": 4, "outs": 2 * outs, "kernel": kernel, "size": (13, 11)}
    case = Case(gradient_problem(**shapes, dilation=dilation, lanes=lanes, blocks=40))
    shape = (40, 2 * outs, case.out[0] // 2, case.out[1] // 2, lanes)
    arrays = {"x": case.x, "dy": case.random(*shape), "y": case.random(*shape)}
    arrays["index"] = case.rng.integers(0, 4, shape).astype(np.uint8)
    arrays |= {"dw": np.empty_like(case.w), "db": np.empty_like(case.b)}
    name = "conv2d_max_pool_backward_weight"
    assert_native_matches_reference(name, arrays, **case.steps, **case.zeros, activation="linear")


@pytest.mark.parametrize("batch", [1, 17])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 5)])
def test_forward_is_scipys_correlation(batch, kernel):
    """An independent oracle; a batch of 17 images is two blocks of 16 lanes, 15 of them empty."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(batch, 2, 9, 7))
    w = rng.normal(size=(3, 2, *kernel))
    wanted = np.array(
        [[sum(correlate2d(i[c], k[c], mode="valid") for c in range(2)) for k in w] for i in images]
    )
    blocks = -(-batch // 16)
    lanes = np.zeros((blocks * 16, 2, 9, 7))
    lanes[:batch] = images
    x = lanes.reshape(blocks, 16, 2, 9, 7).transpose(0, 2, 3, 4, 1).astype(np.float32)
    y = np.empty((blocks, 3, *wanted.shape[2:], 16), np.float32)
    call("conv2d_forward", {"x": np.ascontiguousarray(x), "w": w.astype(np.float32), "y": y})
    got = y.transpose(0, 4, 1, 2, 3).reshape(blocks * 16, 3, *wanted.shape[2:])[:batch]
    np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("stride", [1, 2])
def test_nothing_is_written_outside_the_views(isa, lanes, stride):
    problem = gradient_problem(
        channels=3, outs=7, size=(9, 11), lanes=lanes, stride=(stride, stride)
    )
    case = Case(problem)
    y = case.outputs(*case.out)
    call_on_isa("conv2d_forward", isa, {"x": case.x, "w": case.w, "y": y}, **case.steps)
    assert_canaries(y)
    dy, params = case.gradient_arrays()
    dx = canaries((1, 3, 9, 11, lanes), np.float32)
    call_on_isa("conv2d_backward_input", isa, {"dy": dy, "w": case.w, "dx": dx}, **params)
    assert_canaries(dx)
    if lanes == 16:
        size = case.out[0] // 2, case.out[1] // 2
        y, index = case.outputs(*size), case.outputs(*size, dtype=np.uint8)
        arrays = {"x": case.x, "w": case.w, "y": y, "index": index}
        call_on_isa("conv2d_max_pool_forward", isa, arrays, **case.steps)
        assert_canaries(y)
        assert_canaries(index)


def call_on_isa(name, isa, arrays, **params):
    program = new_program("native", isa)
    program.add(name, arrays, **params)
    program.run(threads=2)


def assert_canaries(view):
    base = view.base.copy()
    offset = view.ctypes.data - view.base.ctypes.data
    inside = np.ndarray(view.shape, view.dtype, base, offset, view.strides)
    inside[...] = CANARY.astype(view.dtype)
    assert (base == CANARY.astype(view.dtype)).all()


def test_fused_pool_takes_what_the_plain_convolution_yields():
    """Same bits, hence the same maxima: the fused kernel adds in the same order."""
    case = Case(gradient_problem(channels=5, outs=13, size=(11, 9), lanes=16))
    y = np.empty((1, 13, *case.out, 16), np.float32)
    call("conv2d_forward", {"x": case.x, "w": case.w, "b": case.b, "y": y}, **case.steps)
    shape = (1, 13, case.out[0] // 2, case.out[1] // 2, 16)
    pooled, index = np.empty(shape, np.float32), np.empty(shape, np.uint8)
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": pooled, "index": index}
    call("conv2d_max_pool_forward", arrays, **case.steps)
    h, w = 2 * shape[2], 2 * shape[3]
    parts = np.stack([y[:, :, q // 2 : h : 2, q % 2 : w : 2] for q in range(4)])
    np.testing.assert_array_equal(pooled, parts.max(0))
    np.testing.assert_array_equal(index, parts.argmax(0))


def test_only_active_blocks_count():
    case = Case(gradient_problem(blocks=3, lanes=16))
    dy = case.random(3, 2, *case.out, 16)
    results = []
    for blocks, x, d in ((2, case.x, dy), (9, case.x[:2], dy[:2])):
        dw, db = np.empty_like(case.w), np.empty_like(case.b)
        program = new_program()
        program.add("conv2d_backward_weight", {"x": x, "dy": d, "dw": dw, "db": db}, **case.steps)
        program.run(blocks=blocks)
        results.append((dw, db))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "wanted"),
    [
        (32, 5, 1, 1, (2, 2)),
        (32, 2, 1, 1, (0, 1)),
        (7, 3, 2, 1, (1, 1)),
        (8, 3, 2, 1, (0, 1)),
        (9, 3, 1, 2, (2, 2)),
        (5, 1, 3, 1, (0, 0)),
    ],
)
def test_same_padding(size, kernel, stride, dilation, wanted):
    assert same_padding(size, kernel, stride, dilation) == wanted
    assert output_size(size + sum(wanted), kernel, stride, dilation) == -(-size // stride)


WRONG = [
    ("conv2d_forward", {"x": (1, 2, 5, 5, 16), "w": (3, 2, 3, 3), "y": (1, 3, 4, 3, 16)}, {}),
    ("conv2d_forward", {"x": (1, 3, 5, 5, 16), "w": (3, 2, 3, 3), "y": (1, 3, 3, 3, 16)}, {}),
    (
        "conv2d_forward",
        {"x": (1, 2, 5, 5, 16), "w": (3, 2, 3, 3), "y": (1, 3, 3, 3, 16)},
        {"stride_h": 0},
    ),
    (
        "conv2d_backward_input",
        {"dy": (1, 3, 5, 5, 16), "w": (3, 2, 3, 3), "dx": (1, 2, 7, 7, 16)},
        {},
    ),
]


@pytest.mark.parametrize(("name", "shapes", "params"), WRONG)
def test_wrong_shapes_are_refused(name, shapes, params):
    arrays = {tensor: np.zeros(shape, np.float32) for tensor, shape in shapes.items()}
    with pytest.raises(ShapeError):
        call(name, arrays, **params)


def test_gaps_between_pixels_are_refused():
    x = np.zeros((1, 2, 5, 10, 16), np.float32)[:, :, :, ::2]
    arrays = {
        "x": x,
        "w": np.zeros((3, 2, 3, 3), np.float32),
        "y": np.zeros((1, 3, 3, 3, 16), np.float32),
    }
    with pytest.raises(ShapeError, match="axis 3 of x"):
        call("conv2d_forward", arrays)
