import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from fastcnn.kernels.geometry import output_size
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

ACTIVATIONS = sorted(SLOPE_FROM_OUTPUT)


@st.composite
def problems(draw):
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    pad = draw(st.tuples(*(st.integers(0, 2),) * 4))
    least = [max(1, k - p - q) for k, p, q in zip(kernel, pad[::2], pad[1::2], strict=True)]
    return {
        "blocks": draw(st.integers(1, 6)),
        "channels": draw(st.integers(1, 8)),
        "outs": draw(st.integers(1, 8)),
        "kernel": kernel,
        "stride": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "pad": pad,
        "size": tuple(n + draw(st.integers(0, 3)) for n in least),
        "lanes": draw(st.sampled_from([1, 4, 8, 16])),
    }


def arrays_of(p, seed, dtype=np.float32):
    """x with its border, w, b, dy, and the steps."""
    rng = np.random.default_rng(seed)
    (height, width), (top, bottom, left, right) = p["size"], p["pad"]
    padded = height + top + bottom, width + left + right
    out = tuple(map(output_size, padded, p["kernel"], p["stride"]))
    x = np.zeros((p["blocks"], p["channels"], *padded, p["lanes"]), dtype)
    inner = x[:, :, top : top + height, left : left + width]
    inner[...] = rng.normal(size=inner.shape)
    w = rng.normal(size=(*out, p["outs"], p["channels"], *p["kernel"])).astype(dtype)
    b = rng.normal(size=(p["outs"], *out)).astype(dtype)
    dy = rng.normal(size=(p["blocks"], p["outs"], *out, p["lanes"])).astype(dtype)
    return x, inner, w, b, dy, {"stride_h": p["stride"][0], "stride_w": p["stride"][1]}


@settings(deadline=None, max_examples=60)
@given(
    problem=problems(),
    seed=st.integers(0, 99),
    bias=st.booleans(),
    activation=st.sampled_from(ACTIVATIONS),
)
def test_native_matches_reference(problem, seed, bias, activation):
    x, inner, w, b, dy, steps = arrays_of(problem, seed)
    b = b if bias else None
    act = {"activation": activation, "alpha": 0.1}
    halo = (1, 0, 2, 1)
    forward = {"x": x, "w": w, "b": b, "y": with_halo(np.empty_like(dy), halo)}
    assert_native_matches_reference("local2d_forward", forward, **steps, **act)
    assert_halo_untouched(run("local2d_forward", forward, "native", **steps, **act)["y"])
    dx = with_halo(np.empty_like(inner), halo)
    back = {"dy": with_halo(dy, halo), "w": w, "y": np.tanh(inner) if bias else None, "dx": dx}
    params = {**steps, **act, "pad_top": problem["pad"][0], "pad_left": problem["pad"][2]}
    assert_native_matches_reference("local2d_backward_input", back, **params)
    assert_halo_untouched(run("local2d_backward_input", back, "native", **params)["dx"])
    weights = {"x": x, "dy": dy, "dw": np.empty_like(w), "db": b}
    assert_native_matches_reference("local2d_backward_weight", weights, **steps)


def test_gradients_by_central_differences():
    problem = {"blocks": 2, "channels": 2, "outs": 3, "kernel": (2, 3), "stride": (2, 1)}
    problem |= {"pad": (1, 0, 0, 1), "size": (4, 4), "lanes": 2}
    x, inner, w, b, dy, steps = arrays_of(problem, 0, np.float64)

    def loss(_):
        arrays = {"x": x, "w": w, "b": b, "y": np.empty_like(dy)}
        return float((run("local2d_forward", arrays, "reference", **steps)["y"] * dy).sum())

    arrays = {"dy": dy, "w": w, "dx": np.empty(inner.shape)}
    dx = run("local2d_backward_input", arrays, "reference", **steps, pad_top=1)["dx"]
    np.testing.assert_allclose(dx, central_differences(loss, inner), atol=1e-7)
    arrays = {"x": x, "dy": dy, "dw": np.empty_like(w), "db": np.empty_like(b)}
    got = run("local2d_backward_weight", arrays, "reference", **steps)
    np.testing.assert_allclose(got["dw"], central_differences(loss, w), atol=1e-7)
    np.testing.assert_allclose(got["db"], central_differences(loss, b), atol=1e-7)


def test_equal_weights_everywhere_make_a_convolution():
    problem = {"blocks": 1, "channels": 2, "outs": 3, "kernel": (3, 2), "stride": (1, 2)}
    problem |= {"pad": (0, 0, 0, 0), "size": (5, 6), "lanes": 4}
    x, _, w, b, dy, steps = arrays_of(problem, 0, np.float64)
    w[...], b[...] = w[:1, :1], b[:, :1, :1]
    local = run(
        "local2d_forward", {"x": x, "w": w, "b": b, "y": np.empty_like(dy)}, "reference", **steps
    )
    shared = {"x": x, "w": w[0, 0], "b": b[:, 0, 0].copy(), "y": np.empty_like(dy)}
    conv = run("conv2d_forward", shared, "reference", **steps)
    np.testing.assert_allclose(local["y"], conv["y"])


def test_windows_that_do_not_fit():
    arrays = {"x": np.zeros((1, 1, 4, 4, 4)), "w": np.zeros((3, 2, 1, 1, 3, 3)), "b": None}
    arrays["y"] = np.zeros((1, 1, 3, 2, 4))
    with pytest.raises(ShapeError, match="do not fit"):
        run("local2d_forward", arrays, "reference")
