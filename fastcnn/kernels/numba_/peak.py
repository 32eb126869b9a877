"""The measured limit of the machine: multiply-adds on registers alone."""

from fastcnn.kernels.numba_.emit import MANY_REGISTERS, VW
from fastcnn.kernels.numba_.tile import add_each, fill, outer
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    splat,
)

__all__ = ["fma_peak"]

ACCUMULATORS = 24 if MANY_REGISTERS else 12


def fma_peak(work, flops, iterations):
    acc = fill(splat(0.5), ACCUMULATORS)
    factors = fill(splat(1e-3), ACCUMULATORS)
    for _ in range(iterations):
        acc = outer(acc, factors, (acc[0],))
    if work.number == 0:
        flops[0] = 2.0 * ACCUMULATORS * VW * iterations
    total = add_each(acc, acc)[0]
    if lane_sum(total) < 0.0:  # never; without it the loop would be dropped as useless
        flops[0] = 0.0
