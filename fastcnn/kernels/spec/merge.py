"""Several tensors of one shape into one, element by element; see copy.py for sums and multiples."""

from fastcnn.kernels.spec.op import ACTIVATION, Op, table

OPS = table(
    Op(
        "multiply",
        {"x": "B C H W L", "z": "B C H W L", "y": "> B C H W L"},
        ACTIVATION,
        in_place={"y": ("x", "z")},
        by_block=True,
    ),
    Op(
        "maximum_forward",
        {
            "x": "B C H W L",
            "z": "B C H W L",
            "y": "> B C H W L",
            "index": "> uint8 B C H W L",
        },
        by_block=True,
    ),
    Op(
        "maximum_backward",
        {
            "dy": "B C H W L",
            "index": "uint8 B C H W L",
            "dx": "> B C H W L",
            "dz": "> B C H W L",
        },
    ),
)
