"""The table of kernels: names, tensors, parameters and tolerances, the same for every maker.

Shapes are written with one letter or word for each axis; the same word is the same length everywhere in one
call. B blocks, L lanes (images side by side in a block), C channels in, K channels out, H W height and
width. `>` marks what a kernel writes, `?` what may be None. float stands for float32 (native) or, in the
reference, float64 as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Codes as in csrc/activation_math.h.
ENUMS: dict[str, dict[str, int]] = {
    "activation": {"linear": 0, "relu": 1, "leaky_relu": 2, "sigmoid": 3, "tanh": 4},
}


@dataclass(frozen=True)
class Op:
    """One kernel. tensors: {name: "shape" or "dtype shape"}, marked with `>` and `?` as above."""

    name: str
    tensors: Mapping[str, str]
    params: Mapping[str, Any] = field(default_factory=dict)  # name: default
    rtol: float = 1e-5  # native float32 against reference float64, relative to the largest value
    prepare: bool = False

    def is_output(self, tensor: str) -> bool:
        return ">" in self.tensors[tensor]

    def is_optional(self, tensor: str) -> bool:
        return "?" in self.tensors[tensor]

    def dtype(self, tensor: str) -> str:
        words = self.tensors[tensor].strip("?> ").split()
        return words[0] if words and words[0] in DTYPES else "float"

    def axes(self, tensor: str) -> list[str]:
        words = self.tensors[tensor].strip("?> ").split()
        return words[1:] if words and words[0] in DTYPES else words


DTYPES = ("float", "float64", "uint8", "uint16", "int32", "int64", "any")


def _table(*ops: Op) -> dict[str, Op]:
    return {op.name: op for op in ops}


_PARAMETERS = {
    "p": "> P",
    "g": "P",
    "bounds": "int64 S1",
    "penalties": "S 3",
    "hyper": "float64 Q",
}

OPS: dict[str, Op] = _table(
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
    # Dense layers: I inputs, O outputs; x is a (B, I, L) view of an activation without halo.
    Op(
        "dense_forward",
        {"x": "B I L", "w": "O I", "b": "? O", "y": "> B O L"},
        {"activation": "linear", "alpha": 0.0},
    ),
    Op(  # y: what the layer before stored, if its activation (named here) shall be undone as well
        "dense_backward_input",
        {"dy": "B O L", "w": "O I", "y": "? B I L", "dx": "> B I L"},
        {"activation": "linear", "alpha": 0.0},
    ),
    Op(
        "dense_backward_weight",
        {"x": "B I L", "dy": "B O L", "dw": "> O I", "db": ">? O"},
    ),
    # Into the layout and out of it; order holds numbers of images, -1 in lanes without image.
    Op(
        "gather_images",
        {
            "images": "any N H W C",
            "order": "int64 B L",
            "scale": "? C",
            "offset": "? C",
            "x": "> B C H W L",
        },
    ),
    Op("gather_labels", {"labels": "int64 N", "order": "int64 B L", "out": "> int64 B L"}),
    Op("scatter_rows", {"x": "B F L", "out": "> N F"}),
    # Losses; lanes whose label or order is negative hold no image.
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
    # Optimizers: P parameters in S segments, S1 = S + 1 bounds; penalties (l1, l2, decay) of each
    # segment; hyper[0] is the learning rate. All arrays contiguous.
    Op(
        "sgd_update",
        {**_PARAMETERS, "velocity": ">? P"},
        {"momentum": 0.0, "nesterov": 0},
    ),
    Op(  # hyper: learning rate, 1 - beta1^t, 1 - beta2^t
        "adam_update",
        {**_PARAMETERS, "m": "> P", "v": "> P"},
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
    ),
    Op(
        "adadelta_update",
        {**_PARAMETERS, "squares": "> P", "deltas": "> P"},
        {"rho": 0.95, "epsilon": 1e-7},
    ),
    Op(  # velocity if and only if there is momentum
        "rmsprop_update",
        {**_PARAMETERS, "squares": "> P", "velocity": ">? P"},
        {"rho": 0.9, "epsilon": 1e-7, "momentum": 0.0},
    ),
    Op("adagrad_update", {**_PARAMETERS, "squares": "> P"}, {"epsilon": 1e-7}),
    Op(
        "penalty_value",
        {"p": "P", "bounds": "int64 S1", "penalties": "S 3", "out": "> float64 1"},
    ),
)
