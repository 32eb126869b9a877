"""Histograms of colours."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(  # edges: those of one channel after the other; counts: how many each channel has
        "color_histogram",
        {
            "images": "pixel N H W C",
            "edges": "E",
            "counts": "int64 C",
            "features": "> N F",
        },
        {"space": "rgb", "joint": 0, "rows": 1, "columns": 1, "white": 255.0},
        strided=("images",),
        check=checks.color_histogram,
    ),
)
