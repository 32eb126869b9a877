"""Models that are one layer after the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.arguments import checked
from fastcnn.data.samples import check_samples
from fastcnn.engine.layer import Layer
from fastcnn.engine.network import Network
from fastcnn.engine.reader import Reader
from fastcnn.engine.symbolic import Input, SymbolicTensor, to_format
from fastcnn.errors import OptionError
from fastcnn.model import Model


class Sequential(Model):
    """A stack of layers (and of models, used as layers).

    input_shape: one sample: (height, width, channels), (length, channels) or (features,), with
        channels first if data_format is "channels_first"; or the first of `layers` is an
        `Input(...)`. Found from the data if not given.
    The other options are those of Model.
    """

    @checked
    def __init__(
        self,
        layers: Sequence[Any] = (),
        input_shape: tuple[int, ...] | None = None,
        *,
        data_format: str = "channels_last",
        seed: int = 0,
        threads: int | None = None,
        backend: str | None = None,
        winograd: bool | None = None,
        precision: str | None = None,
        dtype: str | None = None,
        check_range: bool = True,
        name: str = "model",
    ) -> None:
        self._begin(
            seed=seed,
            threads=threads,
            backend=backend,
            winograd=winograd,
            precision=precision,
            dtype=dtype,
            check_range=check_range,
            name=name,
        )
        self._stack: list[Any] = []
        self._data_format = data_format
        if layers and isinstance(layers[0], SymbolicTensor):
            if input_shape is not None:
                raise OptionError("give an Input(...) or input_shape, not both")
            self._data_format = layers[0].data_format
            input_shape = layers[0].shape[1:]  # type: ignore[assignment]
            layers = layers[1:]
        for layer in layers:
            self.add(layer)
        if input_shape is not None:
            self.build(input_shape)

    @property
    def layers(self) -> list[Any]:
        return list(self._stack)

    @property
    def data_format(self) -> str:
        return self._data_format

    def add(self, layer: Any) -> None:
        """Append a layer or a model; not after the model was built."""
        if not isinstance(layer, Layer | Network):
            raise OptionError(f"add() takes a layer, not {layer!r}")
        if self.is_connected:
            raise OptionError(
                "the model is built already: add layers before input_shape, fit or summary"
            )
        self._settle([layer] if isinstance(layer, Layer) else layer.all_layers())
        if not self._stack:
            self.readers = [[Reader(layer)]] if isinstance(layer, Layer) else list(layer.readers)
        self._stack.append(layer)

    @checked
    def build(
        self, input_shape: tuple[int, ...], weights: dict[str, np.ndarray] | None = None
    ) -> None:
        """Fix the input shape and make the parameters, with these weights or fresh ones."""
        if not self.is_connected:
            self.connect_stack(input_shape)
            self.make_parameters(weights)

    def connect_stack(self, input_shape: tuple[int, ...]) -> None:
        """Call each layer on what the one before it gives."""
        if not self._stack:
            raise OptionError("a model needs at least one layer")
        x = start = Input(input_shape, data_format=self._data_format)
        for layer in self._stack:
            x = layer(x)
        self.connect(start, x)

    def make_parameters(self, weights: dict[str, np.ndarray] | None = None) -> None:
        super().make_parameters(weights)
        if self.optimizer is not None:
            self.optimizer.reset(self.store)

    def __call__(self, given: Any) -> Any:
        if not self.is_connected and isinstance(given, SymbolicTensor):
            self._data_format = given.data_format
            self.build(given.shape[1:])  # type: ignore[arg-type]
        return super().__call__(given)

    @property
    def input_names(self) -> list[str]:
        return ["input"] if not self.is_connected else super().input_names

    @property
    def output_names(self) -> list[str]:
        return ["output"] if not self.is_connected else super().output_names

    def _images(self, name: str, xs: Sequence[Any], known: Any = None) -> Any:
        if not self.is_connected:
            _, shape, _ = check_samples(xs[0], self._data_format, None, name)
            self.build(to_format(shape, self._data_format))
        return super()._images(name, xs, known)
