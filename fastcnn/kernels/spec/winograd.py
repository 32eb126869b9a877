"""Winograd's convolution: 3x3 and 5x5 kernels, stride 1, a multiple of 16 lanes.

Those with bf16 in their name multiply transformed tiles and weights rounded to bf16.
"""

from typing import Any

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

# Zeros before the image, which need not be in memory; nor need those behind it.
PADS: dict[str, Any] = {"pad_top": 0, "pad_left": 0}
# side: of a tile of inputs, 6 (3x3 and 5x5 kernels) or 4 (3x3). Weight gradients have it from sums,
# which have side * side positions P.
FORWARD: dict[str, Any] = {**PADS, "side": 6}
TO_INPUT: dict[str, Any] = {**PADS, "halo_top": 0, "halo_left": 0, "side": 6}
# Sums of a tile are larger than what a saturating activation leaves of them, or cancellation in db.
# What it may be beside that of direct convolution stands in tests/kernels/test_winograd_error.py.
TOLERANCE = 1e-4
# The last bit before rounding decides which bf16 a number becomes: single terms differ by 2^-8.
# How close sums are on average stands in tests/kernels/test_bf16.py.
BF16_TOLERANCE = 2e-2


def convolution(family: str, rtol: float) -> tuple[Op, ...]:
    """All directions, but for the last step of the weight gradient."""
    return (
        Op(
            f"{family}_forward",
            {"x": "B C H W L", "w": "K C KS KS", "b": "? K", "y": "> B K OH OW L"},
            {**FORWARD, **ACTIVATION},
            rtol,
            check=checks.winograd,
            lacking=("numba",),
            by_block=True,
        ),
        Op(
            f"{family}_max_pool_forward",
            {
                "x": "B C H W L",
                "w": "K C KS KS",
                "b": "? K",
                "y": "> B K PH PW L",
                "index": "> uint8 B K PH PW L",
            },
            {**FORWARD, **ACTIVATION},
            rtol,
            check=checks.winograd,
            lacking=("numba",),
            by_block=True,
        ),
        Op(
            f"{family}_backward_input",
            {
                "dy": "B K DH DW L",
                "w": "K C KS KS",
                "y": "? B C H W L",
                "z": "? B C H W L",  # a gradient from elsewhere
                "dx": "> B C H W L",
            },
            {**TO_INPUT, **ACTIVATION},
            rtol,
            check=checks.winograd,
            in_place={"dx": ("z", "y")},
            lacking=("numba",),
        ),
        Op(
            f"{family}_backward_weight",
            {
                "x": "B C H W L",
                "dy": "B K OH OW L",
                "sums": "> S P C KP",
                "bias_sums": "?> S K",
            },
            {"kernel": 3, **PADS},
            rtol,
            check=checks.winograd_backward_weight,
            lacking=("numba",),
        ),
    )


OPS = table(
    *convolution("winograd", TOLERANCE),
    *convolution("winograd_bf16", BF16_TOLERANCE),
    Op(  # single images are only predicted: nobody asks which pixels won
        "winograd_single_max_pool_forward",
        {"x": "B C H W L", "w": "K C KS KS", "b": "? K", "y": "> B K PH PW L"},
        {**FORWARD, **ACTIVATION},
        TOLERANCE,
        check=checks.winograd_single,
        lacking=("numba",),
    ),
    Op(
        "winograd_weight_gradient",
        {"sums": "S P C KP", "bias_sums": "? S K", "dw": "> K C KS KS", "db": "?> K"},
        check=checks.winograd_weight_gradient,
        lacking=("numba",),
    ),
)
