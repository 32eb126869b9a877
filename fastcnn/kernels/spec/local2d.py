"""Convolution with weights of its own for each output pixel."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

STEPS = {"stride_h": 1, "stride_w": 1}
WEIGHTS = "OH OW K C KH KW"

OPS = table(
    Op(
        "local2d_forward",
        {"x": "B C H W L", "w": WEIGHTS, "b": "? K OH OW", "y": "> B K OH OW L"},
        {**STEPS, **ACTIVATION},
        check=checks.local2d,
    ),
    Op(
        "local2d_backward_input",
        {"dy": "B K OH OW L", "w": WEIGHTS, "y": "? B C H W L", "dx": "> B C H W L"},
        {**STEPS, "pad_top": 0, "pad_left": 0, **ACTIVATION},
        check=checks.local2d,
    ),
    Op(
        "local2d_backward_weight",
        {"x": "B C H W L", "dy": "B K OH OW L", "dw": f"> {WEIGHTS}", "db": "?> K OH OW"},
        STEPS,
        check=checks.local2d,
    ),
)
