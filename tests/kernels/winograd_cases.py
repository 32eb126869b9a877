"""Problems that Winograd's kernels take, and their arrays."""

import numpy as np
from hypothesis import strategies as st

from tests.kernels.compare import run
from tests.kernels.conv2d_cases import ACTIVATIONS, canaries, gradient_problem

# (kernel, side of a tile of inputs)
FORMS = [(3, 6), (5, 6), (3, 4)]

# Rounding decides on which side of a step a sum lies that ought to be 0.
STEPLESS = [name for name in ACTIVATIONS if name != "threshold"]

SHARES = st.sampled_from([1, 2, 3, 8])  # one: threads share positions; more: they share tiles


def formed(form, **shapes):
    """A problem of a form of tiles."""
    kernel, side = form
    return {**gradient_problem(kernel=(kernel, kernel), **shapes), "side": side}


@st.composite
def problems(draw, lanes=(16, 32)):
    """Odd sizes, paddings and channel counts of what Winograd's kernels take."""
    kernel, side = draw(st.sampled_from(FORMS))
    pad = draw(st.tuples(*[st.integers(0, 3)] * 4))
    least = [max(1, kernel + 1 - p - q) for p, q in zip(pad[::2], pad[1::2], strict=True)]
    return formed(
        (kernel, side),
        blocks=draw(st.integers(1, 3)),
        channels=draw(st.integers(1, 9)),
        outs=draw(st.integers(1, 20)),
        pad=pad,
        size=tuple(n + draw(st.integers(0, 12)) for n in least),
        lanes=draw(st.sampled_from(lanes)),
        bias=draw(st.booleans()),
        activation=draw(st.sampled_from(STEPLESS)),
        seed=draw(st.integers(0, 99)),
    )


def forward_params(case):
    return {"side": case.p["side"], **case.act}


def forward_arrays(case):
    return {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}


def backward_arrays(case, with_y=True):
    p = case.p
    dy, params = case.gradient_arrays()
    shape = (p["blocks"], p["channels"], *p["size"], p["lanes"])
    y, z = [case.random(*shape) if with_y else None for _ in range(2)]
    arrays = {"dy": dy, "w": case.w, "y": y, "z": z, "dx": canaries(shape, case.dtype)}
    kept = ("pad_top", "pad_left", "halo_top", "halo_left")
    return arrays, {"side": p["side"], **{k: params[k] for k in kept}}, params


def weight_arrays(case, shares=1):
    """x, dy with canaries around, and sums of the shares; and dw, which follows from sums."""
    p = case.p
    dy = case.outputs(*case.out)
    dy[...] = case.random(*dy.shape)
    sums = np.full(
        (shares, p["side"] ** 2, p["channels"], -(-p["outs"] // 16) * 16), np.nan, case.dtype
    )
    bias_sums = np.full((shares, p["outs"]), np.nan, case.dtype) if p["bias"] else None
    return {"x": case.x, "dy": dy, "sums": sums, "bias_sums": bias_sums}, np.empty_like(case.w)


def weight_gradient(arrays, dw, backend="native"):
    """(dw, db) of both kernels."""
    made = run("winograd_backward_weight", arrays, backend, kernel=dw.shape[2])
    made.setdefault("bias_sums", None)
    db = None if made["bias_sums"] is None else np.empty_like(dw[:, 0, 0, 0])
    made = run("winograd_weight_gradient", {**made, "dw": dw, "db": db}, backend)
    return made["dw"], made.get("db")
