"""Batch normalisation."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

OPS = table(
    Op(
        "batch_norm_forward",
        {
            "x": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "z": "? B C H W L",  # is added before the activation
            "order": "int64 B L",  # -1: no image in this lane
            "y": "> B C H W L",
            "mean": "> float64 C",
            "inv_std": "> float64 C",
            "moving_mean": "> C",  # read as well
            "moving_var": "> C",  # read as well
        },
        {**ACTIVATION, "epsilon": 1e-3, "momentum": 0.99},
        check=checks.batch_norm,
        in_place={"y": ("x", "z")},
    ),
    Op(
        "batch_norm_inference",
        {
            "x": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "z": "? B C H W L",
            "moving_mean": "C",
            "moving_var": "C",
            "y": "> B C H W L",
        },
        {**ACTIVATION, "epsilon": 1e-3},
        check=checks.batch_norm,
        in_place={"y": ("x", "z")},
        by_block=True,
    ),
    Op(
        "batch_norm_backward",
        {
            "x": "B C H W L",
            "dy": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "mean": "float64 C",
            "inv_std": "float64 C",
            "order": "int64 B L",
            "dx": "> B C H W L",
            "dgamma": ">? C",
            "dbeta": ">? C",
        },
        ACTIVATION,
        check=checks.batch_norm,
        in_place={"dx": ("dy", "x")},
    ),
)
