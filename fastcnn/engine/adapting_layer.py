"""Layers whose numbers come from the training data, not from learning."""

from abc import abstractmethod

import numpy as np

from fastcnn.engine.layer import Layer, Parameter
from fastcnn.engine.parameters import ParameterStore
from fastcnn.errors import OptionError, ShapeError


class AdaptingLayer(Layer):
    """Its parameters are statistics of the data, found by `adapt` before training.

    `fit` adapts those that read the model's input and were not adapted, to the training data.
    """

    statistics: dict[str, np.ndarray] | None = None  # by parameter, once adapted

    def adapt(self, images: np.ndarray) -> None:
        """Take the statistics of images (N, C, H, W) or rows (N, F), as this layer gets them."""
        if len(images) < 2:
            raise ShapeError(
                f"{self.registered_name} adapts to 2 samples or more, not {len(images)}"
            )
        self.statistics = self._measure(np.asarray(images, np.float64))
        for name, variable in (self.variables or {}).items():
            variable.value[...] = self.statistics[name].reshape(variable.value.shape)
        ParameterStore.changed()

    @abstractmethod
    def _measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Values of all parameters."""

    def _kept(self, name: str, shape: tuple[int, ...]) -> Parameter:
        """A parameter that does not learn, with the measured values."""

        def initializer(generator: np.random.Generator, p: Parameter) -> np.ndarray:
            if self.statistics is None:
                raise OptionError(f"{self!r} has seen no data: call adapt, or fit with it in place")
            value = self.statistics[name]
            if value.size != int(np.prod(p.shape)):
                raise ShapeError(f"{self!r} was adapted to {value.shape}, here it needs {p.shape}")
            return value.reshape(p.shape)

        return Parameter(shape, initializer, trainable=False)
