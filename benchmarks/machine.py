"""The machine: its name, and the multiply-adds it can do at most."""

import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.kernels import new_program


def describe() -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cores": len(models)}


def fma_peak(threads: int, seconds: float) -> float:
    """GFLOP/s of multiply-adds on registers alone, over all threads: the best run."""
    flops = np.zeros(1)  # of one thread, as the kernel counts them
    program = new_program()
    program.add("fma_peak", {"flops": flops}, iterations=100_000)
    program.run(threads=threads)
    best, start = float("inf"), time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        program.run(threads=threads)
        best = min(best, time.perf_counter() - now)
    return 1e-9 * threads * flops[0] / best
