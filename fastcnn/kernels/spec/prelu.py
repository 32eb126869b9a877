"""Rectifier with learned slopes; axes of alpha are as long as those of x, or 1 (shared)."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "prelu_forward",
        {"x": "B C H W L", "alpha": "AC AH AW", "y": "> B C H W L"},
        check=checks.prelu,
        by_block=True,
    ),
    Op(
        "prelu_backward_input",
        {"dy": "B C H W L", "x": "B C H W L", "alpha": "AC AH AW", "dx": "> B C H W L"},
        check=checks.prelu,
    ),
    Op(
        "prelu_backward_weight",
        {"dy": "B C H W L", "x": "B C H W L", "dalpha": "> AC AH AW"},
        check=checks.prelu,
    ),
)
