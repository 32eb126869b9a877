"""Dropout."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

OPS = table(
    Op(
        "dropout_forward",
        {
            "x": "B C H W L",
            "y": "> B C H W L",
            "mask": "> uint16 B C H W",  # bit l: lane l is kept
            "state": "int64 2",  # seed, step
        },
        {"layer": 0, "rate": 0.5},
        check=checks.dropout,
    ),
    Op(
        "dropout_backward",
        {
            "dy": "B C H W L",
            "mask": "uint16 B C H W",
            "y": "? B C H W L",
            "dx": "> B C H W L",
        },
        {"rate": 0.5, **ACTIVATION},
        check=checks.dropout,
    ),
)
