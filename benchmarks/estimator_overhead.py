"""What CNNClassifier costs over the engine it runs: N1 training, both in turn, in one process.

    python benchmarks/estimator_overhead.py --samples 60000 --epochs 2 --rounds 7 --threads 2

Both train the same net from the same seed on the same images and labels; the engine's time is that
of `compile` and `fit` of a model that is built beforehand, the estimator's is the whole `fit`,
checks of X and y, the making of the model and all. Reported are the median and the range over
rounds of the ratio within each round, less 1.
"""

import argparse
import time
from typing import Any

import numpy as np
from common import Net, load_nets, quartiles

from fastcnn import CNNClassifier, Sequential
from fastcnn.plugins.registry import layers, make


def main() -> None:
    options = arguments()
    net = load_nets()["n1"]
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (options.samples, *net.input)).astype(np.uint8)
    y = random.integers(0, 10, options.samples)
    overheads = []
    for number in range(options.rounds + 1):
        engine, estimator = by_engine(net, x, y, options), by_estimator(net, x, y, options)
        if number:  # the first round warms up
            overheads.append(estimator / engine - 1)
            print(f"engine {engine:.3f} s  estimator {estimator:.3f} s  {overheads[-1]:+.1%}")
    low, middle, high = quartiles(overheads)
    print(f"overhead {middle:+.1%} (quartiles {low:+.1%} to {high:+.1%})")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def by_engine(net: Net, x: np.ndarray, y: np.ndarray, options: Any) -> float:
    stack = [make(layers, dict(table)) for table in net.layers[:-1]]
    stack.append(make(layers, {**net.layers[-1], "activation": "softmax"}))
    model = Sequential(stack, net.input, seed=0, threads=options.threads)
    started = time.perf_counter()
    model.compile(dict(net.optimizer))
    model.fit(x, y, batch_size=net.batches[0], epochs=options.epochs, verbose=0)
    return time.perf_counter() - started


def by_estimator(net: Net, x: np.ndarray, y: np.ndarray, options: Any) -> float:
    model = CNNClassifier(
        net.layers[:-1],
        optimizer=net.optimizer,
        batch_size=net.batches[0],
        epochs=options.epochs,
        random_state=0,
        n_jobs=options.threads,
    )
    started = time.perf_counter()
    model.fit(x, y)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
