"""Single kernels beside what the machine allows, the lesser of its FMA peak and its memory.

Memory's time is that of the `memory_peak` kernel: it reads as many bytes as the kernel must at
least read, and writes as many as it must write, once, in order, into buffers of its own. It runs in
turn with the kernel, on as many threads: what fits a cache is as fast as that cache for both.

A call from Python takes some microseconds, as long as a small kernel. So a program runs its kernel
several times (`repeats`), as a plan runs many kernels in one call.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.kernels import new_program
from fastcnn.kernels.aligned import aligned_zeros

ROUNDS = 5
CALL_FLOPS = 2.5e7  # of a call at least: 0.1 ms at 250 GFLOP/s


@dataclass(frozen=True)
class Kernel:
    """A program that runs a kernel `times` times, and what it must do at least in each."""

    program: Any
    times: int
    flops: float
    read: int  # bytes
    written: int


def repeats(flops: float) -> int:
    """How often a program runs a kernel of so many operations."""
    return max(1, round(CALL_FLOPS / flops))


def fma_peak(isa: str | None, threads: int, budget: float) -> float:
    """GFLOP/s of multiply-adds on registers alone, over all threads."""
    flops = np.zeros(1)  # of one thread, as the kernel counts them
    program = new_program("native", isa)
    program.add("fma_peak", {"flops": flops}, iterations=200_000)
    best = seconds(program, threads, budget)
    return 1e-9 * threads * flops[0] / best


def memory_program(kernel: Kernel, isa: str | None) -> Any:
    floats = (max(1, size // 4) for size in (kernel.read, kernel.written))
    x, y = (aligned_zeros(n, np.dtype(np.float32)) for n in floats)
    x[...] = 1  # zeros that nobody wrote are all the same page of memory
    program = new_program("native", isa)
    for _ in range(kernel.times):
        program.add("memory_peak", {"x": x, "y": y})
    return program


def seconds(program: Any, threads: int, budget: float) -> float:
    """Best of as many runs as fit into `budget` seconds."""
    program.run(threads=threads)
    best, start = float("inf"), time.perf_counter()
    while (now := time.perf_counter()) - start < budget:
        program.run(threads=threads)
        best = min(best, time.perf_counter() - now)
    return best


def alternately(programs: list[Any], threads: int, budget: float) -> list[float]:
    """Best seconds of each, run in turn, so that other work on the machine hits all alike."""
    best = [float("inf")] * len(programs)
    for _ in range(ROUNDS):
        for k, program in enumerate(programs):
            best[k] = min(best[k], seconds(program, threads, budget / ROUNDS))
    return best


def show(
    title: str, kernels: dict[str, Kernel], top: float, isa: str | None, threads: int, budget: float
) -> None:
    """A line for each kernel. top: the FMA peak in GFLOP/s."""
    print(title)
    memory = [memory_program(kernel, isa) for kernel in kernels.values()]
    times = alternately([k.program for k in kernels.values()] + memory, threads, budget)
    times = [t / k.times for t, k in zip(times, [*kernels.values()] * 2, strict=True)]
    for k, (name, kernel) in enumerate(kernels.items()):
        own, least = times[k], max(times[len(kernels) + k], 1e-9 * kernel.flops / top)
        moved, rate = 1e-9 * (kernel.read + kernel.written), 1e-9 * kernel.flops / own
        memory_rate = moved / times[len(kernels) + k]
        print(
            f"  {name:16} {rate:4.0f} GFLOP/s {rate / top:4.0%}   {1e3 * moved:7.2f} MB "
            f"{moved / own:4.0f} of {memory_rate:4.0f} GB/s   {least / own:4.0%} of the roofline",
            flush=True,
        )
