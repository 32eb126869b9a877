"""Sequential models: compile, fit, evaluate, predict, summary, save; other modules do the work."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.data.images import check_images
from fastcnn.data.targets import check_targets, hold_out
from fastcnn.engine.graph import Graph
from fastcnn.engine.layer import Layer
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Preprocessing, Source
from fastcnn.engine.python_loss import make_loss
from fastcnn.engine.regularizer import penalty_value
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.backends import resolve_backend
from fastcnn.kernels.threads import resolve_threads
from fastcnn.plugins.registry import make, optimizers
from fastcnn.training.callback_list import CallbackList, make_callbacks
from fastcnn.training.fit import Loop
from fastcnn.training.history import History, Progress
from fastcnn.training.progress import progress_callbacks
from fastcnn.training.summary import summary_text

EVALUATION_BATCH = 256


class Sequential:
    """A stack of layers.

    input_shape: one image, (height, width, channels), or (channels, height, width) with
        data_format="channels_first"; found from the data if not given.
    seed: of initial weights, shuffling and dropout.
    threads: default all cores.
    backend: "native" (C), "numba" or "reference" (NumPy; float64 with dtype="float64"); default
        FASTCNN_BACKEND, else native, where the package was built without a compiler numba.

    Pixels: uint8 images are scaled to 0..1, floats stay as they are, unless `preprocessing` is set.
    """

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        input_shape: tuple[int, ...] | None = None,
        *,
        data_format: str = "channels_last",
        seed: int = 0,
        threads: int | None = None,
        backend: str | None = None,
        dtype: str = "float32",
        name: str = "model",
    ) -> None:
        self.layers: list[Layer] = []
        self.data_format = data_format
        self.seed = seed
        self.threads = threads
        self.backend = resolve_backend(backend)
        self.dtype = dtype
        self.name = name
        self.classes: tuple[str, ...] = ()
        self.optimizer: Optimizer | None = None
        self.loss: Any = None
        self.fuse = True
        self.history = History()
        self.progress = Progress()
        self.stop_training = False
        self.stop_reason = ""  # of the last `fit`, if a callback ended it
        self.callbacks = CallbackList()  # of the last `fit`, with their states
        self.training_weights: dict[str, np.ndarray] | None = None  # see training/swap.py
        self._graph: Graph | None = None
        self._store: ParameterStore | None = None
        self._plans: dict[tuple[str, int], Plan] = {}
        self._preprocessing: Preprocessing | None = None
        for layer in layers:
            self.add(layer)
        if input_shape is not None:
            self.build(input_shape)

    # ---- structure

    def add(self, layer: Layer) -> None:
        """Append a layer; not after the model was built."""
        if not isinstance(layer, Layer):
            raise OptionError(f"add() takes a layer, not {layer!r}")
        if self._graph is not None:
            raise OptionError(
                "the model is built already: add layers before input_shape, fit or summary"
            )
        self.layers.append(layer)

    def build(
        self, input_shape: tuple[int, ...], weights: dict[str, np.ndarray] | None = None
    ) -> None:
        """Fix the input shape and make the parameters, with these weights or fresh ones."""
        if self._graph is not None:
            return
        shape = tuple(int(n) for n in input_shape)
        if len(shape) != 3:
            raise ShapeError(
                f"input_shape must have three axes (see data_format), not {input_shape}"
            )
        if self.data_format == "channels_last":
            shape = (shape[2], shape[0], shape[1])
        graph = Graph.chain(shape, self.layers)
        self._store = ParameterStore(graph, self.seed, self.dtype, weights)
        self._graph = graph
        if self.optimizer is not None:
            self.optimizer.reset(self._store)

    @property
    def graph(self) -> Graph:
        if self._graph is None:
            raise OptionError(
                "the model has no input shape yet: give input_shape, or call fit or build"
            )
        return self._graph

    @property
    def store(self) -> ParameterStore:
        self.graph  # noqa: B018 - raises if the model was not built
        assert self._store is not None
        return self._store

    @property
    def preprocessing(self) -> Preprocessing | None:
        """What is done to pixels while a batch is gathered; None until the first data are seen."""
        return self._preprocessing

    @preprocessing.setter
    def preprocessing(self, value: Preprocessing | None) -> None:
        self._preprocessing = value
        self._plans.clear()  # they hold the numbers of the old one

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one image, in the model's data_format."""
        channels, height, width = self.graph.input.shape
        last = self.data_format == "channels_last"
        return (height, width, channels) if last else (channels, height, width)

    @property
    def output_size(self) -> int:
        return math.prod(self.graph.output.shape)

    def count_params(self) -> int:
        return self.store.count()

    def summary(self) -> str:
        """A table of layers: output shapes, parameters, multiply-adds and bytes of one image."""
        return summary_text(self.name, self.graph, self.data_format)

    def get_weights(self) -> dict[str, np.ndarray]:
        """Copies of all parameters by name.

        Kernels are (filters, channels / groups, height, width) or (units, features).
        """
        return {key: value.copy() for key, value in self.store.items()}

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        self.store.load(weights)
        self.training_weights = None

    # ---- training

    def compile(
        self,
        optimizer: str | dict | Optimizer = "adam",
        loss: Any = "sparse_categorical_crossentropy",
        *,
        fuse: bool = True,
    ) -> None:
        """Choose optimizer and loss, by name, {"name": ..., option: ...} or object.

        fuse: let kernels take in activations and pools; the results are the same up to rounding.
        """
        self.optimizer = make(optimizers, optimizer)
        self.loss = make_loss(loss)
        self.fuse = fuse
        self.progress = Progress()
        self.history = History()
        self.callbacks = CallbackList()
        self.training_weights = None
        self._plans.clear()
        if self._store is not None:
            self.optimizer.reset(self._store)

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Sequence[Any] = (),
        validation_data: tuple[Any, Any] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
    ) -> History:
        """Train until `epochs` epochs are done since `compile`, those of earlier calls included.

        x: images (N, H, W, C) or (N, C, H, W) by data_format, (N, H, W) for grey, uint8 or float.
        y: class numbers (N,), or (N, K) for losses with dense targets.
        validation_split: the last part of x, y that is kept for validation instead.
        verbose: 0 nothing; 1 a progress bar on a terminal, elsewhere as 2; 2 a line for each epoch.
        callbacks: by name, {"name": ..., option: ...} or object. Those of an earlier call of this
            training go on where they stood; `compile` begins a new one.
        """
        if self.optimizer is None:
            self.compile()
        if batch_size < 1 or epochs < 0:
            raise OptionError(f"batch_size ({batch_size}) and epochs ({epochs}) must be positive")
        x, y, validation_data = hold_out(x, y, validation_data, validation_split)
        source = self._source(x, y, "training")
        validation = (
            None
            if validation_data is None
            else self._source(x=validation_data[0], y=validation_data[1], name="validation")
        )
        plan = self._plan("train", min(batch_size, len(source)))
        plan.bind(source)
        self.stop_training, self.stop_reason = False, ""
        made = make_callbacks(callbacks)
        made += progress_callbacks(verbose, made)
        self.callbacks = CallbackList(made, self.callbacks.states())
        return Loop(
            model=self,
            plan=plan,
            optimizer=self.optimizer,
            seed=self.seed,
            threads=resolve_threads(self.threads),
            epochs=epochs,
            shuffle=shuffle,
            callbacks=self.callbacks,
            history=self.history,
            progress=self.progress,
            with_accuracy=self._with_accuracy,
            penalty=self._penalty,
            validate=None if validation is None else lambda: self._validate(validation),
            should_stop=lambda: self.stop_training,
        ).run()

    @property
    def _with_accuracy(self) -> bool:
        return self.loss.classifies

    def _validate(self, validation: Source) -> dict[str, float]:
        return {f"val_{name}": value for name, value in self._evaluate(validation).items()}

    def _penalty(self) -> float:
        """What the regularizers of parameters add to the loss."""
        return penalty_value(self.store, self.backend)

    # ---- using

    def evaluate(self, x: Any, y: Any) -> dict[str, float]:
        """Mean loss (with penalties) and, for classification, accuracy."""
        if self.loss is None:
            raise OptionError("compile the model before evaluate: it needs a loss")
        return self._evaluate(self._source(x, y, "test"))

    def _evaluate(self, source: Source) -> dict[str, float]:
        plan = self._plan("evaluate", min(EVALUATION_BATCH, len(source)))
        plan.bind(source)
        progress, threads = Progress(), resolve_threads(self.threads)
        for start in range(0, len(source), plan.batch):
            count = plan.run(np.arange(start, min(start + plan.batch, len(source))), threads)
            progress.add(count, *plan.sums())
        logs = progress.logs(self._with_accuracy)
        logs["loss"] += self._penalty()
        return logs

    def predict(self, x: Any) -> np.ndarray:
        """Outputs (N, units), e.g. the probability of each class."""
        source = self._source(x, None, "images")
        plan = self._plan("predict", min(EVALUATION_BATCH, len(source)))
        plan.bind(source)
        assert plan.outputs is not None
        threads = resolve_threads(self.threads)
        result = np.empty((len(source), plan.outputs.shape[1]), plan.outputs.dtype)
        for start in range(0, len(source), plan.batch):
            count = plan.run(np.arange(start, min(start + plan.batch, len(source))), threads)
            result[start : start + count] = plan.outputs[:count]
        return result

    def _plan(self, purpose: str, batch: int) -> Plan:
        key = (purpose, batch)
        if key not in self._plans:
            assert self.preprocessing is not None
            self._plans[key] = Plan(
                self.graph,
                self.store,
                self.preprocessing,
                batch,
                purpose,
                loss=self.loss,
                optimizer=self.optimizer,
                backend=self.backend,
                fuse=self.fuse,
            )
        return self._plans[key]

    def _source(self, x: Any, y: Any, name: str) -> Source:
        """Checked images and targets; the first ones fix input shape and preprocessing."""
        images = check_images(x, self.data_format, name=f"{name} images")
        channels = images.shape[3]
        if self._graph is None:
            last = self.data_format == "channels_last"
            self.build(images.shape[1:] if last else (channels, *images.shape[1:3]))
        if (channels, *images.shape[1:3]) != self.graph.input.shape:
            raise ShapeError(
                f"{name} images are {images.shape[1:]} (H, W, C), the model takes "
                f"{self.graph.input.shape[1:]} with {self.graph.input.shape[0]} channels"
            )
        if self.preprocessing is None:
            scale = 1 / 255 if images.dtype == np.uint8 else 1.0
            self.preprocessing = Preprocessing(np.full(channels, scale), np.zeros(channels))
        if y is None:
            return Source(images)
        return Source(
            images, check_targets(y, len(images), self.loss, self.output_size, name, self.dtype)
        )

    # ---- files

    def save(self, path: str | Path, *, training_state: bool = True) -> None:
        """Write the model to one file, whole or not at all.

        training_state: also what `fit` needs to go on.
        """
        from fastcnn.saving import save_model

        save_model(self, path, training_state=training_state)
