"""The logarithm of the softmax, over axis K of (B, K, H, W, L)."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op("log_softmax_forward", {"x": "B K H W L", "y": "> B K H W L"}, by_block=True),
    Op("log_softmax_backward", {"dy": "B K H W L", "y": "B K H W L", "dx": "> B K H W L"}),
)
