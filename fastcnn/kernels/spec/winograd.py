"""Winograd's convolution: 3x3 and 5x5 kernels, stride 1, a multiple of 16 lanes."""

from typing import Any

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

# Zeros before the image, which need not be in memory; nor need those behind it.
PADS: dict[str, Any] = {"pad_top": 0, "pad_left": 0}
TO_INPUT: dict[str, Any] = {"pad_top": 0, "pad_left": 0, "halo_top": 0, "halo_left": 0}
# Sums of a tile are larger than what a saturating activation leaves of them, or cancellation in db.
# What the error may be beside that of direct convolution stands in tests/kernels/test_winograd.py.
TOLERANCE = 1e-4

OPS = table(
    Op(
        "winograd_forward",
        {"x": "B C H W L", "w": "K C KS KS", "b": "? K", "y": "> B K OH OW L"},
        {**PADS, **ACTIVATION},
        TOLERANCE,
        check=checks.winograd,
        lacking=("numba",),
    ),
    Op(
        "winograd_max_pool_forward",
        {
            "x": "B C H W L",
            "w": "K C KS KS",
            "b": "? K",
            "y": "> B K PH PW L",
            "index": "> uint8 B K PH PW L",
        },
        {**PADS, **ACTIVATION},
        TOLERANCE,
        check=checks.winograd,
        lacking=("numba",),
    ),
    Op(
        "winograd_backward_input",
        {
            "dy": "B K DH DW L",
            "w": "K C KS KS",
            "y": "? B C H W L",
            "z": "? B C H W L",  # a gradient from elsewhere
            "dx": "> B C H W L",
        },
        {**TO_INPUT, **ACTIVATION},
        TOLERANCE,
        check=checks.winograd,
        in_place={"dx": ("z", "y")},
        lacking=("numba",),
    ),
    Op(
        "winograd_backward_weight",
        {"x": "B C H W L", "dy": "B K OH OW L", "sums": "> P C KP", "db": "?> K"},
        {"kernel": 3, **PADS},
        TOLERANCE,
        check=checks.winograd_backward_weight,
        lacking=("numba",),
    ),
    Op(
        "winograd_weight_gradient",
        {"sums": "P C KP", "dw": "> K C KS KS"},
        check=checks.winograd_weight_gradient,
        lacking=("numba",),
    ),
)
