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
            "order": "int64 B L",  # -1: no image in this lane
            "y": "> B C H W L",
            "mean": "> C",
            "inv_std": "> C",
            "moving_mean": "> C",  # read as well
            "moving_var": "> C",  # read as well
        },
        {**ACTIVATION, "epsilon": 1e-3, "momentum": 0.99},
        check=checks.batch_norm,
    ),
    Op(
        "batch_norm_inference",
        {
            "x": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "moving_mean": "C",
            "moving_var": "C",
            "y": "> B C H W L",
        },
        {**ACTIVATION, "epsilon": 1e-3},
        check=checks.batch_norm,
    ),
    Op(
        "batch_norm_backward",
        {
            "x": "B C H W L",
            "dy": "B C H W L",
            "y": "? B C H W L",
            "gamma": "? C",
            "mean": "C",
            "inv_std": "C",
            "order": "int64 B L",
            "dx": "> B C H W L",
            "dgamma": ">? C",
            "dbeta": ">? C",
        },
        ACTIVATION,
        check=checks.batch_norm,
    ),
)
