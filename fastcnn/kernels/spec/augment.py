"""Gathering with augmentation; see kernels/reference/augment.py for what the records mean."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "augment_images",
        {
            "images": "pixel N H W C",
            "order": "int64 B L",
            "matrix": "B L 6",
            "color": "? B L C C1",
            "hole": "int64 B L 4",
            "patch": "int64 B L 4",
            "partner": "int64 B L",
            "share": "B L",
            "scale": "? C",
            "offset": "? C",
            "x": "> B C H W L",
        },
        {"fill": "reflect", "fill_value": 0.0},
        rtol=1e-4,  # a coordinate's last bit, times the difference of neighbouring pixels
        strided=("images",),
        check=checks.augment,
    ),
    Op(
        "mix_targets",
        {
            "labels": "int64 B L",
            "partner": "int64 B L",
            "own": "B L",
            "targets": "> B K L",
        },
    ),
)
