"""Inference speed of fastcnn and of installed peers, side by side, and the ratio to the best one.

    python benchmarks/infer_speed.py --nets n1,n6 --batches 256,1 --threads 1,2 --json out.json \\
        --peers torch=PYTHON,onnxruntime=PYTHON,openvino=PYTHON

See README.md in this folder for what is measured and why it is fair.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from candidates import Candidate, inference_peers
from common import Net, chosen
from cost import cost
from machine import describe
from train_speed import measure

OWN = ("predict", "plan")  # what users call, and the bare program behind it


def main() -> None:
    options = arguments()
    report: dict[str, Any] = {"machine": describe(), "results": []}
    for key in options.nets.split(","):
        for batch in options.batches.split(","):
            for threads in map(int, options.threads.split(",")):
                ((net, size),) = chosen(f"{key}:{batch}")
                result = compare(net, size, threads, options)
                report["results"].append(result)
                show(result)
                if options.json:
                    text = json.dumps(report, indent=1) + "\n"
                    options.json.write_text(text, encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", default="n1,n2,n3,n4,n5,n6,n7,n8")
    parser.add_argument("--batches", default="256,1")
    parser.add_argument("--threads", default="2", help="e.g. 1,2")
    parser.add_argument(
        "--peers", default="", help="torch=PYTHON,onnxruntime=PYTHON,openvino=PYTHON"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a block")
    parser.add_argument("--core", type=int, default=0, help="where one-thread runs are pinned")
    parser.add_argument("--json", type=Path, help="where all figures go")
    return parser.parse_args()


def compare(net: Net, batch: int, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one net at one batch size and number of threads."""
    own = [Candidate("fastcnn", mode) for mode in OWN]
    rivals = inference_peers(options.peers)
    return measure(net, batch, threads, own, rivals, cost(net).forward, options)


def show(result: dict[str, Any]) -> None:
    print(
        "\n{net} {title}, batch {batch}, {threads} threads: {mflop_per_image:.1f} MFLOP an image, "
        "FMA peak {peak:.0f} GFLOP/s".format(**result)
    )
    for candidate in result["candidates"]:
        rate, (low, high) = candidate["images_per_second"], candidate["quartiles"]
        print(
            f"  {candidate['label']:38} {rate:9,.0f} images/s  ({low:,.0f} to {high:,.0f})"
            f"  {1e3 * result['batch'] / rate:8.3f} ms a call  {candidate['of_peak']:4.0%} of peak"
        )
    if "ratio" in result:
        low, high = min(result["ratios"]), max(result["ratios"])
        print(
            f"  fastcnn / {result['best_peer']}: {result['ratio']:.2f}"
            f"  ({low:.2f} to {high:.2f} in {len(result['ratios'])} rounds)",
            flush=True,
        )


if __name__ == "__main__":
    main()
