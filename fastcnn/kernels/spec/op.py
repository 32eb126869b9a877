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

SLOPE_FROM_OUTPUT = (
    "linear",
    "relu",
    "leaky_relu",
    "sigmoid",
    "tanh",
    "elu",
    "selu",
    "relu6",
    "hard_sigmoid",
    "softplus",
    "softsign",
    "threshold",
)
SLOPE_FROM_INPUT = ("gelu", "gelu_tanh", "swish", "mish")
# Codes as in csrc/activation_math.h: the order is the same.
ENUMS: dict[str, dict[str, int]] = {
    "activation": {name: k for k, name in enumerate(SLOPE_FROM_OUTPUT + SLOPE_FROM_INPUT)},
    "norm": {"l1": 0, "l1_sqrt": 1, "l2": 2, "l2_hys": 3},
    "space": {"rgb": 0, "hsv": 1, "lab": 2},
    "fill": {"constant": 0, "nearest": 1, "reflect": 2, "wrap": 3},
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
    python: Callable[..., None] | None = None  # a plugin's kernel, the same for every maker
    lacking: tuple[str, ...] = ()  # makers without it: plans for them do with other kernels
    # Outputs that may lie where one of these inputs lies: it is read before it is written over.
    in_place: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Whether what it writes of a block follows from that block, so that it may run on it alone.
    by_block: bool = False
    activations: tuple[str, ...] = tuple(ENUMS["activation"])  # those that it knows

    def made_by(self, backend: str) -> bool:
        """Whether this maker has it."""
        return backend not in self.lacking

    def is_output(self, tensor: str) -> bool:
        return ">" in self.tensors[tensor]

    def has_blocks(self, tensor: str) -> bool:
        """Whether its first axis is blocks."""
        return self.axes(tensor)[:1] == ["B"]

    def is_optional(self, tensor: str) -> bool:
        return "?" in self.tensors[tensor]

    def dtype(self, tensor: str) -> str:
        words = self.tensors[tensor].strip("?> ").split()
        return words[0] if words and words[0] in DTYPES else "float"

    def axes(self, tensor: str) -> list[str]:
        words = self.tensors[tensor].strip("?> ").split()
        return words[1:] if words and words[0] in DTYPES else words


ACTIVATION: dict[str, Any] = {"activation": "linear", "alpha": 0.0}
# Word in a tensor's row: dtypes that are taken.
DTYPES: dict[str, tuple[str, ...]] = {
    "float": ("float32", "float64"),
    "pixel": ("uint8", "float32", "float64"),
    **{name: (name,) for name in ("float64", "uint8", "uint16", "int32", "uint32", "int64")},
}


def table(*ops: Op) -> dict[str, Op]:
    return {op.name: op for op in ops}
