"""Random numbers."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op("philox", {"counter": "uint32 N 4", "key": "uint32 2", "words": "> uint32 N 4"}),
)
