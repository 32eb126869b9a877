"""What a whole process costs: seconds and peak memory of a short training, and the time of imports.

python benchmarks/process_cost.py --peers torch=PYTHON,keras=PYTHON [--net n1] [--steps 300]
"""

import argparse
import os
import subprocess
import sys
import time

from candidates import KEEP_MEMORY, Candidate, fastcnn
from common import Net, chosen, quartiles

# Compiling modes are left out: they take longer to compile than the others take in all.
MODES = {
    "torch": [("eager", {}), ("fused", {}), ("fused", KEEP_MEMORY)],
    "keras": [("graph", {})],
}
IMPORTS = ["import fastcnn", "import fastcnn; fastcnn.Sequential"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default="", help="torch=PYTHON,keras=PYTHON")
    parser.add_argument("--net", default="n1")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    net, batch = chosen(options.net)[0]
    pythons = dict(pair.split("=", 1) for pair in options.peers.split(",") if pair)
    candidates = [fastcnn()]
    for library, python in pythons.items():
        candidates += [Candidate(library, mode, python, env) for mode, env in MODES[library]]
    costs: list[list[tuple[float, float]]] = [[] for _ in candidates]
    for _ in range(options.repeats):
        for candidate, own in zip(candidates, costs, strict=True):
            own.append(process_cost(candidate, net, batch, options.threads, options.steps))
    print(
        f"{options.steps} steps of {net.key}, batch {batch}, {options.threads} threads: all in all"
    )
    for candidate, own in zip(candidates, costs, strict=True):
        seconds, megabytes = zip(*own, strict=True)
        print(
            f"  {candidate.label:26} {quartiles(seconds)[1]:6.2f} s ({min(seconds):.2f} to "
            f"{max(seconds):.2f})  {quartiles(megabytes)[1]:5.0f} MB"
        )
    for library, python in {"fastcnn": sys.executable, **pythons}.items():
        for statement in IMPORTS if library == "fastcnn" else [f"import {library}"]:
            seconds = [import_seconds(python, statement) for _ in range(2 * options.repeats)]
            low, median, _ = quartiles(seconds)
            print(f"  {statement!r} after numpy: {median:.3f} s (lower quartile {low:.3f})")


def process_cost(
    candidate: Candidate, net: Net, batch: int, threads: int, steps: int
) -> tuple[float, float]:
    """(wall seconds, peak resident MB) of one process from its start to its end."""
    command = [*candidate.command(net, batch, threads), "--steps", str(steps)]
    start = time.perf_counter()
    # A child's peak counts from the fork, so it is never less than this small parent's.
    process = subprocess.Popen(command, env=candidate.variables(threads), stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{candidate.label} failed: {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def import_seconds(python: str, statement: str) -> float:
    code = (
        f"import time, numpy; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    )
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [python, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
