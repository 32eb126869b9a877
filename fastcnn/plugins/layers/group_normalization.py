"""Group normalisation."""

from typing import Any, Unpack

from fastcnn.engine.layer import Shape
from fastcnn.engine.normalization_layer import AffineOptions, PerImageNormalization
from fastcnn.engine.options import positive
from fastcnn.engine.stage import Stage
from fastcnn.errors import ShapeError
from fastcnn.plugins.registry import layers


@layers.register("group_normalization")
class GroupNormalization(PerImageNormalization):
    """y = act(gamma (x - mean) / sqrt(var + epsilon) + beta), over pixels and a group of channels

    The channels (or features) are split into `groups` of neighbours; each image has statistics of
    its own for each group. groups=-1: one channel each (instance normalisation, Ulyanov et al.
    2016); groups=1: all together. gamma and beta are one number for each channel. (Wu and He 2018.)
    """

    kernel = "group_norm"

    def __init__(
        self, groups: int = 32, epsilon: float = 1e-3, **options: Unpack[AffineOptions]
    ) -> None:
        super().__init__(epsilon, **options)
        self.groups = groups if groups == -1 else positive("groups (or -1)", groups)

    def _groups(self, shape: Shape) -> int:
        return shape[0] if self.groups == -1 else self.groups

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if shape[0] % self._groups(shape):
            raise ShapeError(f"{shape[0]} channels can't be split into {self.groups} groups")
        return shape

    def own_params(self, shape: Shape) -> dict[str, Any]:
        return {"groups": self._groups(shape)}

    def statistics_shape(self, stage: Stage) -> tuple[int, ...]:
        """One for each group of each image."""
        return stage.x.shape[0], self._groups(stage.x.sample), stage.x.shape[4]
