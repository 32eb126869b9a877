"""Losses that add up over the outputs of a sample."""

from fastcnn.kernels.spec.loss import DENSE, SMOOTHING
from fastcnn.kernels.spec.op import Op, table

BINARY = {"from_logits": 0, **SMOOTHING}

OPS = table(
    Op("mean_squared_error", DENSE),
    Op("mean_absolute_error", DENSE),
    Op("mean_absolute_percentage_error", DENSE),
    Op("mean_squared_logarithmic_error", DENSE),
    Op("huber", DENSE, {"delta": 1.0}),
    Op("log_cosh", DENSE),
    Op("poisson", DENSE),
    Op("kl_divergence", DENSE),
    Op("hinge", DENSE),
    Op("squared_hinge", DENSE),
    Op("binary_crossentropy", DENSE, BINARY),
    Op(
        "binary_focal_crossentropy",
        DENSE,
        {**BINARY, "apply_class_balancing": 0, "alpha": 0.25, "gamma": 2.0},
    ),
)
