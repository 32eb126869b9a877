"""Random changes while training; run on dy, those that multiply give their gradient."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

TENSORS = {"x": "B C H W L", "y": "> B C H W L", "state": "int64 2"}  # state: seed, step

OPS = table(
    Op(
        "alpha_dropout",
        TENSORS,
        {"layer": 0, "rate": 0.5, "scale": 1.0, "shift": 0.0, "dropped": 0.0},
        check=checks.dropout,
    ),
    Op("spatial_dropout", TENSORS, {"layer": 0, "rate": 0.5}, check=checks.dropout),
    Op("gaussian_noise", TENSORS, {"layer": 0, "stddev": 1.0}, check=checks.dropout),
    Op("gaussian_dropout", TENSORS, {"layer": 0, "stddev": 1.0}, check=checks.dropout),
)
