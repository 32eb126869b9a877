"""Bias gradients of layers whose weight gradient comes without."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(Op("bias_backward", {"dy": "B C H W L", "db": "> C"}))
