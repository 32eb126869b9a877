import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import OptionError
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

LANES = [1, 3, 4, 8, 16]
ACTIVATIONS = sorted(SLOPE_FROM_OUTPUT)


@st.composite
def cases(draw):
    """Shapes of image and pooled image, halo, parameters; windows may overlap or leave gaps."""
    lanes = draw(st.sampled_from(LANES))
    b, c = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    h, w = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    kind = draw(st.sampled_from(["any", "2x2", "wide", "global"]))
    window, stride, pad = [2, 2], [2, 2], [0, 0]
    if kind == "wide":
        w = draw(st.integers(10, 70))
    if kind in ("any", "wide"):
        window = [draw(st.integers(1, 4)) for _ in range(2)]
        stride = [draw(st.sampled_from([1, 2, 1, 2, 3, 5])) for _ in range(2)]
        pad = [draw(st.integers(0, 3)) for _ in range(2)]
    elif kind == "global":
        window = [h, w]
    out = [
        max(1, (n + 2 * p - k) // s + 1)
        for n, p, k, s in zip((h, w), pad, window, stride, strict=True)
    ]
    params = dict(
        zip(
            ("window_h", "window_w", "stride_h", "stride_w", "pad_top", "pad_left"),
            (*window, *stride, *pad),
            strict=True,
        )
    )
    halo = draw(st.tuples(*(st.integers(0, 2),) * 4))
    return (b, c, h, w, lanes), (b, c, *out, lanes), halo, params


def floats(seed, *shapes):
    """Values with ties, so that the first of equal maxima is tested."""
    random = np.random.default_rng(seed)
    return [np.round(random.normal(size=shape), 1).astype(np.float32) for shape in shapes]


@settings(deadline=None, max_examples=100)
@given(case=cases(), seed=st.integers(0, 99))
def test_max_forward(case, seed):
    shape, pooled, halo, params = case
    (x,) = floats(seed, shape)
    arrays = {
        "x": with_halo(x, halo),
        "y": with_halo(np.empty(pooled, np.float32), halo),
        "index": with_halo(np.empty(pooled, np.uint8), halo),
    }
    assert_native_matches_reference("max_pool2d_forward", arrays, **params)
    result = run("max_pool2d_forward", arrays, "native", **params)
    assert_halo_untouched(result["y"])
    assert_halo_untouched(result["index"])


@settings(deadline=None, max_examples=100)
@given(case=cases(), seed=st.integers(0, 99), activation=st.sampled_from([None, *ACTIVATIONS]))
def test_max_backward(case, seed, activation):
    shape, pooled, halo, params = case
    x, dy = floats(seed, shape, pooled)
    arrays = {"x": x, "y": np.empty(pooled, np.float32), "index": np.empty(pooled, np.uint8)}
    forward = run("max_pool2d_forward", arrays, "reference", **params)
    arrays = {
        "dy": with_halo(dy, halo),
        "index": with_halo(forward["index"], halo),
        "y": with_halo(forward["y"], halo) if activation else None,
        "dx": with_halo(np.full(shape, 9, np.float32), halo),
    }
    params.update(activation=activation or "relu", alpha=0.1)
    assert_native_matches_reference("max_pool2d_backward", arrays, **params)
    assert_halo_untouched(run("max_pool2d_backward", arrays, "native", **params)["dx"])


@settings(deadline=None, max_examples=100)
@given(case=cases(), seed=st.integers(0, 99), count_padding=st.integers(0, 1))
def test_average_forward(case, seed, count_padding):
    shape, pooled, halo, params = case
    (x,) = floats(seed, shape)
    arrays = {"x": with_halo(x, halo), "y": with_halo(np.empty(pooled, np.float32), halo)}
    params["count_padding"] = count_padding
    assert_native_matches_reference("avg_pool2d_forward", arrays, **params)
    assert_halo_untouched(run("avg_pool2d_forward", arrays, "native", **params)["y"])


@settings(deadline=None, max_examples=100)
@given(
    case=cases(),
    seed=st.integers(0, 99),
    count_padding=st.integers(0, 1),
    activation=st.sampled_from([None, *ACTIVATIONS]),
)
def test_average_backward(case, seed, count_padding, activation):
    shape, pooled, halo, params = case
    dy, y = floats(seed, pooled, shape)
    arrays = {
        "dy": with_halo(dy, halo),
        "y": with_halo(y, halo) if activation else None,
        "dx": with_halo(np.full(shape, 9, np.float32), halo),
    }
    params.update(count_padding=count_padding, activation=activation or "relu", alpha=0.1)
    assert_native_matches_reference("avg_pool2d_backward", arrays, **params)
    assert_halo_untouched(run("avg_pool2d_backward", arrays, "native", **params)["dx"])


def windows(window, stride, pad):
    return dict(
        window_h=window,
        window_w=window,
        stride_h=stride,
        stride_w=stride,
        pad_top=pad,
        pad_left=pad,
    )


GEOMETRIES = [
    (2, 2, 0, 2),
    (3, 2, 1, 3),
    (3, 1, 1, 5),
    (1, 3, 0, 2),
    (5, 1, 0, 1),
]  # of a 5 x 5 image


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("window", "stride", "pad", "out"), GEOMETRIES)
def test_max_gradient(window, stride, pad, out, activation):
    random = np.random.default_rng(0)
    z, dy = random.normal(size=(1, 2, 5, 5, 2)), random.normal(size=(1, 2, out, out, 2))
    params, act = windows(window, stride, pad), {"activation": activation, "alpha": 0.1}

    def forward(z):
        x = run("activation_forward", {"x": z, "y": np.empty_like(z)}, "reference", **act)["y"]
        arrays = {"x": x, "y": np.empty_like(dy), "index": np.empty(dy.shape, np.uint8)}
        return run("max_pool2d_forward", arrays, "reference", **params)

    numeric = central_differences(lambda z: float((forward(z)["y"] * dy).sum()), z)
    arrays = {"dy": dy, **forward(z), "dx": np.empty_like(z)}
    analytic = run("max_pool2d_backward", arrays, "reference", **params, **act)["dx"]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("count_padding", [0, 1])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("window", "stride", "pad", "out"), GEOMETRIES)
def test_average_gradient(window, stride, pad, out, activation, count_padding):
    random = np.random.default_rng(0)
    z, dy = random.normal(size=(1, 2, 5, 5, 2)), random.normal(size=(1, 2, out, out, 2))
    params = {**windows(window, stride, pad), "count_padding": count_padding}
    act = {"activation": activation, "alpha": 0.1}

    def activated(z):
        return run("activation_forward", {"x": z, "y": np.empty_like(z)}, "reference", **act)["y"]

    def loss(z):
        arrays = {"x": activated(z), "y": np.empty_like(dy)}
        return float((run("avg_pool2d_forward", arrays, "reference", **params)["y"] * dy).sum())

    arrays = {"dy": dy, "y": activated(z), "dx": np.empty_like(z)}
    analytic = run("avg_pool2d_backward", arrays, "reference", **params, **act)["dx"]
    np.testing.assert_allclose(analytic, central_differences(loss, z), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_windows_in_the_padding_are_zero(backend):
    x = np.full((1, 1, 2, 2, 4), -3, np.float32)
    y, index = np.empty((1, 1, 4, 4, 4), np.float32), np.empty((1, 1, 4, 4, 4), np.uint8)
    params = windows(1, 1, 1)
    result = run("max_pool2d_forward", {"x": x, "y": y, "index": index}, backend, **params)
    inside = np.zeros((4, 4, 1), bool)
    inside[1:3, 1:3] = True
    np.testing.assert_array_equal(result["y"][0, 0], np.where(inside, -3, 0) * np.ones(4))
    np.testing.assert_array_equal(result["index"][0, 0], np.where(inside, 0, 255) * np.ones(4))


def test_large_window():
    (x,) = floats(0, (1, 2, 15, 17, 4))
    y = np.empty((1, 2, 1, 1, 4), np.float32)
    arrays = {"x": x, "y": y, "index": np.empty(y.shape, np.uint8)}
    params = {**windows(15, 1, 0), "window_w": 17}
    assert_native_matches_reference("max_pool2d_forward", arrays, **params)
    with pytest.raises(OptionError, match="255"):
        run("max_pool2d_forward", arrays, "reference", **{**params, "window_h": 16})
