"""Convolution; those with bf16 in their name multiply numbers rounded to bf16."""

from typing import Any

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

CONV2D: dict[str, Any] = {
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h": 1,
    "dilation_w": 1,
    "groups": 1,
}
ZERO_ROWS: dict[str, Any] = {"zero_top": 0, "zero_bottom": 0}  # rows of x known to be zero
TO_INPUT: dict[str, Any] = {
    "pad_top": 0,
    "pad_left": 0,
    "halo_top": 0,
    "halo_left": 0,
    "halo_bottom": 0,
}
BF16: dict[str, Any] = {"check": checks.conv2d_bf16, "lacking": ("numba",)}

OPS = table(
    Op(
        "conv2d_forward",
        {"x": "B C H W L", "w": "K Cg KH KW", "b": "? K", "y": "> B K OH OW L"},
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        check=checks.conv2d,
        by_block=True,
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
        check=checks.conv2d,
        by_block=True,
    ),
    Op(  # single images are only predicted: nobody asks which pixels won
        "conv2d_single_max_pool_forward",
        {"x": "B C H W L", "w": "K Cg KH KW", "b": "? K", "y": "> B K PH PW L"},
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        check=checks.conv2d_single,
        lacking=("numba",),
    ),
    Op(
        "conv2d_backward_input",
        {"dy": "B K DH DW L", "w": "K Cg KH KW", "y": "? B C H W L", "dx": "> B C H W L"},
        {**CONV2D, **TO_INPUT, **ACTIVATION},
        check=checks.conv2d_backward_input,
    ),
    Op(
        "conv2d_transpose_forward",
        {"x": "B K DH DW L", "w": "K Cg KH KW", "b": "? C", "y": "> B C H W L"},
        {**CONV2D, **TO_INPUT, **ACTIVATION},
        check=checks.conv2d_backward_input,
        by_block=True,
    ),
    Op(
        "conv2d_backward_weight",
        {"x": "B C H W L", "dy": "B K OH OW L", "dw": "> K Cg KH KW", "db": "?> K"},
        {**CONV2D, **ZERO_ROWS},
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
        check=checks.conv2d,
    ),
    Op(
        "conv2d_bf16_forward",
        {"x": "B C H W L", "w": "K Cg KH KW", "b": "? K", "y": "> B K OH OW L"},
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        **BF16,
        by_block=True,
    ),
    Op(
        "conv2d_bf16_backward_input",
        {"dy": "B K DH DW L", "w": "K Cg KH KW", "y": "? B C H W L", "dx": "> B C H W L"},
        {**CONV2D, **TO_INPUT, **ACTIVATION},
        **BF16,
    ),
    Op(
        "conv2d_bf16_backward_weight",
        {"x": "B C H W L", "dy": "B K OH OW L", "dw": "> K Cg KH KW", "db": "?> K"},
        {**CONV2D, **ZERO_ROWS},
        **BF16,
    ),
)
