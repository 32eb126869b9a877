"""Larger images, by whole factors: OH / H and OW / W."""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

FORWARD = {"x": "B C H W L", "y": "> B C OH OW L"}
BACKWARD = {"dy": "B C OH OW L", "dx": "> B C H W L"}

OPS = table(
    Op("upsample2d_nearest_forward", FORWARD, check=checks.upsample2d, by_block=True),
    Op("upsample2d_nearest_backward", BACKWARD, check=checks.upsample2d),
    Op("upsample2d_bilinear_forward", FORWARD, check=checks.upsample2d, by_block=True),
    Op("upsample2d_bilinear_backward", BACKWARD, check=checks.upsample2d),
)
