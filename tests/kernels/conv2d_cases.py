"""Random convolutions with their arrays, for tests."""

import numpy as np
from hypothesis import strategies as st

from fastcnn.kernels.geometry import gradient_halo, output_size
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT

ACTIVATIONS = sorted(SLOPE_FROM_OUTPUT)
CANARY = np.float32(1234.5)


@st.composite
def problems(draw, lanes=(1, 4, 8, 16), pooled=False):
    """A random convolution: sizes, steps, padding, groups."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    per_group = draw(st.integers(1, 7)), draw(st.integers(1, 14 // groups))
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 2), (3, 1), (6, 2)]))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (3, 1), (2, 3)]))
    pad = draw(st.tuples(*[st.integers(0, 3)] * 4))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    windows = 2 if pooled else 1
    least = [
        max(1, e + (windows - 1) * s - p - q)
        for e, s, p, q in zip(extent, stride, pad[::2], pad[1::2], strict=True)
    ]
    return {
        "blocks": draw(st.integers(1, 3)),
        "groups": groups,
        "channels": groups * per_group[0],
        "outs": groups * per_group[1],
        "kernel": kernel,
        "stride": stride,
        "dilation": dilation,
        "pad": pad,
        "size": tuple(n + draw(st.integers(0, 9)) for n in least),
        "lanes": draw(st.sampled_from(lanes)),
        "bias": draw(st.booleans()),
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "seed": draw(st.integers(0, 99)),
    }


class Case:
    """Arrays and parameters of one problem; x and dy are views which hold their zero borders."""

    def __init__(self, p, dtype=np.float32):
        self.p, self.dtype = p, dtype
        self.rng = np.random.default_rng(p["seed"])
        top, bottom, left, right = p["pad"]
        h, w = p["size"]
        self.padded = h + top + bottom, w + left + right
        self.x = self.bordered((p["blocks"], p["channels"], h, w, p["lanes"]), p["pad"])
        per_group = p["channels"] // p["groups"]
        self.w = self.random(p["outs"], per_group, *p["kernel"])
        self.b = self.random(p["outs"]) if p["bias"] else None
        self.out = tuple(
            output_size(*a)
            for a in zip(self.padded, p["kernel"], p["stride"], p["dilation"], strict=True)
        )
        self.steps = {
            "stride_h": p["stride"][0],
            "stride_w": p["stride"][1],
            "dilation_h": p["dilation"][0],
            "dilation_w": p["dilation"][1],
            "groups": p["groups"],
        }
        self.zeros = {"zero_top": top, "zero_bottom": bottom}
        self.act = {"activation": p["activation"], "alpha": 0.1}

    def random(self, *shape):
        return self.rng.normal(size=shape).astype(self.dtype)

    def outputs(self, *size, dtype=None):
        """An array to be written, inside a larger one of canaries."""
        shape = (self.p["blocks"], self.p["outs"], *size, self.p["lanes"])
        return canaries(shape, dtype or self.dtype)

    def bordered(self, shape, border):
        top, bottom, left, right = border
        b, c, h, w, lanes = shape
        full = np.zeros((b, c + 1, h + top + bottom, w + left + right, lanes), self.dtype)
        full[:, :c, top : top + h, left : left + w] = self.random(*shape)
        return full[:, :c]

    def gradient_arrays(self):
        """dy with the halo that the input gradient needs, and the parameters that say so."""
        p = self.p
        halo = gradient_halo(
            p["size"], self.out, p["kernel"], p["stride"], p["dilation"], p["pad"][::2]
        )
        dy = self.bordered((p["blocks"], p["outs"], *self.out, p["lanes"]), halo)
        params = {"pad_top": p["pad"][0], "pad_left": p["pad"][2]}
        params |= {"halo_top": halo[0], "halo_bottom": halo[1], "halo_left": halo[2]}
        return dy, {**self.steps, **params}


def canaries(shape, dtype):
    b, c, h, w, lanes = shape
    full = np.full((b, c + 1, h + 2, w + 3, lanes), CANARY.astype(dtype), dtype)
    return full[:, :c, 1 : 1 + h, 2 : 2 + w]


def gradient_problem(**changes):
    problem = {
        "blocks": 1,
        "groups": 1,
        "channels": 2,
        "outs": 2,
        "kernel": (3, 2),
        "stride": (1, 1),
    }
    problem |= {"dilation": (1, 1), "pad": (1, 1, 0, 1), "size": (5, 4), "lanes": 2, "bias": True}
    return {**problem, "activation": "tanh", "seed": 0, **changes}
