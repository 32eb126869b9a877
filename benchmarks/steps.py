"""Where a training step spends its time: python benchmarks/steps.py n1 [--backend numba]

Each kernel of the plan with its median time, its share, and GFLOP/s where multiply-adds are known
(nominal: taps on padding count).
"""

import argparse
import time
from typing import Any

import numpy as np
from common import Net, chosen, random_data
from worker_fastcnn import build

from fastcnn.engine.describe import operations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net")
    parser.add_argument("--batch", type=int, help="default: the first of nets.toml")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--backend", help="native, numba or reference")
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args()
    net, batch = chosen(options.net)[0]
    show(net, options.batch or batch, options)


def show(net: Net, batch: int, options: argparse.Namespace) -> None:
    threads, repeats = options.threads, options.repeats
    model = build(net, threads, options.backend)
    images, labels = random_data(net, batch)
    model.fit(images, labels, batch_size=batch, verbose=0)
    plan = model._plan("train", batch)
    order = np.arange(batch)
    plan.run(order, threads)
    blocks = -(-batch // plan.lanes)
    runs = [plan.program.step_seconds(blocks, threads) for _ in range(repeats)]
    names = [name for name, _ in runs[0]]
    seconds = np.median([[s for _, s in run] for run in runs], axis=0)
    shape = f"batch {batch}, {threads} threads, {plan.lanes} lanes"
    print(f"{net.key} {net.title}, {shape}, {model.backend}")
    for name, own, node in zip(names, seconds, plan.owners, strict=True):
        work = operations(name, node)
        rate = f"{1e-9 * batch * work / own:7.1f} GFLOP/s" if work else ""
        print(f"  {name:34} {1e6 * own:9.1f} us {own / seconds.sum():6.1%} {rate}")
    whole = np.median([timed(lambda: plan.run(order, threads)) for _ in range(repeats)])
    print(f"  {'sum':34} {1e6 * seconds.sum():9.1f} us; run at once {1e6 * whole:.1f} us")


def timed(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
