"""GFLOP/s of the dense kernels, in each direction, beside the machine's peak and memory.

    python benchmarks/dense.py [--threads 1 2] [--isa avx2] [NAME ...]

FLOPs and bytes are those of the images asked for; lanes without image in the last block are waste.
"""

import argparse

import numpy as np
from roofline import Kernel, fma_peak, repeats, show

from fastcnn.kernels import new_program
from fastcnn.kernels.aligned import aligned_zeros

SHAPES = [  # inputs, outputs, batch; the dense layers of nets.toml, and squares
    (4320, 100, 100),
    (100, 10, 100),
    (320, 10, 128),
    (1024, 500, 32),
    (1024, 500, 128),
    (500, 10, 128),
    (9216, 128, 128),
    (128, 10, 128),
    (400, 120, 64),
    (120, 84, 64),
    (84, 10, 64),
    (64, 10, 128),
    (512, 512, 32),
    (512, 512, 128),
    (1024, 1000, 128),
    (512, 1000, 16),
    (9216, 4096, 32),
    (4096, 4096, 32),
    (4096, 4096, 128),
    (4096, 1000, 32),
    (4320, 100, 4),
    (4320, 100, 1),
]
WRITTEN = {"forward": "y", "backward_input": "dx", "backward_weight": ("dw", "db")}


def arrays_of(inputs: int, outputs: int, batch: int, lanes: int) -> dict[str, dict]:
    """Arguments of all three kernels by direction; activations start at a cache line."""
    blocks = -(-batch // lanes)
    rng = np.random.default_rng(0)

    def make(*shape):
        array = aligned_zeros(int(np.prod(shape)), np.dtype(np.float32)).reshape(shape)
        array[...] = rng.normal(size=shape)
        return array

    x, dy = make(blocks, inputs, lanes), make(blocks, outputs, lanes)
    w, b = make(outputs, inputs), make(outputs)
    return {
        "forward": {"x": x, "w": w, "b": b, "y": make(*dy.shape)},
        "backward_input": {"dy": dy, "w": w, "y": x, "dx": make(*x.shape)},
        "backward_weight": {"x": x, "dy": dy, "dw": make(*w.shape), "db": make(outputs)},
    }


def kernels_of(inputs: int, outputs: int, batch: int, isa: str | None) -> dict[str, Kernel]:
    """{direction: kernel} of one layer."""
    result, flops = {}, 2 * inputs * outputs * batch
    for direction, arrays in arrays_of(inputs, outputs, batch, min(16, batch)).items():
        program = new_program("native", isa)
        relu = {} if direction == "backward_weight" else {"activation": "relu"}
        for _ in range(repeats(flops)):
            program.add(f"dense_{direction}", arrays, **relu)
        written = sum(array.nbytes for name, array in arrays.items() if name in WRITTEN[direction])
        read = sum(array.nbytes for array in arrays.values()) - written
        result[direction] = Kernel(program, repeats(flops), flops, read, written)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of names, e.g. '500, batch 32'")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--isa")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each figure")
    options = parser.parse_args()
    for threads in options.threads:
        top = fma_peak(options.isa, threads, options.seconds)
        print(f"\n{threads} threads: peak {top:.0f} GFLOP/s")
        for inputs, outputs, batch in SHAPES:
            name = f"{inputs}->{outputs}, batch {batch}"
            if options.names and not any(part in name for part in options.names):
                continue
            kernels = kernels_of(inputs, outputs, batch, options.isa)
            show(name, kernels, top, options.isa, threads, options.seconds)


if __name__ == "__main__":
    main()
