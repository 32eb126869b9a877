"""Maxout: C = pool K channels in, K out."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "maxout_forward",
        {"x": "B C H W L", "y": "> B K H W L", "index": ">? uint8 B K H W L"},
        {"pool": 2},
        check=checks.maxout,
        by_block=True,
    ),
    Op(
        "maxout_backward",
        {"dy": "B K H W L", "index": "uint8 B K H W L", "dx": "> B C H W L"},
        {"pool": 2},
        check=checks.maxout,
    ),
)
