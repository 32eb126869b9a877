"""`python -m tests.endurance --files 20000`: the whole campaign; exit code 1 if anything failed."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.endurance.fuzz import fuzz
from tests.endurance.processes import TRIALS, failed
from tests.endurance.readers import READERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="mutated files of each reader")
    parser.add_argument("--times", type=int, default=200, help="kills, full disks, forks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names, with commas between them")
    parser.add_argument("--keep", type=Path, help="a folder for files that did what must not be")
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name]
    wrong = 0
    for name in READERS:
        if not chosen or name in chosen:
            wrong += _fuzz(name, options)
    for name in TRIALS:
        if not chosen or name in chosen:
            wrong += _try(name, options)
    print("nothing failed" if not wrong else f"{wrong} kinds of failures")
    return int(wrong > 0)


def _fuzz(name: str, options: argparse.Namespace) -> int:
    started = time.perf_counter()
    outcome = fuzz(name, options.files, options.seed, options.keep)
    _tell(name, dict(outcome.counts), started, f", the slowest {outcome.slowest:.1f} s")
    for what, numbers in outcome.failures.items():
        print(f"    {len(numbers)} x {what}: numbers {numbers[:5]}", flush=True)
    return len(outcome.failures)


def _try(name: str, options: argparse.Namespace) -> int:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = TRIALS[name](options.times, Path(folder), options.seed)
    _tell(name, dict(outcome), started)
    return len(failed(outcome))


def _tell(name: str, counts: dict[str, int], started: float, more: str = "") -> None:
    text = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    print(f"{name}: {text}; {time.perf_counter() - started:.0f} s{more}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
