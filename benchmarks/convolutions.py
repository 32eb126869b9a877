"""GFLOP/s of the convolution kernels, in each direction, beside the machine's peak and memory.

    python benchmarks/convolutions.py [--batch 128] [--threads 1 2] [--isa avx2] [NAME ...]

Counted are nominal operations, taps on padding included, so skipped padding shows as speed, and so
do the multiplications that Winograd's kernels save (W2, W4: of tiles with 2x2, 4x4 outputs). Bytes
are those of the images without borders, of the pixels that a kernel with steps reads, and of the
parameters: roofline.py.
"""

import argparse
import math
import os
from dataclasses import dataclass

import numpy as np
from roofline import Kernel, fma_peak, repeats, show

from fastcnn.engine.winograd import Product
from fastcnn.kernels import new_program
from fastcnn.kernels.aligned import aligned_zeros
from fastcnn.kernels.checks import WINOGRAD_SIDES
from fastcnn.kernels.geometry import gradient_halo, output_size, same_padding


@dataclass(frozen=True)
class Layer:
    channels: int
    outs: int
    kernel: int
    size: int
    same: bool = True
    stride: int = 1
    groups: int = 1
    most_images: int = 128  # of a batch; large images would not fit the memory of a small machine

    @property
    def name(self) -> str:
        pad = "same" if self.same else "valid"
        step = f" /{self.stride}" if self.stride > 1 else ""
        deep = "depthwise " if self.groups > 1 else ""
        channels = f"{deep}{self.channels}->{self.outs}"
        return f"{self.kernel}x{self.kernel} {channels} {self.size}x{self.size} {pad}{step}"


LAYERS = [
    Layer(1, 30, 5, 28, same=False),
    Layer(3, 16, 5, 32),
    Layer(16, 20, 5, 16),
    Layer(20, 20, 5, 8),
    Layer(16, 16, 3, 32),
    Layer(32, 32, 3, 16),
    Layer(32, 64, 3, 26, same=False),
    Layer(64, 64, 3, 32),
    Layer(128, 128, 3, 16),
    Layer(256, 256, 3, 8),
    Layer(128, 128, 3, 6),
    Layer(512, 512, 3, 2),
    Layer(3, 16, 2, 32),
    Layer(16, 32, 2, 16),
    Layer(32, 64, 2, 8),
    Layer(64, 64, 3, 32, stride=2),
    Layer(64, 64, 1, 16),
    # AlexNet, ResNet-18, MobileNet
    Layer(3, 64, 11, 224, stride=4, most_images=16),
    Layer(3, 64, 7, 224, stride=2, most_images=16),
    Layer(3, 32, 3, 224, stride=2, most_images=16),
    Layer(64, 192, 5, 27, most_images=32),
    Layer(192, 384, 3, 13, most_images=64),
    Layer(64, 128, 3, 56, stride=2, most_images=32),
    Layer(64, 128, 1, 56, stride=2, most_images=32),
    Layer(256, 512, 3, 14, stride=2, most_images=32),
    Layer(256, 512, 1, 14, stride=2, most_images=32),
    Layer(32, 64, 1, 112, most_images=16),
    Layer(128, 128, 1, 56, most_images=16),
    Layer(512, 512, 1, 14, most_images=32),
    Layer(1024, 1024, 1, 7, most_images=32),
    Layer(32, 32, 3, 112, groups=32, most_images=16),
    Layer(64, 64, 3, 112, stride=2, groups=64, most_images=16),
    Layer(512, 512, 3, 14, groups=512, most_images=32),
    Layer(512, 512, 3, 14, stride=2, groups=512, most_images=32),
]


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros that begin on a cache line, as the engine lays out its buffers."""
    return aligned_zeros(math.prod(shape), np.dtype(np.float32)).reshape(shape)


def arrays_of(layer: Layer, batch: int, lanes: int):
    """x with its border, dy with its halo, and the parameters that go with them."""
    blocks, k, n, s = -(-batch // lanes), layer.kernel, layer.size, layer.stride
    before, after = same_padding(n, k, s) if layer.same else (0, 0)
    out = output_size(n + before + after, k, s)
    halo = gradient_halo((n, n), (out, out), (k, k), (s, s), (1, 1), (before, before))
    rng = np.random.default_rng(0)

    def bordered(channels, size, top, bottom):
        full = aligned((blocks, channels, *[size + top + bottom] * 2, lanes))
        inner = full[:, :, top : top + size, top : top + size]
        inner[...] = rng.normal(size=inner.shape)
        return full, inner

    x, _ = bordered(layer.channels, n, before, after)
    dy, dy_inner = bordered(layer.outs, out, halo[0], halo[1])
    shape = layer.outs, layer.channels // layer.groups, k, k
    w = rng.normal(size=shape).astype(np.float32)
    steps = {"stride_h": s, "stride_w": s, "groups": layer.groups}
    zeros = {"zero_top": before, "zero_bottom": after}
    pads = {"pad_top": before, "pad_left": before}
    pads |= {"halo_top": halo[0], "halo_left": halo[2], "halo_bottom": halo[1]}
    return x, dy, dy_inner, w, steps, zeros, pads


def kernels_of(layer: Layer, batch: int, lanes: int, isa: str | None) -> dict[str, Kernel]:
    """{direction: kernel} of one layer."""
    batch = min(batch, layer.most_images)
    x, dy, dy_inner, w, steps, zeros, pads = arrays_of(layer, batch, lanes)
    y = aligned((dy.shape[0], *dy_inner.shape[1:]))
    blocks, b = x.shape[0], np.zeros(layer.outs, np.float32)
    dx = aligned((blocks, layer.channels, layer.size, layer.size, lanes))
    relu = {"activation": "relu"}
    table = {
        "forward": ("conv2d_forward", {"x": x, "w": w, "b": b, "y": y}, {**zeros, **relu}),
        "d input": ("conv2d_backward_input", {"dy": dy, "w": w, "dx": dx}, pads),
        "d weight": (
            "conv2d_backward_weight",
            {"x": x, "dy": dy_inner, "dw": np.zeros_like(w), "db": b.copy()},
            zeros,
        ),
    }
    if lanes % 16 == 0 and layer.kernel > 1 and layer.groups == 1:
        pool = aligned((blocks, layer.outs, y.shape[2] // 2, y.shape[3] // 2, lanes))
        index = np.random.default_rng(0).integers(0, 4, pool.shape).astype(np.uint8)
        forward = {"x": x, "w": w, "b": b, "y": pool, "index": index}
        backward = {"x": x, "dy": aligned(pool.shape), "y": pool, "index": index}
        backward |= {"dw": np.zeros_like(w), "db": b.copy()}
        table["pool forward"] = ("conv2d_max_pool_forward", forward, {**zeros, **relu})
        table["pool d weight"] = ("conv2d_max_pool_backward_weight", backward, zeros)
    flops = 2 * y[0, 0, :, :, 0].size * w.size * blocks * lanes
    result = {direction: new_program("native", isa) for direction in table}
    for direction, (name, arrays, params) in table.items():
        for _ in range(repeats(flops)):
            result[direction].add(name, arrays, **steps, **params)
    plain = layer.stride == 1 and layer.groups == 1
    if layer.kernel in (3, 5) and plain and lanes % 16 == 0:
        for side in WINOGRAD_SIDES[layer.kernel]:
            add_winograd(result, table, repeats(flops), isa, side)
    return {
        direction: Kernel(
            program,
            repeats(flops),
            flops,
            *moved(layer, table[plain_direction(direction)][1], dx, y),
        )
        for direction, program in result.items()
    }


def moved(layer: Layer, arrays: dict, dx: np.ndarray, y: np.ndarray) -> tuple[int, int]:
    """Bytes read and written at least. dx and y are as large as x and dy without their borders."""
    outputs = ("dw", "db", "dx") if {"dw", "dx"} & set(arrays) else ("y", "index")
    sizes = {name: array.nbytes for name, array in arrays.items()}
    seen = min(1, layer.kernel / layer.stride) ** 2  # part of the pixels
    if "x" in sizes:
        sizes["x"] = int(dx.nbytes * seen)
    if "dx" in sizes:
        sizes["dy"] = y.nbytes
    written = sum(size for name, size in sizes.items() if name in outputs)
    return sum(sizes.values()) - written, written


def plain_direction(direction: str) -> str:
    """That of direct convolution: without what stands for Winograd's."""
    return direction.partition(" ")[2] if direction.startswith("W") else direction


def add_winograd(programs, table, times: int, isa: str | None, side: int) -> None:
    """The same arrays and directions by Winograd's kernels, so many times."""
    _, arrays, _ = table["d weight"]
    filters, channels, kernel = arrays["dw"].shape[:3]
    form = f"W{side + 1 - kernel}"
    for direction in ("forward", "d input", "pool forward"):
        name, bound, params = table[direction]
        own = {k: v for k, v in params.items() if not k.startswith("zero_") and k != "halo_bottom"}
        programs[f"{form} {direction}"] = program = new_program("native", isa)
        for _ in range(times):
            program.add(name.replace("conv2d", "winograd"), bound, side=side, **own)
    x, dy = arrays["x"], arrays["dy"]
    shape = dy.shape[0], dy.shape[2:4], kernel, channels, filters, dy.shape[4]
    made = {k: aligned(s) for k, s in Product("backward_weight", *shape).sums(side).items()}
    programs[f"{form} d weight"] = program = new_program("native", isa)
    for _ in range(times):
        program.add("winograd_backward_weight", {"x": x, "dy": dy, **made}, kernel=kernel)
        program.add("winograd_weight_gradient", {**made, "dw": arrays["dw"], "db": arrays["db"]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of layer names; default all layers")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--isa")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each figure")
    options = parser.parse_args()
    for threads in options.threads:
        top = fma_peak(options.isa, threads, options.seconds)
        print(f"\n{threads} threads, batch {options.batch}: peak {top:.0f} GFLOP/s")
        for layer in LAYERS:
            if options.names and not any(name in layer.name for name in options.names):
                continue
            chosen = kernels_of(layer, options.batch, options.lanes, options.isa)
            show(layer.name, chosen, top, options.isa, threads, options.seconds)


if __name__ == "__main__":
    main()
