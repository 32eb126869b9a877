"""Layers whose numbers come from the training data, not from learning."""

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from fastcnn.engine.layer import Layer, Parameter
from fastcnn.engine.parameters import ParameterStore
from fastcnn.errors import OptionError, ShapeError

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.stage import Stage


class AdaptingLayer(Layer):
    """Its parameters are statistics of the data, found by `adapt` before training.

    `fit` adapts those that read the model's input and were not adapted, to the training data.
    Until then the parameters are NaN, and no plan can be made with them.
    """

    statistics: dict[str, np.ndarray] | None = None  # by parameter, once adapted

    def adapt(self, images: np.ndarray) -> None:
        """Take the statistics of images (N, C, H, W) or rows (N, F), as this layer gets them."""
        if len(images) < 2:
            raise ShapeError(
                f"{self.registered_name} adapts to 2 samples or more, not {len(images)}"
            )
        self.statistics = self._measure(np.asarray(images, np.float64))
        for name, value in self.statistics.items():
            if self.variables:
                kept = self.variables[name].value
                kept[...] = value.reshape(kept.shape)
        ParameterStore.changed()

    @abstractmethod
    def _measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Values of all parameters that do not learn."""

    def needs_data(self) -> bool:
        """Whether it is in a model and was never adapted, there or before it was saved."""
        return any(np.isnan(v.value).any() for v in (self.variables or {}).values())

    def _kept(self, name: str, shape: tuple[int, ...]) -> Parameter:
        """A parameter that does not learn, with the measured values."""

        def initializer(generator: np.random.Generator, p: Parameter) -> np.ndarray:
            if self.statistics is None:
                return np.full(p.shape, np.nan)
            value = self.statistics[name]
            if value.size != int(np.prod(p.shape)):
                raise ShapeError(f"{self!r} was adapted to {value.shape}, here it needs {p.shape}")
            return value.reshape(p.shape)

        return Parameter(shape, initializer, trainable=False)

    def measured(self, build: "Builder", stage: "Stage", name: str) -> np.ndarray:
        """A kept parameter in a plan."""
        value = build.parameter(stage, name)
        if np.isnan(value).any():
            raise OptionError(f"{self!r} has seen no data: call adapt, or fit with it in place")
        return value
