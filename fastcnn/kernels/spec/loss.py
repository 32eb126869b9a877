"""Losses and softmax; lanes whose label or order is negative hold no image."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op("softmax_forward", {"x": "B K H W L", "y": "> B K H W L"}),
    Op("softmax_backward", {"dy": "B K H W L", "y": "B K H W L", "dx": "> B K H W L"}),
    Op(
        "softmax_cross_entropy",
        {
            "logits": "B K L",
            "labels": "int64 B L",
            "loss": "> B L",
            "correct": "> B L",
            "dlogits": ">? B K L",
        },
        {"label_smoothing": 0.0},
    ),
    Op(
        "softmax_cross_entropy_dense",
        {
            "logits": "B K L",
            "targets": "B K L",
            "order": "int64 B L",
            "loss": "> B L",
            "correct": "> B L",
            "dlogits": ">? B K L",
        },
    ),
    Op(
        "cross_entropy",
        {
            "probabilities": "B K L",
            "labels": "int64 B L",
            "loss": "> B L",
            "correct": "> B L",
            "dprobabilities": ">? B K L",
        },
    ),
    Op(
        "cross_entropy_dense",
        {
            "probabilities": "B K L",
            "targets": "B K L",
            "order": "int64 B L",
            "loss": "> B L",
            "correct": "> B L",
            "dprobabilities": ">? B K L",
        },
    ),
    Op(
        "mean_squared_error",
        {
            "predictions": "B K L",
            "targets": "B K L",
            "order": "int64 B L",
            "loss": "> B L",
            "dpredictions": ">? B K L",
        },
    ),
)
