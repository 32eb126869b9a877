"""Batch norm put into the weights of the layer before it: for plans that do not train."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "fold_batch_norm",
        {
            "w": "K N",
            "b": "? K",
            "gamma": "? K",
            "beta": "? K",
            "moving_mean": "K",
            "moving_var": "K",
            "folded_w": "> K N",
            "folded_b": "> K",
        },
        {"epsilon": 1e-3},
    ),
)
