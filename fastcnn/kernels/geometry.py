"""Sizes, paddings and halos of convolutions and pools. Pairs are (vertical, horizontal)."""

Pair = tuple[int, int]
Border = tuple[int, int, int, int]  # top, bottom, left, right


def extent(kernel: int, dilation: int = 1) -> int:
    """Pixels from the first to the last tap of a kernel."""
    return (kernel - 1) * dilation + 1


def output_size(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> int:
    """Windows that fit into a (padded) length; 0 if none does."""
    return max(0, (size - extent(kernel, dilation)) // stride + 1)


def same_padding(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> Pair:
    """(before, after) for an output of ceil(size / stride); the odd pixel is after, as in Keras."""
    total = max((-(-size // stride) - 1) * stride + extent(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def gradient_reach(size: int, kernel: int, stride: int, dilation: int, pad: int) -> Pair | None:
    """First and last output position that the input gradient of `size` pixels reads; None if none.

    Positions before 0 and after the last output belong to the halo of the output gradient.
    """
    reached = [
        (i + pad - dilation * k) // stride
        for i in {*range(min(stride, size)), *range(max(0, size - stride), size)}
        for k in range(kernel)
        if (i + pad - dilation * k) % stride == 0
    ]
    return (min(reached), max(reached)) if reached else None


def gradient_halo(
    size: Pair, output: Pair, kernel: Pair, stride: Pair, dilation: Pair, pad: Pair
) -> Border:
    """Zero border (top, bottom, left, right) that conv2d_backward_input needs around dy.

    size: of the unpadded input; output: of the convolution's output; pad: (top, left).
    """
    halo: list[int] = []
    for n, out, k, s, d, p in zip(size, output, kernel, stride, dilation, pad, strict=True):
        first, last = gradient_reach(n, k, s, d, p) or (0, 0)
        halo += [max(0, -first), max(0, last - (out - 1))]
    return halo[0], halo[1], halo[2], halo[3]
