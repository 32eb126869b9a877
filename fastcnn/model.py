"""Models: compile, fit, evaluate, predict, summary, save; other modules do the work."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.data.samples import as_samples
from fastcnn.data.targets import hold_out
from fastcnn.data.weights import with_classes
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.flat_order import columns_in, columns_out
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Source
from fastcnn.engine.views import Views
from fastcnn.errors import OptionError
from fastcnn.kernels.threads import resolve_threads
from fastcnn.planned_network import PlannedNetwork
from fastcnn.plugins.registry import make, optimizers
from fastcnn.training.adapting import adapt_layers
from fastcnn.training.callback_list import CallbackList, make_callbacks
from fastcnn.training.fit import Loop
from fastcnn.training.history import History, Progress
from fastcnn.training.objectives import losses_of, metrics_of
from fastcnn.training.progress import progress_callbacks
from fastcnn.training.summary import count_parameters, summary_text


class Model(PlannedNetwork):
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
    dtype: "float32", or "float64" with the reference backend.
    check_range: False takes pixels of any range, see below.
    make_parameters: False leaves that to a call of the method of that name.

    backend, winograd, precision and dtype are, if not given, those that the layers were used with
    in the first model that held them.

    Pixels: uint8 means 0..255, numbers of all other types are taken by value. The first `fit`
    decides the scale that the model wants and notes the range that it saw; the layers that read
    an input remember both (`preprocessing`), so that every model made of them has it. uint8 is
    brought to 0..1 if training saw uint8 or fractions in 0..1, and taken by value if it saw
    numbers up to 255, or if the first layer is a Rescaling or Normalization. Images far from the
    range of training are an error, vectors and sequences a warning; `check_range=False`, also set
    later on, turns that off.

    Where there are several inputs or outputs, data, losses and results are lists in their
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
        dtype: str | None = None,
        check_range: bool = True,
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
            check_range=check_range,
            name=name,
        )
        self.connect(inputs, outputs)
        if make_parameters:
            self.make_parameters()

    def _begin(self, **options: Any) -> None:
        super()._begin(**options)
        self.classes: tuple[str, ...] = ()
        self.history, self.progress = History(), Progress()
        self.stop_training, self.stop_reason = False, ""  # why a callback ended the last `fit`
        self.callbacks = CallbackList()  # of the last `fit`, with their states
        self.training_weights: dict[str, np.ndarray] | None = None  # see training/swap.py

    # ---- structure

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

        Kernels are (filters, channels / groups, height, width) or (units, features), features of
        flattened images in the order of the data format.
        """
        arrays = self.store.copies()
        return arrays | {k: columns_out(arrays[k], image) for k, image in self.columns.items()}

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Take what `get_weights` gives."""
        self.store.check(weights)
        ordered = {k: columns_in(weights[k], image) for k, image in self.columns.items()}
        self.store.load({**weights, **ordered})
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
        source = self._training_source(*parts)
        if class_weight is not None:
            output = self.graph.outputs[0].shape
            source.weights = with_classes(source, class_weight, output, self.dtype)
        if validation_data is not None:
            held_out = self._in_order(*validation_data)
        known = list(source.preprocessing)
        validation = None
        if held_out is not None:
            images, targets, weights = held_out
            validation = self._source("validation", images, targets, weights, known)
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
        self.remember(source)
        with self.store.training():
            return loop.run()

    def _validate(self, validation: Source) -> dict[str, float]:
        return {f"val_{name}": value for name, value in self._evaluate(validation).items()}

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

    def predict(self, x: Any, *, views: Views | dict | None = None) -> Any:
        """Outputs (N, units), e.g. the probability of each class, or (N, H, W, C), (N, length, C).

        A list of arrays if there are several outputs. Threads may call this at the same time.
        views: of each image, whose outputs are averaged; Views or a table, {"flip": True}.
        """
        with self._running:
            images = self._images("predicted", self._inputs(x))
            results = self._predict(images, views)
        nodes, data_format = self.graph.outputs, self.data_format
        if len(nodes) == 1:
            return as_samples(results[0], nodes[0].shape, data_format)
        pairs = zip(results, nodes, strict=True)
        return [as_samples(result, node.shape, data_format) for result, node in pairs]

    # ---- files

    def save(self, path: str | Path, *, training_state: bool = True) -> None:
        """Write one file, whole or not at all; training_state: with what `fit` needs to go on."""
        from fastcnn.saving import save_model

        save_model(self, path, training_state=training_state)

    def __reduce__(self) -> tuple[Any, ...]:
        """pickle and copy.deepcopy take what a file would hold: a copy with its own parameters."""
        from fastcnn.saving import from_bytes, to_bytes

        return from_bytes, (to_bytes(self), self.threads, self.backend, self.winograd)
