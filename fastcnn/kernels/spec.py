"""The table of kernels: names, tensors, parameters and tolerances, the same for every maker.

Shapes are written with one letter or word for each axis; the same word is the same length everywhere in one
call. B blocks, L lanes (images side by side in a block), C channels in, K channels out, H W height and
width. `>` marks what a kernel writes, `?` what may be None. float stands for float32 (native) or, in the
reference, float64 as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastcnn.kernels import checks

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
    check: Callable[[str, dict, dict], None] | None = None  # raises ShapeError

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


CONV2D: dict[str, Any] = {
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h": 1,
    "dilation_w": 1,
    "groups": 1,
}
ZERO_ROWS: dict[str, Any] = {"zero_top": 0, "zero_bottom": 0}  # rows of x known to be zero
ACTIVATION: dict[str, Any] = {"activation": "linear", "alpha": 0.0}
DTYPES = ("float", "float64", "uint8", "uint16", "int32", "int64", "any")


def _table(*ops: Op) -> dict[str, Op]:
    return {op.name: op for op in ops}


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
        "conv2d_forward",
        {"x": "B C H W L", "w": "K Cg KH KW", "b": "? K", "y": "> B K OH OW L"},
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        prepare=True,
        check=checks.conv2d,
    ),
    Op(
        "conv2d_max_pool_forward",
        {
            "x": "B C H W L",
            "w": "K Cg KH KW",
            "b": "? K",
            "y": "> B K PH PW L",
            "index": "> uint8 B K PH PW L",
        },
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        prepare=True,
        check=checks.conv2d,
    ),
    Op(
        "conv2d_backward_input",
        {"dy": "B K DH DW L", "w": "K Cg KH KW", "y": "? B C H W L", "dx": "> B C H W L"},
        {
            **CONV2D,
            "pad_top": 0,
            "pad_left": 0,
            "halo_top": 0,
            "halo_left": 0,
            "halo_bottom": 0,
            **ACTIVATION,
        },
        prepare=True,
        check=checks.conv2d_backward_input,
    ),
    Op(
        "conv2d_backward_weight",
        {"x": "B C H W L", "dy": "B K OH OW L", "dw": "> K Cg KH KW", "db": "?> K"},
        {**CONV2D, **ZERO_ROWS},
        prepare=True,
        check=checks.conv2d,
    ),
    Op(
        "conv2d_max_pool_backward_weight",
        {
            "x": "B C H W L",
            "dy": "B K PH PW L",
            "y": "B K PH PW L",
            "index": "uint8 B K PH PW L",
            "dw": "> K Cg KH KW",
            "db": "?> K",
        },
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        prepare=True,
        check=checks.conv2d,
    ),
    Op("fma_peak", {"flops": "> float64 N"}, {"iterations": 1}),
)
