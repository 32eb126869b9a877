"""Group normalisation: each image over the pixels and channels of a group."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import ACTIVATION, Op, table

OPS = table(
    Op(
        "group_norm_forward",
        {
            "x": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "y": "> B C H W L",
            "mean": ">? B G L",
            "inv_std": ">? B G L",
        },
        {"groups": 1, **ACTIVATION, "epsilon": 1e-3},
        check=checks.group_norm,
        by_block=True,
    ),
    Op(
        "group_norm_backward_input",
        {
            "dy": "B C H W L",
            "x": "B C H W L",
            "gamma": "? C",
            "mean": "B G L",
            "inv_std": "B G L",
            "dx": "> B C H W L",
        },
        {"groups": 1},
        check=checks.group_norm,
    ),
    Op(
        "group_norm_backward_weight",
        {
            "dy": "B C H W L",
            "x": "B C H W L",
            "mean": "B G L",
            "inv_std": "B G L",
            "dgamma": ">? C",
            "dbeta": ">? C",
        },
        {"groups": 1},
        check=checks.group_norm,
    ),
)
