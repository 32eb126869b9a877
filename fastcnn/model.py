"""Models: compile, fit, evaluate, predict, summary, save; other modules do the work."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.data.samples import check_inputs, in_order
from fastcnn.data.targets import check_outputs, hold_out
from fastcnn.engine.graph import Graph
from fastcnn.engine.network import Network
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Head, Plan, Preprocessing, Source
from fastcnn.engine.python_loss import make_loss
from fastcnn.engine.regularizer import penalty_value
from fastcnn.engine.symbolic import to_format
from fastcnn.errors import OptionError
from fastcnn.kernels.threads import resolve_threads
from fastcnn.plugins.registry import make, optimizers
from fastcnn.training.callback_list import CallbackList, make_callbacks
from fastcnn.training.fit import Loop
from fastcnn.training.history import History, Progress
from fastcnn.training.progress import progress_callbacks
from fastcnn.training.summary import summary_text

EVALUATION_BATCH = 256


class Model(Network):
    """What lies between `inputs` and `outputs`: tensors that begin at `fastcnn.Input`.

    inputs, outputs: a tensor or a list of them. Layers that other models hold as well are shared:
        a layer has one set of parameters. So a model of the same inputs and an inner tensor gives
        the features of a trained one, and a model can be called like a layer.
    seed: of initial weights, shuffling and dropout.
    threads: default all cores.
    backend: "native" or "reference" (NumPy; float64 with dtype="float64").
    make_parameters: False leaves that to a call of the method of that name.

    Pixels: uint8 samples are scaled to 0..1, floats stay as they are, unless `preprocessing` is
    set. Where there are several inputs or outputs, data, losses and results are lists in their
    order, or dicts by name (`input_names`, `output_names`).
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        *,
        seed: int = 0,
        threads: int | None = None,
        backend: str = "native",
        dtype: str = "float32",
        name: str = "model",
        make_parameters: bool = True,
    ) -> None:
        self._begin(seed=seed, threads=threads, backend=backend, dtype=dtype, name=name)
        self.connect(inputs, outputs)
        if make_parameters:
            self.make_parameters()

    def _begin(
        self, *, seed: int, threads: int | None, backend: str, dtype: str, name: str
    ) -> None:
        self.seed = seed
        self.threads = threads
        self.backend = backend
        self.dtype = dtype
        self.name = name
        self.classes: tuple[str, ...] = ()
        self.optimizer: Optimizer | None = None
        self.losses: list[Any] = []
        self.loss_weights: list[float] = []
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
        self._preprocessing: list[Preprocessing] | None = None

    def make_parameters(self, weights: dict[str, np.ndarray] | None = None) -> None:
        """Unfold the graph; new layers get these weights or fresh ones, others keep theirs."""
        graph = self.unfold()
        self._store = ParameterStore(graph, self.seed, self.dtype, weights)
        self._graph = graph

    # ---- structure

    @property
    def graph(self) -> Graph:
        self.calls  # noqa: B018 - raises if the model was not built
        assert self._graph is not None
        return self._graph

    @property
    def store(self) -> ParameterStore:
        self.calls  # noqa: B018
        assert self._store is not None
        return self._store

    @property
    def data_format(self) -> str:
        return self.inputs[0].data_format

    @property
    def preprocessing(self) -> Any:
        """What is done to pixels while a batch is gathered; None until the first data are seen.

        A Preprocessing, or a list of them if there are several inputs.
        """
        if self._preprocessing is None or len(self._preprocessing) > 1:
            return self._preprocessing
        return self._preprocessing[0]

    @preprocessing.setter
    def preprocessing(self, value: Any) -> None:
        made = None if value is None else in_order(value, self.input_names, "preprocessing")
        self._preprocessing = made
        self._plans.clear()  # they hold the numbers of the old one

    @property
    def input_shape(self) -> Any:
        """Of one sample, in the model's data_format; a list if there are several inputs."""
        shapes = [to_format(node.shape, self.data_format) for node in self.graph.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_size(self) -> int:
        """Numbers in the (only) output of one sample."""
        return math.prod(self.graph.output.shape)

    def count_params(self) -> int:
        return self.store.count()

    def summary(self) -> str:
        """A table of layers: output shapes, parameters, multiply-adds and bytes of one image."""
        return summary_text(self)

    def plot(self, path: str | Path) -> None:
        """Draw the layers and what they read into a PNG, SVG or PDF file."""
        from fastcnn.training.plot import draw_model

        draw_model(self, f"{self.name}: {self.count_params():,} parameters", path)

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
        loss_weights: Any = None,
        fuse: bool = True,
    ) -> None:
        """Choose optimizer and loss, by name, {"name": ..., option: ...} or object.

        loss: for several outputs one for all, a list, or {output name: loss}; loss_weights likewise
            (default 1): the sum of weight * loss is minimised.
        fuse: let kernels take in activations and pools; the results are the same up to rounding.

        Which layers are trainable is noted here.
        """
        self.optimizer = make(optimizers, optimizer)
        self.set_losses(loss, loss_weights)
        self.fuse = fuse
        self.progress = Progress()
        self.history = History()
        self.callbacks = CallbackList()
        self.training_weights = None
        if self._graph is not None:
            self._store = ParameterStore(self._graph, self.seed, self.dtype)
            self.optimizer.reset(self._store)

    def set_losses(self, loss: Any, weights: Any = None) -> None:
        """What `compile` does with its losses; enough for `evaluate`."""
        names = self.output_names
        one = isinstance(loss, str) or not isinstance(loss, dict | list | tuple)
        if one or (isinstance(loss, dict) and "name" in loss):
            loss = [loss] * len(names)
        loss = in_order(loss, names, "loss")
        if weights is None:
            weights = [1.0] * len(names)
        weights = [float(w) for w in in_order(weights, names, "loss_weights")]
        if not all(0 <= w < math.inf for w in weights):
            raise OptionError(f"loss_weights must not be negative, not {weights}")
        self.losses, self.loss_weights = [make_loss(one) for one in loss], weights
        self._plans.clear()

    @property
    def loss(self) -> Any:
        """The loss; a list if there are several outputs; None before compile."""
        return self.losses if len(self.losses) > 1 else next(iter(self.losses), None)

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

        x: images (N, H, W, C) or (N, C, H, W) by data_format, (N, H, W) for grey; sequences
            (N, length, C); vectors (N, features); uint8 or float.
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
        if validation_data is not None and validation_split:
            raise OptionError("give validation_data or validation_split, not both")
        xs, ys = self._in_order(x, y)
        xs, ys, held_out = hold_out(xs, ys, validation_split)
        source = self._source(xs, ys, "training")
        if validation_data is not None:
            held_out = self._in_order(*validation_data)
        validation = None if held_out is None else self._source(*held_out, "validation")
        self.check_frozen()
        plan = self._plan("train", min(batch_size, len(source)))
        plan.bind(source)
        self.stop_training, self.stop_reason = False, ""
        made = make_callbacks(callbacks)
        made += progress_callbacks(verbose, made)
        self.callbacks = CallbackList(made, self.callbacks.states())
        loop = Loop(
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
            penalty=self._penalty,
            validate=None if validation is None else lambda: self._validate(validation),
            should_stop=lambda: self.stop_training,
        )
        with self.store.training():
            return loop.run()

    def check_frozen(self) -> None:
        """What `trainable` says now must be what the optimizer was made for."""
        for layer in self.all_layers():
            if layer.trainable == (layer in self.store.frozen):
                raise OptionError(
                    f"layer {layer.name!r} was {'freed' if layer.trainable else 'frozen'} after "
                    "compile: compile the model again"
                )

    def _validate(self, validation: Source) -> dict[str, float]:
        return {f"val_{name}": value for name, value in self._evaluate(validation).items()}

    def _penalty(self) -> float:
        """What the regularizers of parameters add to the loss."""
        return penalty_value(self.store, self.backend)

    # ---- using

    def evaluate(self, x: Any, y: Any) -> dict[str, float]:
        """Mean loss (with penalties) and, for classification, accuracy; as in the history."""
        if not self.losses:
            raise OptionError("compile the model before evaluate: it needs a loss")
        return self._evaluate(self._source(*self._in_order(x, y), "test"))

    def _evaluate(self, source: Source) -> dict[str, float]:
        plan = self._plan("evaluate", min(EVALUATION_BATCH, len(source)))
        plan.bind(source)
        progress, threads = Progress(), resolve_threads(self.threads)
        for start in range(0, len(source), plan.batch):
            count = plan.run(np.arange(start, min(start + plan.batch, len(source))), threads)
            progress.add(count, plan.sums())
        logs = progress.logs()
        logs["loss"] += self._penalty()
        return logs

    def predict(self, x: Any) -> Any:
        """Outputs (N, units), e.g. the probability of each class, or (N, H, W, C), (N, length, C).

        A list of arrays if there are several outputs.
        """
        source = self._source(self._in_order(x, None)[0], None, "predicted")
        plan = self._plan("predict", min(EVALUATION_BATCH, len(source)))
        plan.bind(source)
        threads = resolve_threads(self.threads)
        results = [np.empty((len(source), a.shape[1]), a.dtype) for a in plan.outputs]
        for start in range(0, len(source), plan.batch):
            count = plan.run(np.arange(start, min(start + plan.batch, len(source))), threads)
            for result, rows in zip(results, plan.outputs, strict=True):
                result[start : start + count] = rows[:count]
        shaped = [
            self._shaped(result, node.shape)
            for result, node in zip(results, self.graph.outputs, strict=True)
        ]
        return shaped[0] if len(shaped) == 1 else shaped

    def _shaped(self, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        array = rows.reshape(len(rows), *shape)
        last = self.data_format == "channels_last" and len(shape) > 1
        return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if last else array

    def _plan(self, purpose: str, batch: int) -> Plan:
        key = (purpose, batch)
        if key not in self._plans or self._plans[key].moves != self.store.moves:
            assert self._preprocessing is not None
            self._plans[key] = Plan(
                self.graph,
                self.store,
                self._preprocessing,
                batch,
                purpose,
                heads=self._heads(),
                optimizer=self.optimizer,
                backend=self.backend,
                fuse=self.fuse,
            )
        return self._plans[key]

    def _heads(self) -> list[Head]:
        parts = (self.output_names, self.graph.outputs, self.losses, self.loss_weights)
        return [Head(*part) for part in zip(*parts, strict=False)]

    # ---- data

    def _in_order(self, x: Any, y: Any) -> tuple[list[Any], Any]:
        """Arrays of inputs and of outputs, in the model's order."""
        xs = in_order(x, self.input_names, "inputs", lists_are_things=True)
        if y is None:
            return xs, None
        return xs, in_order(y, self.output_names, "targets", lists_are_things=True)

    def _source(self, xs: list[Any], ys: list[Any] | None, name: str) -> Source:
        """Checked samples and targets; the first ones fix the preprocessing."""
        shapes = [node.shape for node in self.graph.inputs]
        images = check_inputs(xs, self.input_names, shapes, self.data_format, name)
        if self._preprocessing is None:
            self._preprocessing = [_default_preprocessing(array) for array in images]
        if ys is None:
            return Source(images)
        heads, count = self._heads(), len(images[0])
        return Source(images, check_outputs(ys, count, heads, self.data_format, name, self.dtype))

    # ---- files

    def save(self, path: str | Path, *, training_state: bool = True) -> None:
        """Write the model to one file, whole or not at all.

        training_state: also what `fit` needs to go on.
        """
        from fastcnn.saving import save_model

        save_model(self, path, training_state=training_state)


def _default_preprocessing(images: np.ndarray) -> Preprocessing:
    channels = images.shape[3]
    scale = 1 / 255 if images.dtype == np.uint8 else 1.0
    return Preprocessing(np.full(channels, scale), np.zeros(channels))
