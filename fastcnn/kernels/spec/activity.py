"""Penalties on activations; lanes whose order is negative hold no image."""

from fastcnn.kernels.spec.op import Op, table

L1L2 = {"l1": 0.0, "l2": 0.0}

OPS = table(
    Op("activity_penalty", {"x": "B C H W L", "order": "int64 B L", "penalty": "> B L"}, L1L2),
    Op(
        "activity_penalty_backward",
        {"x": "B C H W L", "order": "int64 B L", "dx": "> B C H W L"},
        L1L2,
    ),
)
