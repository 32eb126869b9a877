"""Local response normalisation."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

LRN = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}

OPS = table(
    Op("lrn_forward", {"x": "B C H W L", "y": "> B C H W L"}, LRN, check=checks.lrn, by_block=True),
    Op(
        "lrn_backward",
        {"x": "B C H W L", "dy": "B C H W L", "dx": "> B C H W L"},
        LRN,
        check=checks.lrn,
    ),
)
