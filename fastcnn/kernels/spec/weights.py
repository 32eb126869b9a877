"""Kernels on the weights of a layer: w is (A, U, B), A and B together what comes into unit U."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op("norm_constraint", {"w": "> A U B"}, {"low": 0.0, "high": 1.0, "rate": 1.0}),
    Op("non_negative", {"w": "> A U B"}),
    Op(
        "orthogonal_penalty",
        {"w": "A U B", "dw": ">? A U B", "out": ">? float64 1"},
        {"factor": 0.01, "rows": 0},
    ),
)
