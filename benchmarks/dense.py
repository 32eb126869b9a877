"""Dense layers, each direction, in GFLOP/s: python benchmarks/dense.py [--threads 1 2] [--isa avx2]

FLOPs are those of the images asked for; lanes without image in the last block count as waste.
"""

import argparse

import numpy as np

from fastcnn.kernels.native import NativeProgram

SHAPES = [  # inputs, outputs, batch
    (4320, 100, 100),
    (1024, 500, 32),
    (1024, 500, 128),
    (9216, 128, 128),
    (400, 120, 64),
    (500, 10, 128),
    (120, 84, 64),
    (4320, 100, 4),
    (4320, 100, 1),
]
DIRECTIONS = ("dense_forward", "dense_backward_input", "dense_backward_weight")


def arrays_of(inputs, outputs, batch, lanes):
    """Arguments of all three kernels by name; activations start at a cache line."""
    blocks = -(-batch // lanes)
    rng = np.random.default_rng(0)

    def make(*shape):
        size = int(np.prod(shape))
        raw = np.empty(size + 16, np.float32)
        start = -raw.ctypes.data // 4 % 16
        array = raw[start : start + size].reshape(shape)
        array[...] = rng.normal(size=shape)
        return array

    x, dy = make(blocks, inputs, lanes), make(blocks, outputs, lanes)
    w, b = make(outputs, inputs), make(outputs)
    return {
        "dense_forward": {"x": x, "w": w, "b": b, "y": np.empty_like(dy)},
        "dense_backward_input": {"dy": dy, "w": w, "y": x, "dx": np.empty_like(x)},
        "dense_backward_weight": {"x": x, "dy": dy, "dw": np.empty_like(w), "db": np.empty_like(b)},
    }


def best_seconds(name, arrays, threads, isa, repeats=30):
    program = NativeProgram(isa)
    program.add(name, arrays, **({} if name.endswith("weight") else {"activation": "relu"}))
    return min(program.step_seconds(threads=threads)[0][1] for _ in range(repeats))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--isa")
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    print(f"{'layer, batch, lanes':>26} {'threads':>7}  forward    input   weight  GFLOP/s")
    for inputs, outputs, batch in SHAPES:
        lanes = min(16, batch)
        arrays = arrays_of(inputs, outputs, batch, lanes)
        for threads in options.threads:
            rates = [
                2e-9 * inputs * outputs * batch
                / best_seconds(name, arrays[name], threads, options.isa, options.repeats)
                for name in DIRECTIONS
            ]  # fmt: skip
            label = f"{inputs}->{outputs}, {batch}, {lanes}"
            print(f"{label:>26} {threads:7d} " + "".join(f"{r:9.1f}" for r in rates))


if __name__ == "__main__":
    main()
