"""The table of kernels: names, tensors, parameters and tolerances, the same for every maker.

Shapes are written with one letter or word for each axis; the same word is the same length everywhere in one
call. B blocks, L lanes (images side by side in a block), C channels in, K channels out, H W height and
width. `>` marks what a kernel writes, `?` what may be None. float stands for float32 (native) or, in the
reference, float64 as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Codes as in csrc/activation_math.h.
ENUMS: dict[str, dict[str, int]] = {
    "activation": {"linear": 0, "relu": 1, "leaky_relu": 2, "sigmoid": 3, "tanh": 4},
}


@dataclass(frozen=True)
class Op:
    """One kernel. tensors: {name: "shape" or "dtype shape"}, marked with `>` and `?` as above."""

    name: str
    tensors: Mapping[str, str]
    params: Mapping[str, Any] = field(default_factory=dict)  # name: default
    rtol: float = 1e-5  # native float32 against reference float64, relative to the largest value
    prepare: bool = False

    def is_output(self, tensor: str) -> bool:
        return ">" in self.tensors[tensor]

    def is_optional(self, tensor: str) -> bool:
        return "?" in self.tensors[tensor]

    def dtype(self, tensor: str) -> str:
        words = self.tensors[tensor].strip("?> ").split()
        return words[0] if words and words[0] in DTYPES else "float"

    def axes(self, tensor: str) -> list[str]:
        words = self.tensors[tensor].strip("?> ").split()
        return words[1:] if words and words[0] in DTYPES else words


DTYPES = ("float", "float64", "uint8", "uint16", "int32", "uint32", "int64", "any")


def _table(*ops: Op) -> dict[str, Op]:
    return {op.name: op for op in ops}


WINDOW = {"window_h": 2, "window_w": 2, "stride_h": 2, "stride_w": 2, "pad_top": 0, "pad_left": 0}
ACTIVATION = {"activation": "linear", "alpha": 0.0}

OPS: dict[str, Op] = _table(
    Op(
        "activation_forward",
        {"x": "B C H W L", "y": "> B C H W L"},
        {"activation": "relu", "alpha": 0.0},
    ),
    Op(
        "activation_backward",
        {"dy": "B C H W L", "y": "B C H W L", "dx": "> B C H W L"},
        {"activation": "relu", "alpha": 0.0},
    ),
    Op(
        "batch_norm_forward",
        {
            "x": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "order": "int64 B L",  # -1: no image in this lane
            "y": "> B C H W L",
            "mean": "> C",
            "inv_std": "> C",
            "moving_mean": "> C",  # read as well
            "moving_var": "> C",  # read as well
        },
        {**ACTIVATION, "epsilon": 1e-3, "momentum": 0.99},
    ),
    Op(
        "batch_norm_inference",
        {
            "x": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "moving_mean": "C",
            "moving_var": "C",
            "y": "> B C H W L",
        },
        {**ACTIVATION, "epsilon": 1e-3},
    ),
    Op(
        "batch_norm_backward",
        {
            "x": "B C H W L",
            "dy": "B C H W L",
            "y": "? B C H W L",
            "gamma": "? C",
            "mean": "C",
            "inv_std": "C",
            "order": "int64 B L",
            "dx": "> B C H W L",
            "dgamma": ">? C",
            "dbeta": ">? C",
        },
        ACTIVATION,
    ),
    Op("copy", {"x": "B C H W L", "y": "> B C H W L"}),
    Op("add", {"x": "B C H W L", "z": "B C H W L", "y": "> B C H W L"}, ACTIVATION),
    Op(
        "dropout_forward",
        {
            "x": "B C H W L",
            "y": "> B C H W L",
            "mask": "> uint16 B C H W",  # bit l: lane l is kept
            "state": "int64 2",  # seed, step
        },
        {"layer": 0, "rate": 0.5},
    ),
    Op(
        "dropout_backward",
        {
            "dy": "B C H W L",
            "mask": "uint16 B C H W",
            "y": "? B C H W L",
            "dx": "> B C H W L",
        },
        {"rate": 0.5, **ACTIVATION},
    ),
    Op(
        "max_pool2d_forward",
        {"x": "B C H W L", "y": "> B C OH OW L", "index": "> uint8 B C OH OW L"},
        WINDOW,
    ),
    Op(
        "max_pool2d_backward",
        {
            "dy": "B C OH OW L",
            "index": "uint8 B C OH OW L",
            "y": "? B C OH OW L",
            "dx": "> B C H W L",
        },
        {**WINDOW, **ACTIVATION},
    ),
    Op(
        "avg_pool2d_forward",
        {"x": "B C H W L", "y": "> B C OH OW L"},
        {**WINDOW, "count_padding": 0},
    ),
    Op(
        "avg_pool2d_backward",
        {"dy": "B C OH OW L", "y": "? B C H W L", "dx": "> B C H W L"},
        {**WINDOW, "count_padding": 0, **ACTIVATION},
    ),
    Op("philox", {"counter": "uint32 N 4", "key": "uint32 2", "words": "> uint32 N 4"}),
)
