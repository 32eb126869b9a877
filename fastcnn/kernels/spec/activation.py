"""Activations as kernels of their own."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "activation_forward",
        {"x": "B C H W L", "y": "> B C H W L"},
        {"activation": "relu", "alpha": 0.0},
    ),
    Op(
        "activation_backward",
        {"dy": "B C H W L", "y": "B C H W L", "dx": "> B C H W L"},
        {"activation": "relu", "alpha": 0.0},
    ),
)
