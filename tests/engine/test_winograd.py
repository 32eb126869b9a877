"""Which tiles Winograd's convolution takes, and the sums of its weight gradient."""

import pytest

from fastcnn.engine.algorithms import Winograd
from fastcnn.engine.winograd import Product


@pytest.mark.parametrize(
    ("channels", "filters", "size", "batch", "lanes", "side"),
    [
        (64, 64, 32, 128, 16, 6),
        (64, 64, 2, 256, 16, 4),  # of 6 x 6, most of a tile would lie beyond the image
        (256, 256, 6, 64, 16, 4),  # as many multiplications, fewer weights to pack
        (256, 256, 7, 64, 16, 6),
        (64, 64, 15, 1, 1, 6),
        (128, 128, 4, 1, 1, 4),
        (256, 256, 7, 1, 1, 4),  # transformed weights of 6 x 6 are read from memory
        (256, 256, 14, 1, 1, 6),
    ],
)
def test_tiles_for_a_shape(channels, filters, size, batch, lanes, side):
    blocks = -(-batch // lanes)
    shape = (size, size), 3, channels, filters, lanes
    product = Product("forward", blocks, *shape, training=lanes > 1)
    assert product.side() == side
    assert product.gain() > Winograd.LEAST_GAIN


@pytest.mark.parametrize(
    ("channels", "filters", "size", "blocks", "side", "shares"),
    [
        (16, 16, 32, 8, 6, 8),
        (24, 40, 16, 8, 6, 8),
        (64, 64, 32, 8, 6, 1),  # sums larger than half of L2
        (64, 64, 2, 32, 4, 8),
        (16, 16, 8, 3, 6, 3),  # at least four tiles each
        (16, 16, 4, 3, 6, 1),
    ],
)
def test_shares_of_the_weight_gradient(channels, filters, size, blocks, side, shares):
    product = Product("backward_weight", blocks, (size, size), 3, channels, filters)
    shapes = product.sums(side)
    assert shapes["sums"] == (shares, side**2, channels, -(-filters // 16) * 16)
    assert shapes["bias_sums"] == (shares, filters)
