"""All gradients together: penalties, clipping, norms. Flat arrays and segments as for optimizers.

squares: sums of squares of C pieces, each SQUARE_SUM_PIECE floats of one segment (the last of a
segment may be shorter), so that norms do not depend on threads.
"""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "penalty_gradient",
        {"p": "P", "g": "> P", "bounds": "int64 S1", "penalties": "S 4"},
        check=checks.optimizer,
    ),
    Op(
        "square_sums",
        {"p": "P", "bounds": "int64 S1", "squares": "> float64 C"},
        check=checks.square_sums,
    ),
    Op("clip_value", {"g": "> P"}, {"limit": 1.0}),
    Op(  # together: the norm is that of all segments
        "clip_norm",
        {"g": "> P", "bounds": "int64 S1", "squares": "float64 C"},
        {"limit": 1.0, "together": 0},
        check=checks.square_sums,
    ),
)
