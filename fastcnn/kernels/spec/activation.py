"""Activations as kernels of their own."""

from fastcnn.kernels.spec.op import SLOPE_FROM_INPUT, Op, table

RECTIFIER = {"negative_slope": 0.0, "max_value": 6.0, "threshold": 0.0}

OPS = table(
    Op(
        "activation_forward",
        {"x": "B C H W L", "y": "> B C H W L"},
        {"activation": "relu", "alpha": 0.0},
        in_place={"y": ("x",)},
        by_block=True,
    ),
    Op(
        "activation_backward",
        {"dy": "B C H W L", "y": "B C H W L", "dx": "> B C H W L"},
        {"activation": "relu", "alpha": 0.0},
        in_place={"dx": ("dy", "y")},
    ),
    Op(  # of the activations whose slope can't be had from y
        "activation_input_backward",
        {"dy": "B C H W L", "x": "B C H W L", "dx": "> B C H W L"},
        {"activation": "gelu"},
        in_place={"dx": ("dy", "x")},
        activations=SLOPE_FROM_INPUT,
    ),
    Op(
        "rectifier_forward",
        {"x": "B C H W L", "y": "> B C H W L"},
        RECTIFIER,
        in_place={"y": ("x",)},
        by_block=True,
    ),
    Op(
        "rectifier_backward",
        {"dy": "B C H W L", "x": "B C H W L", "dx": "> B C H W L"},
        RECTIFIER,
        in_place={"dx": ("dy", "x")},
    ),
)
