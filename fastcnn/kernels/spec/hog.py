"""Histograms of oriented gradients."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "hog",
        {"images": "pixel N H W C", "features": "> N F"},
        {
            "orientations": 9,
            "cell_h": 8,
            "cell_w": 8,
            "block_h": 3,
            "block_w": 3,
            "norm": "l2_hys",
            "signed_gradient": 0,
            "square_root": 0,
        },
        strided=("images",),
        check=checks.hog,
    ),
)
