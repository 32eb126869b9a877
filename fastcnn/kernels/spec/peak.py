"""The measured limits of the machine."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op("fma_peak", {"flops": "> float64 N"}, {"iterations": 1}),
    # Of n and m floats, cut into as many parts; y's part p is the sum of x's part p.
    Op("memory_peak", {"x": "N", "y": "> M"}, lacking=("numba",)),
)
