"""The measured limit of the machine."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op("fma_peak", {"flops": "> float64 N"}, {"iterations": 1}),
)
