"""Models: compile, fit, evaluate, predict, summary, save; other modules do the work."""

import math
from collections.abc import Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from fastcnn.data.samples import as_samples, check_inputs, in_order
from fastcnn.data.targets import check_outputs, hold_out
from fastcnn.data.weights import check_weights, with_classes
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.network import Network
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Preprocessing, Source
from fastcnn.engine.regularizer import penalty_value
from fastcnn.engine.symbolic import to_format
from fastcnn.engine.views import Views
from fastcnn.errors import OptionError
from fastcnn.kernels.backends import resolve_backend, resolve_precision, resolve_winograd
from fastcnn.kernels.threads import resolve_threads
from fastcnn.plugins.registry import make, optimizers
from fastcnn.training.adapting import adapt_layers
from fastcnn.training.callback_list import CallbackList, make_callbacks
from fastcnn.training.fit import Loop
from fastcnn.training.history import History, Progress
from fastcnn.training.objectives import losses_of, metrics_of
from fastcnn.training.progress import progress_callbacks
from fastcnn.training.scores import scores
from fastcnn.training.summary import count_parameters, summary_text

EVALUATION_BATCH = 256


class Model(Network):
    """What lies between `inputs` and `outputs`: tensors that begin at `fastcnn.Input`.

    inputs, outputs: a tensor or a list of them. Layers that other models hold as well are shared:
        a layer has one set of parameters. So a model of the same inputs and an inner tensor gives
        the features of a trained one, and a model can be called like a layer.
    seed: of initial weights, shuffling and dropout.
    threads: default all cores.
    backend: "native" (C), "numba" or "reference" (NumPy; float64 with dtype="float64"); default
        FASTCNN_BACKEND, else native, where the package was built without a compiler numba.
    winograd: False computes 3x3 and 5x5 convolutions directly, with smaller rounding errors, where
        Winograd's algorithm would be faster; default FASTCNN_WINOGRAD (0 or 1), else True.
    precision: "bf16" rounds the factors in convolutions and dense layers to 8 bits where that is
        faster, in training and prediction; sums, parameters and all else stay float32. Default
        FASTCNN_PRECISION, else "float32". A model's file remembers it.
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
        backend: str | None = None,
        winograd: bool | None = None,
        precision: str | None = None,
        dtype: str = "float32",
        name: str = "model",
        make_parameters: bool = True,
    ) -> None:
        self._begin(
            seed=seed,
            threads=threads,
            backend=backend,
            winograd=winograd,
            precision=precision,
            dtype=dtype,
            name=name,
        )
        self.connect(inputs, outputs)
        if make_parameters:
            self.make_parameters()

    def _begin(
        self,
        *,
        seed: int,
        threads: int | None,
        backend: str | None,
        winograd: bool | None,
        precision: str | None,
        dtype: str,
        name: str,
    ) -> None:
        self.seed, self.threads = seed, threads
        self.backend = resolve_backend(backend)
        self.winograd = resolve_winograd(winograd)
        self.precision = resolve_precision(precision, self.backend, dtype)
        self.dtype, self.name = dtype, name
        self.classes: tuple[str, ...] = ()
        self.optimizer: Optimizer | None = None
        self.losses: list[Any] = []
        self.loss_weights: list[float] = []
        self.metrics: list[dict[str, Any]] = []  # by name, for each output
        self.fuse = True
        self.history, self.progress = History(), Progress()
        self.stop_training, self.stop_reason = False, ""  # why a callback ended the last `fit`
        self.callbacks = CallbackList()  # of the last `fit`, with their states
        self.training_weights: dict[str, np.ndarray] | None = None  # see training/swap.py
        self._graph: Graph | None = None
        self._store: ParameterStore | None = None
        self._plans: dict[tuple, Plan] = {}
        self._running = RLock()  # plans have one set of buffers
        self._preprocessing: list[Preprocessing] | None = None

    def make_parameters(self, weights: dict[str, np.ndarray] | None = None) -> None:
        """Unfold the graph; new layers get these weights or fresh ones, others keep theirs."""
        graph = self.unfold()
        self._store = ParameterStore(graph, self.seed, self.dtype, weights)
        self._graph = graph

    # ---- structure

    @property
    def graph(self) -> Graph:
        if self._graph is None:
            self.calls  # noqa: B018 - raises if the model was not built
        assert self._graph is not None
        return self._graph

    @property
    def store(self) -> ParameterStore:
        if self._store is None:
            self.calls  # noqa: B018
        assert self._store is not None
        return self._store

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
        return count_parameters(self)

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
        metrics: Any = (),
        fuse: bool = True,
    ) -> None:
        """Choose optimizer, loss and metrics, by name, {"name": ..., option: ...} or object.

        Losses (see losses.Custom) and metrics can be functions of (y_true, y_pred), too.
        loss: for several outputs one for all, a list, or {output name: loss}; loss_weights likewise
            (default 1): the sum of weight * loss is minimised.
        metrics: a list, for several outputs for all of them, or {output name: list}.
        fuse: let kernels take in activations and pools; the results are the same up to rounding.

        Which layers are trainable is noted here.
        """
        self.optimizer = make(optimizers, optimizer)
        self.set_losses(loss, loss_weights)
        self.metrics = metrics_of(metrics, self.output_names)
        self.fuse = fuse
        self.history, self.progress = History(), Progress()
        self.callbacks = CallbackList()
        self.training_weights = None
        if self._graph is not None:
            if self.store.refrozen():
                self._store = ParameterStore(self._graph, self.seed, self.dtype)
            self.optimizer.reset(self.store)

    def set_losses(self, loss: Any, weights: Any = None) -> None:
        """What `compile` does with its losses; enough for `evaluate`."""
        self.losses, self.loss_weights = losses_of(loss, weights, self.output_names)
        self._plans.clear()

    def add_metrics(self, metrics: Any) -> None:
        """More metrics, given as to `compile`; a new one takes the place of one with its name."""
        more = metrics_of(metrics, self.output_names)
        pairs = zip(self.metrics or [{} for _ in more], more, strict=True)
        self.metrics = [old | new for old, new in pairs]
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
        augment: Augment | Sequence[Any] | None = None,
        validation_data: tuple[Any, ...] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> History:
        """Train until `epochs` epochs are done since `compile`, those of earlier calls included.

        x: images (N, H, W, C) or (N, C, H, W) by data_format, (N, H, W) for grey; sequences
            (N, length, C); vectors (N, features); uint8 or float.
        y: class numbers (N,), or (N, K) for losses with dense targets.
        validation_data: x, y and perhaps sample weights.
        validation_split: the last part of the samples that is kept for validation instead.
        verbose: 0 nothing; 1 a progress bar on a terminal, elsewhere as 2; 2 a line for each epoch.
        sample_weight: (N,): the loss is the sum of weight * loss over the samples of a batch,
            divided by their number. class_weight: {class number: weight} or "balanced", times that;
            in training only.
        augment: what is done to training images, by name, {"name": ..., option: ...} or object, one
            after the other; see Augment.
        callbacks: by name, {"name": ..., option: ...} or object. Those of an earlier call of this
            training go on where they stood; `compile` begins a new one.
        """
        if self.optimizer is None:
            self.compile()
        if batch_size < 1 or epochs < 0:
            raise OptionError(f"batch_size ({batch_size}) and epochs ({epochs}) must be positive")
        if validation_data is not None and validation_split:
            raise OptionError("give validation_data or validation_split, not both")
        parts, held_out = hold_out(self._in_order(x, y, sample_weight), validation_split)
        source = self._source("training", *parts)
        if class_weight is not None:
            output = self.graph.outputs[0].shape
            source.weights = with_classes(source, class_weight, output, self.dtype)
        if validation_data is not None:
            held_out = self._in_order(*validation_data)
        validation = None if held_out is None else self._source("validation", *held_out)
        self.store.check_frozen()
        adapt_layers(self, source)
        batch, augment = min(batch_size, len(source)), Augment.of(augment)
        plan = self._plan("train", batch, bool(source.weights), augment)
        plan.bind(source)
        self.stop_training, self.stop_reason = False, ""
        made = make_callbacks(callbacks)
        made += progress_callbacks(verbose, made)
        self.callbacks = CallbackList(made, self.callbacks.states())
        loop = Loop(
            model=self,
            plan=plan,
            targets=source.targets,
            optimizer=self.optimizer,
            seed=self.seed,
            threads=resolve_threads(self.threads),
            epochs=epochs,
            shuffle=shuffle,
            callbacks=self.callbacks,
            history=self.history,
            progress=self.progress,
            penalty=self.penalty,
            validate=None if validation is None else lambda: self._validate(validation),
            should_stop=lambda: self.stop_training,
        )
        with self.store.training():
            return loop.run()

    def _validate(self, validation: Source) -> dict[str, float]:
        return {f"val_{name}": value for name, value in self._evaluate(validation).items()}

    def penalty(self) -> float:
        """What the regularizers of parameters add to the loss."""
        return penalty_value(self.store, self.backend)

    # ---- using

    def evaluate(
        self, x: Any, y: Any, *, sample_weight: Any = None, views: Views | dict | None = None
    ) -> dict[str, Any]:
        """Mean loss (with penalties), for classification accuracy, metrics; as in the history.

        views: of the outputs that `predict` gives with them.
        """
        if not self.losses:
            raise OptionError("compile the model before evaluate: it needs a loss")
        if views is not None:
            from fastcnn.outputs import evaluate_outputs  # it makes a model

            return evaluate_outputs(self, self.predict(x, views=views), y, sample_weight)
        source = self._source("test", *self._in_order(x, y, sample_weight))
        return self._evaluate(source, only_scalars=False)

    def _evaluate(self, source: Source, only_scalars: bool = True) -> dict[str, Any]:
        plan = self._plan("evaluate", min(EVALUATION_BATCH, len(source)), bool(source.weights))
        plan.bind(source)
        progress, threads = Progress(), resolve_threads(self.threads)
        for start in range(0, len(source), plan.batch):
            count = plan.run_from(start, threads)
            progress.add(count, plan.sums(), plan.rows(count))
        logs: dict[str, Any] = progress.logs()
        logs["loss"] += self.penalty()
        order = np.arange(len(source))
        return logs | scores(plan.heads, progress, source.targets, order, only_scalars)

    def predict(self, x: Any, *, views: Views | dict | None = None) -> Any:
        """Outputs (N, units), e.g. the probability of each class, or (N, H, W, C), (N, length, C).

        A list of arrays if there are several outputs. Threads may call this at the same time.
        views: of each image, whose outputs are averaged; Views or a table, {"flip": True}.
        """
        with self._running:
            images = self._images("predicted", self._inputs(x))
            batch = min(EVALUATION_BATCH, len(images[0]))
            if views is None:
                results = self._outputs(self._plan("predict", batch), images)
            else:
                results = self._mean_outputs(batch, images, Views.of(views))
        nodes, data_format = self.graph.outputs, self.data_format
        if len(nodes) == 1:
            return as_samples(results[0], nodes[0].shape, data_format)
        pairs = zip(results, nodes, strict=True)
        return [as_samples(result, node.shape, data_format) for result, node in pairs]

    def _outputs(self, plan: Plan, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Of all samples: rows of each output."""
        plan.bind_images(images)
        threads = resolve_threads(self.threads)
        if plan.samples == plan.batch:  # no time for more than this where there is one image
            plan.run_from(0, threads)
            return [rows.copy() for rows in plan.outputs]
        results = [np.empty((plan.samples, a.shape[1]), a.dtype) for a in plan.outputs]
        for start in range(0, plan.samples, plan.batch):
            count = plan.run_from(start, threads)
            for result, rows in zip(results, plan.outputs, strict=True):
                result[start : start + count] = rows[:count]
        return results

    def _mean_outputs(
        self, batch: int, images: Sequence[np.ndarray], views: Views
    ) -> list[np.ndarray]:
        """The weighted mean of the outputs of these views."""
        plan = self._plan("predict", batch, augment=views.weighted[0][1])
        total: list[np.ndarray] = []
        for weight, view in views.weighted:
            plan.show(view)
            parts = [weight * rows for rows in self._outputs(plan, images)]
            if not total:
                total = parts
                continue
            for sums, rows in zip(total, parts, strict=True):
                sums += rows
        return total

    def _plan(
        self, purpose: str, batch: int, weighted: bool = False, augment: Augment | None = None
    ) -> Plan:
        key = (purpose, batch, weighted, augment)
        plan = self._plans.get(key)
        if plan is None or plan.moves != self.store.moves:
            assert self._preprocessing is not None
            plan = self._plans[key] = Plan(
                self.graph,
                self.store,
                self._preprocessing,
                batch,
                purpose,
                heads=self._heads(weighted),
                augment=augment,
                optimizer=self.optimizer,
                backend=self.backend,
                fuse=self.fuse,
                winograd=self.winograd,
                precision=self.precision,
            )
        return plan

    def _heads(self, weighted: bool) -> list[Head]:
        outputs = (self.output_names, self.graph.outputs)
        metrics = self.metrics or [{} for _ in self.losses]
        parts = (*outputs, self.losses, self.loss_weights, metrics)
        return [Head(*part, weighted=weighted) for part in zip(*parts, strict=False)]

    # ---- data

    def _inputs(self, x: Any) -> list[Any]:
        """Arrays of inputs in the model's order."""
        if not isinstance(x, dict) and (not self.is_connected or len(self.inputs) == 1):
            return [x]
        return in_order(x, self.input_names, "inputs", lists_are_things=True)

    def _in_order(self, x: Any, y: Any = None, weights: Any = None) -> list[list[Any]]:
        """Arrays of inputs, of outputs and of their weights, in the model's order."""
        parts = [self._inputs(x)]
        for given, what in ((y, "targets"), (weights, "sample weights")):
            order = (self.output_names, what)
            parts.append([] if given is None else in_order(given, *order, lists_are_things=True))
        return parts

    def _images(self, name: str, xs: Sequence[Any]) -> list[np.ndarray]:
        """Checked samples; the first ones fix the preprocessing."""
        shapes = [node.shape for node in self.graph.inputs]
        images = check_inputs(xs, self._input_names, shapes, self.data_format, name)
        if self._preprocessing is None:
            self._preprocessing = [Preprocessing.of(array) for array in images]
        return images

    def _source(
        self, name: str, xs: Sequence[Any], ys: Sequence[Any], weights: Sequence[Any]
    ) -> Source:
        """Checked samples and targets."""
        images = self._images(name, xs)
        if not ys:
            return Source(images)
        heads, count = self._heads(bool(weights)), len(images[0])
        targets = check_outputs(ys, count, heads, self.data_format, name, self.dtype)
        return Source(images, targets, check_weights(weights, count, heads, name, self.dtype))

    # ---- files

    def save(self, path: str | Path, *, training_state: bool = True) -> None:
        """Write one file, whole or not at all; training_state: with what `fit` needs to go on."""
        from fastcnn.saving import save_model

        save_model(self, path, training_state=training_state)

    def __reduce__(self) -> tuple[Any, ...]:
        """pickle and copy.deepcopy take what a file would hold: a copy with its own parameters."""
        from fastcnn.saving import from_bytes, to_bytes

        return from_bytes, (to_bytes(self), self.threads, self.backend, self.winograd)
