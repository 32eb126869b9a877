"""Softmax, cross entropies and accuracy; what all losses share.

Lanes whose label or order is negative hold no image. `weight` is that of a lane's sample in the
loss, 1 if there is none.
"""

from fastcnn.kernels.spec.op import Op, table

RESULT = {"weight": "? B L", "loss": "> B L", "dpredictions": ">? B K L"}
LABELS = {"predictions": "B K L", "labels": "int64 B L", **RESULT}
DENSE = {"predictions": "B K L", "targets": "B K L", "order": "int64 B L", **RESULT}
SMOOTHING = {"label_smoothing": 0.0}

OPS = table(
    Op("softmax_forward", {"x": "B K H W L", "y": "> B K H W L"}, by_block=True),
    Op("softmax_backward", {"dy": "B K H W L", "y": "B K H W L", "dx": "> B K H W L"}),
    Op("softmax_cross_entropy", LABELS, SMOOTHING),
    Op("softmax_cross_entropy_dense", DENSE, SMOOTHING),
    Op("cross_entropy", LABELS, SMOOTHING),
    Op("cross_entropy_dense", DENSE, SMOOTHING),
    Op("correct_labels", {"predictions": "B K L", "labels": "int64 B L", "correct": "> B L"}),
    Op(
        "correct_dense",
        {
            "predictions": "B K L",
            "targets": "B K L",
            "order": "int64 B L",
            "correct": "> B L",
        },
        {"threshold": 0.5},
    ),
)
