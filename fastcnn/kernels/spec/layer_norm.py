"""Layer normalisation: each pixel over its channels."""

from fastcnn.kernels.spec.op import ACTIVATION, Op, table

OPS = table(
    Op(
        "layer_norm_forward",
        {
            "x": "B C H W L",
            "gamma": "? C",
            "beta": "? C",
            "y": "> B C H W L",
            "mean": ">? B H W L",
            "inv_std": ">? B H W L",
        },
        {**ACTIVATION, "epsilon": 1e-3},
        by_block=True,
    ),
    Op(
        "layer_norm_backward_input",
        {
            "dy": "B C H W L",
            "x": "B C H W L",
            "gamma": "? C",
            "mean": "B H W L",
            "inv_std": "B H W L",
            "dx": "> B C H W L",
        },
    ),
    Op(
        "layer_norm_backward_weight",
        {
            "dy": "B C H W L",
            "x": "B C H W L",
            "mean": "B H W L",
            "inv_std": "B H W L",
            "dgamma": ">? C",
            "dbeta": ">? C",
        },
    ),
)
