"""The side of a worker: build a net, warm up, then train for some seconds whenever the runner asks.

python worker_X.py NET BATCH THREADS MODE              one JSON line, then answers "run SECONDS"
python worker_X.py NET BATCH THREADS MODE --steps 300  train so many steps and exit
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from common import Net, load_nets

# (seconds, steps) -> (steps done, seconds taken); ends at whichever limit comes first
Run = Callable[[float, float], tuple[int, float]]
Make = Callable[[Net, int, int, str], tuple[Run, dict[str, Any]]]


def serve(make: Make) -> None:
    """make(net, batch, threads, mode) gives `run` and facts: version, parameters, multiply_adds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("net")
    parser.add_argument("batch", type=int)
    parser.add_argument("threads", type=int)
    parser.add_argument("mode")
    parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like; answers go to the real stdout
    run, facts = make(load_nets()[options.net], options.batch, options.threads, options.mode)
    if options.steps:
        run(math.inf, options.steps)
        return
    run(math.inf, 3)  # compiles
    run(0.5, math.inf)
    print(json.dumps(facts), file=answers, flush=True)
    for line in sys.stdin:
        steps, seconds = run(float(line.removeprefix("run ")), math.inf)
        print(json.dumps({"steps": steps, "seconds": seconds}), file=answers, flush=True)


def repeat(step: Callable[[], None]) -> Run:
    """`run` for libraries whose training step is one call."""

    def run(limit: float, steps: float) -> tuple[int, float]:
        start, done, seconds = time.perf_counter(), 0, 0.0
        while done < steps and seconds < limit:
            step()
            done, seconds = done + 1, time.perf_counter() - start
        return done, seconds

    return run
