"""Training speed of fastcnn and of installed peers, side by side, and the ratio to the best one.

    python benchmarks/train_speed.py --nets n1,n3:32 --threads 1,2 --rounds 7 --json out.json \\
        --peers torch=/envs/torch/bin/python,keras=/envs/tf/bin/python

See README.md in this folder for what is measured and why it is fair.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from candidates import Candidate, Worker, fastcnn, idle_share, interleave, peers
from common import Net, chosen, quartiles
from cost import cost
from machine import describe, fma_peak

KEPT = 2  # modes of each peer that go on after the qualifying blocks


def main() -> None:
    options = arguments()
    report: dict[str, Any] = {"machine": describe(), "results": []}
    for net, batch in chosen(options.nets):
        for threads in map(int, options.threads.split(",")):
            result = compare(net, batch, threads, options)
            report["results"].append(result)
            show(result)
            if options.json:
                options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", default="n1,n2,n3,n4,n5", help="n3, or n3:32 for one batch size")
    parser.add_argument("--threads", default="2", help="e.g. 1,2")
    parser.add_argument("--peers", default="", help="torch=PYTHON,keras=PYTHON")
    parser.add_argument("--backends", default="native", help="e.g. native,numba")
    parser.add_argument(
        "--precision", choices=("float32", "bf16"), default="float32", help="of all"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a block")
    parser.add_argument("--core", type=int, default=0, help="where one-thread runs are pinned")
    parser.add_argument("--json", type=Path, help="where all figures go")
    return parser.parse_args()


def compare(net: Net, batch: int, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one net at one batch size and number of threads."""
    own = [fastcnn(backend, options.precision) for backend in options.backends.split(",")]
    rivals = peers(options.peers, batch, options.precision)
    return measure(net, batch, threads, own, rivals, cost(net).training, options)


def measure(
    net: Net,
    batch: int,
    threads: int,
    own: list[Candidate],
    rivals: list[Candidate],
    multiply_adds: int,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Our candidates beside the best rivals, in turn. multiply_adds: of an image."""

    def start(candidate: Candidate) -> Worker:
        return Worker(candidate, net, batch, threads, options.core)

    workers = [start(candidate) for candidate in own]
    best, tried = qualify(rivals, start, options.seconds)
    workers += best
    idle = idle_share(workers)
    if idle > 0.01:
        print(f"waiting workers use {idle:.1%} of a core: the figures suffer", file=sys.stderr)
    rates = interleave(workers, options.rounds, options.seconds)
    for worker in workers:
        worker.close()
    top, flops = fma_peak(threads, options.seconds), 2e-9 * multiply_adds
    rows = [row(w, r, flops, top) for w, r in zip(workers, rates, strict=True)]
    result = {"net": net.key, "title": net.title, "batch": batch, "threads": threads}
    result |= {"mflop_per_image": 1e3 * flops, "peak": top, "idle_cores": idle}
    return {**result, "qualifying": tried, "candidates": rows, **ratio(rows)}


def qualify(
    candidates: list[Candidate], start: Any, seconds: float
) -> tuple[list[Worker], dict[str, Any]]:
    """The KEPT fastest modes of each library, started; and what each mode gave in two blocks."""
    best: dict[str, list[tuple[float, Worker]]] = {}
    tried: dict[str, Any] = {}
    for candidate in candidates:
        try:
            worker = start(candidate)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            tried[candidate.label] = str(error)
            continue
        rate = tried[candidate.label] = max(worker.run(seconds), worker.run(seconds))
        kept = best.setdefault(candidate.library, [])
        kept.append((rate, worker))
        if len(kept) > KEPT:
            slowest = min(kept, key=lambda pair: pair[0])
            kept.remove(slowest)
            slowest[1].close()
    return [worker for kept in best.values() for _, worker in kept], tried


def row(worker: Worker, rates: list[float], flops: float, top: float) -> dict[str, Any]:
    low, median, high = quartiles(rates)
    row = {"label": worker.label, "version": worker.facts["version"], "rates": rates}
    row |= {"images_per_second": median, "quartiles": [low, high]}
    return row | {"gflops": median * flops, "of_peak": median * flops / top}


def ratio(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """fastcnn's rate over that of the best peer, and of other backends over its, in each round."""
    own, *others = rows
    backends = [row for row in others if row["label"].startswith("fastcnn")]
    found: dict[str, Any] = {"backends": {row["label"]: over(row, own) for row in backends}}
    rivals = [row for row in others if row not in backends]
    if rivals:
        best = max(rivals, key=lambda row: row["images_per_second"])
        ratios = over(own, best)
        found |= {"best_peer": best["label"], "ratio": quartiles(ratios)[1], "ratios": ratios}
    return found


def over(one: dict[str, Any], other: dict[str, Any]) -> list[float]:
    return [a / b for a, b in zip(one["rates"], other["rates"], strict=True)]


def show(result: dict[str, Any]) -> None:
    print(
        "\n{net} {title}, batch {batch}, {threads} threads: {mflop_per_image:.1f} MFLOP an image, "
        "FMA peak {peak:.0f} GFLOP/s".format(**result)
    )
    for row in result["candidates"]:
        low, high = row["quartiles"]
        print(
            f"  {row['label']:38} {row['images_per_second']:9,.0f} images/s"
            f"  ({low:,.0f} to {high:,.0f})  {row['gflops']:6.1f} GFLOP/s  {row['of_peak']:4.0%}"
        )
    for label, ratios in result["backends"].items():
        middle, low, high = quartiles(ratios)[1], min(ratios), max(ratios)
        own = result["candidates"][0]["label"]
        print(f"  {label} / {own}: {middle:.2f}  ({low:.2f} to {high:.2f})")
    if "ratio" in result:
        low, high = min(result["ratios"]), max(result["ratios"])
        print(
            f"  fastcnn / {result['best_peer']}: {result['ratio']:.2f}"
            f"  ({low:.2f} to {high:.2f} in {len(result['ratios'])} rounds)",
            flush=True,
        )


if __name__ == "__main__":
    main()
