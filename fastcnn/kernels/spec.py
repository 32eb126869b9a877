"""The table of kernels: names, tensors, parameters and tolerances, the same for every maker.

Shapes are written with one letter or word for each axis; the same word is the same length
everywhere in one call. B blocks, L lanes (images side by side in a block), C channels in,
K channels out, H W height and width; a number is that length. `>` marks what a kernel writes, `?`
what may be None. float, which goes without saying, stands for float32 (native) or, in the
reference, float64 as well; pixel for these and uint8.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastcnn.kernels import checks

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
    strided: tuple[str, ...] = ()  # tensors of any strides; see checks.contiguous_pixels
    check: Callable[[str, dict, dict], None] | None = None  # raises ShapeError

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


CONV2D: dict[str, Any] = {
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h": 1,
    "dilation_w": 1,
    "groups": 1,
}
ZERO_ROWS: dict[str, Any] = {"zero_top": 0, "zero_bottom": 0}  # rows of x known to be zero
ACTIVATION: dict[str, Any] = {"activation": "linear", "alpha": 0.0}
# Word in a tensor's row: dtypes that are taken.
DTYPES: dict[str, tuple[str, ...]] = {
    "float": ("float32", "float64"),
    "pixel": ("uint8", "float32", "float64"),
    **{name: (name,) for name in ("float64", "uint8", "uint16", "int32", "uint32", "int64")},
}


def _table(*ops: Op) -> dict[str, Op]:
    return {op.name: op for op in ops}


_PARAMETERS = {
    "p": "> P",
    "g": "P",
    "bounds": "int64 S1",
    "penalties": "S 3",
    "hyper": "float64 Q",
}
WINDOW = {"window_h": 2, "window_w": 2, "stride_h": 2, "stride_w": 2, "pad_top": 0, "pad_left": 0}

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
        ACTIVATION,
    ),
    Op(  # y: what the layer before stored, if its activation (named here) shall be undone as well
        "dense_backward_input",
        {"dy": "B O L", "w": "O I", "y": "? B I L", "dx": "> B I L"},
        ACTIVATION,
    ),
    Op(
        "dense_backward_weight",
        {"x": "B I L", "dy": "B O L", "dw": "> O I", "db": ">? O"},
    ),
    # Into the layout and out of it; order holds numbers of images, -1 in lanes without image.
    Op(
        "gather_images",
        {
            "images": "pixel N H W C",
            "order": "int64 B L",
            "scale": "? C",
            "offset": "? C",
            "x": "> B C H W L",
        },
        strided=("images",),
    ),
    Op(
        "gather_labels",
        {"labels": "int64 N", "order": "int64 B L", "out": "> int64 B L"},
        strided=("labels",),
    ),
    Op("scatter_rows", {"x": "B F L", "out": "> N F"}, strided=("out",)),
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
        check=checks.optimizer,
    ),
    Op(  # hyper: learning rate, 1 - beta1^t, 1 - beta2^t
        "adam_update",
        {**_PARAMETERS, "m": "> P", "v": "> P"},
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(
        "adadelta_update",
        {**_PARAMETERS, "squares": "> P", "deltas": "> P"},
        {"rho": 0.95, "epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(  # velocity if and only if there is momentum
        "rmsprop_update",
        {**_PARAMETERS, "squares": "> P", "velocity": ">? P"},
        {"rho": 0.9, "epsilon": 1e-7, "momentum": 0.0},
        check=checks.optimizer,
    ),
    Op(
        "adagrad_update",
        {**_PARAMETERS, "squares": "> P"},
        {"epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(
        "penalty_value",
        {"p": "P", "bounds": "int64 S1", "penalties": "S 3", "out": "> float64 1"},
        check=checks.optimizer,
    ),
    Op(
        "conv2d_forward",
        {"x": "B C H W L", "w": "K Cg KH KW", "b": "? K", "y": "> B K OH OW L"},
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        check=checks.conv2d,
    ),
    Op(
        "conv2d_max_pool_forward",
        {
            "x": "B C H W L",
            "w": "K Cg KH KW",
            "b": "? K",
            "y": "> B K PH PW L",
            "index": "> uint8 B K PH PW L",
        },
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        check=checks.conv2d,
    ),
    Op(
        "conv2d_backward_input",
        {"dy": "B K DH DW L", "w": "K Cg KH KW", "y": "? B C H W L", "dx": "> B C H W L"},
        {
            **CONV2D,
            "pad_top": 0,
            "pad_left": 0,
            "halo_top": 0,
            "halo_left": 0,
            "halo_bottom": 0,
            **ACTIVATION,
        },
        check=checks.conv2d_backward_input,
    ),
    Op(
        "conv2d_backward_weight",
        {"x": "B C H W L", "dy": "B K OH OW L", "dw": "> K Cg KH KW", "db": "?> K"},
        {**CONV2D, **ZERO_ROWS},
        check=checks.conv2d,
    ),
    Op(
        "conv2d_max_pool_backward_weight",
        {
            "x": "B C H W L",
            "dy": "B K PH PW L",
            "y": "B K PH PW L",
            "index": "uint8 B K PH PW L",
            "dw": "> K Cg KH KW",
            "db": "?> K",
        },
        {**CONV2D, **ZERO_ROWS, **ACTIVATION},
        check=checks.conv2d,
    ),
    Op("fma_peak", {"flops": "> float64 N"}, {"iterations": 1}),
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
    Op("copy", {"x": "B C H W L", "y": "> B C H W L"}),
    Op("add", {"x": "B C H W L", "z": "B C H W L", "y": "> B C H W L"}, ACTIVATION),
    Op(
        "dropout_forward",
        {
            "x": "B C H W L",
            "y": "> B C H W L",
            "mask": "> uint16 B C H W",  # bit l: lane l is kept
            "state": "int64 2",  # seed, step
        },
        {"layer": 0, "rate": 0.5},
        check=checks.dropout,
    ),
    Op(
        "dropout_backward",
        {
            "dy": "B C H W L",
            "mask": "uint16 B C H W",
            "y": "? B C H W L",
            "dx": "> B C H W L",
        },
        {"rate": 0.5, **ACTIVATION},
        check=checks.dropout,
    ),
    Op(
        "max_pool2d_forward",
        {"x": "B C H W L", "y": "> B C OH OW L", "index": "> uint8 B C OH OW L"},
        WINDOW,
        check=checks.max_pool2d,
    ),
    Op(
        "max_pool2d_backward",
        {
            "dy": "B C OH OW L",
            "index": "uint8 B C OH OW L",
            "y": "? B C OH OW L",
            "dx": "> B C H W L",
        },
        {**WINDOW, **ACTIVATION},
        check=checks.max_pool2d,
    ),
    Op(
        "avg_pool2d_forward",
        {"x": "B C H W L", "y": "> B C OH OW L"},
        {**WINDOW, "count_padding": 0},
        check=checks.pool2d,
    ),
    Op(
        "avg_pool2d_backward",
        {"dy": "B C OH OW L", "y": "? B C H W L", "dx": "> B C H W L"},
        {**WINDOW, "count_padding": 0, **ACTIVATION},
        check=checks.pool2d,
    ),
    Op("philox", {"counter": "uint32 N 4", "key": "uint32 2", "words": "> uint32 N 4"}),
)
