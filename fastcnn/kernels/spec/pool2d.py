"""Pooling."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

WINDOW = {"window_h": 2, "window_w": 2, "stride_h": 2, "stride_w": 2, "pad_top": 0, "pad_left": 0}

OPS = table(
    Op(
        "max_pool2d_forward",
        {"x": "B C H W L", "y": "> B C OH OW L", "index": "> uint8 B C OH OW L"},
        WINDOW,
        check=checks.max_pool2d,
        by_block=True,
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
        check=checks.max_pool2d,
    ),
    Op(
        "avg_pool2d_forward",
        {"x": "B C H W L", "y": "> B C OH OW L"},
        {**WINDOW, "count_padding": 0},
        check=checks.pool2d,
        by_block=True,
    ),
    Op(
        "avg_pool2d_backward",
        {"dy": "B C OH OW L", "y": "? B C H W L", "dx": "> B C H W L"},
        {**WINDOW, "count_padding": 0, **ACTIVATION},
        check=checks.pool2d,
    ),
)
