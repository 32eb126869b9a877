"""Losses that need all outputs of a sample at once."""

from fastcnn.kernels.spec.loss import DENSE, LABELS, SMOOTHING
from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op("categorical_hinge", DENSE),
    Op("multi_class_hinge", LABELS, {"margin": 1.0}),
    Op("cosine_similarity", DENSE),
    Op("dice", DENSE),
    Op(
        "categorical_focal_crossentropy",
        DENSE,
        {"from_logits": 0, **SMOOTHING, "alpha": 0.25, "gamma": 2.0},
    ),
)
