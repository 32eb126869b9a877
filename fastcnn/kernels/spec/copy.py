"""Copies, multiples and sums."""

from fastcnn.kernels.spec.op import ACTIVATION, Op, table

OPS = table(
    Op("copy", {"x": "B C H W L", "y": "> B C H W L"}, strided=("x",), by_block=True),
    Op(
        "scale",
        {"x": "B C H W L", "y": "> B C H W L"},
        {"factor": 1.0},
        in_place={"y": ("x",)},
        by_block=True,
    ),
    Op(
        "add",
        {"x": "B C H W L", "z": "B C H W L", "y": "> B C H W L"},
        ACTIVATION,
        in_place={"y": ("x", "z")},
        by_block=True,
    ),
)
