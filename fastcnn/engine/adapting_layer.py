"""Layers whose numbers come from the training data, not from learning."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from fastcnn.engine.layer import Layer, Parameter
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.engine.reader import Reader
from fastcnn.errors import OptionError, ShapeError, unknown

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.stage import Stage


class AdaptingLayer(Layer):
    """Its parameters are statistics of the data, found by `adapt` before training.

    `fit` adapts those that read the model's input and were not adapted, to the training data.
    Until then the parameters are NaN, and no plan can be made with them.
    """

    statistics: dict[str, np.ndarray] | None = None  # by parameter, once adapted

    def adapt(self, x: Any, *, data_format: str | None = None) -> None:
        """Take the statistics of samples, given as `fit` takes them.

        x: images (N, H, W, C), grey ones (N, H, W), sequences (N, length, C) if the layer was
            called on one, or rows (N, F); uint8 or other numbers, which are taken by value.
        data_format: that of the tensor the layer was called on, else "channels_last".
        """
        samples = np.asarray(x)
        if samples.dtype.kind not in "fiub" or samples.ndim not in (2, 3, 4):
            raise ShapeError(
                f"adapt takes images, sequences or rows of numbers, not {samples.dtype} "
                f"{samples.shape}"
            )
        reader = Reader(self)
        pixels = reader.preprocessing
        if pixels is None or pixels.is_plain:
            pixels = Preprocessing.of(samples, self.scales_pixels)
            reader.remember(pixels)
        scale, offset = pixels.factors(samples.dtype)
        self.take(self._channels_first(samples, data_format), scale, offset)

    def _channels_first(self, samples: np.ndarray, data_format: str | None) -> np.ndarray:
        """(N, C, H, W), (N, C, length) or (N, F)."""
        called = self.calls[0].inputs[0] if self.calls else None
        if data_format is None:
            data_format = "channels_last" if called is None else called.data_format
        if data_format not in ("channels_last", "channels_first"):
            raise unknown("data_format", data_format, ("channels_last", "channels_first"))
        is_grey = samples.ndim == 3 and (called is None or len(called.sample) == 3)
        if is_grey:
            return samples[:, None]
        is_last = samples.ndim > 2 and data_format == "channels_last"
        return np.moveaxis(samples, -1, 1) if is_last else samples

    def take(self, samples: np.ndarray, scale: Any = 1.0, offset: Any = 0.0) -> None:
        """The statistics of samples (N, C, ...), each channel times scale plus offset."""
        if len(samples) < 2:
            raise ShapeError(
                f"{self.registered_name} adapts to 2 samples or more, not {len(samples)}"
            )
        by_channel = (-1, *(1,) * (samples.ndim - 2))
        factors = (np.reshape(a, by_channel) for a in (scale, offset))
        self.statistics = self._measure(samples * next(factors) + next(factors))
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
