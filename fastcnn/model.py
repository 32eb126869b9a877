"""Models: compile, fit, evaluate, predict, summary, save; other modules do the work."""

from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.arguments import checked
from fastcnn.data.batches import Batches, gives_batches, refuse_with_batches, sizes_of_arrays
from fastcnn.data.samples import as_samples
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.flat_order import columns_in, columns_out
from fastcnn.engine.layer import Layer
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.views import Views
from fastcnn.errors import OptionError, told
from fastcnn.planned_network import EVALUATION_BATCH, PlannedNetwork
from fastcnn.plugins.registry import make, optimizers
from fastcnn.training.batch import training_batch
from fastcnn.training.callback_list import CallbackList
from fastcnn.training.fit import fit
from fastcnn.training.fit_data import BATCH_SIZE
from fastcnn.training.history import History, Progress
from fastcnn.training.objectives import losses_of, metrics_of
from fastcnn.training.step import test_on_batch, train_on_batch
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

    @checked
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
        self.batch_sizes: dict[tuple[str, bool], int] = {}  # see training/step.py

    # ---- structure

    def count_params(self) -> int:
        return count_parameters(self)

    def summary(self) -> str:
        """A table of layers: output shapes, parameters, multiply-adds and bytes of one image."""
        return summary_text(self)

    @checked
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

    @checked
    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Take what `get_weights` gives: {name: array} of all parameters."""
        for name, array in weights.items():
            if np.asarray(array).dtype.kind not in "fiub":
                raise OptionError(f"the weights of {name!r} must be numbers, not {told(array)}")
        self.store.check(weights)
        ordered = {k: columns_in(weights[k], image) for k, image in self.columns.items()}
        self.store.load({**weights, **ordered})
        self.training_weights = None

    # ---- training

    @checked
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

        Losses (see losses.Custom) and metrics can be functions of (y_true, y_pred), too; `fit`
        derives the gradient, and says which outputs and targets don't go with a loss.
        loss: for several outputs one for all, a list, or {output name: loss}; loss_weights likewise
            (default 1): the sum of weight * loss is minimised.
        metrics: a list, for several outputs for all of them, or {output name: list}.
        fuse: let kernels take in activations and pools; the results are the same up to rounding.

        Which layers are trainable is noted here: a later change counts from the next `compile` on.
        An optimizer object that another model trains with is copied: each has its own state.
        """
        frozen = {layer for layer in self.all_layers() if not layer.trainable}
        self._compile(frozen, optimizer, loss, loss_weights, metrics, fuse)

    def _compile(
        self,
        frozen: Set[Layer],
        optimizer: Any,
        loss: Any,
        loss_weights: Any = None,
        metrics: Any = (),
        fuse: bool = True,
    ) -> None:
        """frozen: layers that are not trained, whatever they will say of themselves."""
        made = make(optimizers, optimizer)
        chosen = metrics_of(metrics, self.output_names)
        self.set_losses(loss, loss_weights)
        self.optimizer, self.metrics = made.given_to(self), chosen  # all or nothing is changed
        self.fuse = fuse
        self.history, self.progress = History(), Progress()
        self.callbacks = CallbackList()
        self.training_weights = None
        self.batch_sizes.clear()
        self._note_frozen(frozen)
        if self._graph is not None:
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

    @checked
    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int = BATCH_SIZE,
        epochs: int = 1,
        initial_epoch: int | None = None,
        steps_per_epoch: int | None = None,
        verbose: int | bool = 1,
        callbacks: Sequence[Any] | None = (),
        augment: Augment | Sequence[Any] | None = None,
        validation_data: Any = None,
        validation_split: float = 0.0,
        validation_steps: int | None = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> History:
        """Train for `epochs` more epochs; returns the figures of these (`history` has all).

        x: images (N, H, W, C) or (N, C, H, W) by data_format, (N, H, W) for grey; sequences
            (N, length, C); vectors (N, features); uint8 or float. Or batches (x, y) or
            (x, y, sample weights): an iterator, or a callable that makes one for each epoch, or a
            collection of batches, gone through in each epoch.
        y: class numbers (N,), or (N, K) for losses with dense targets.
        initial_epoch: the number, from 0, of the first epoch; then `epochs` is the number of the
            last one. `initial_epoch=model.progress.epoch` goes on with the training as if it had
            not been interrupted: callbacks and averaged weights stand where they stood. Otherwise
            training begins anew: from the weights that the model has, with fresh callbacks.
        steps_per_epoch: batches of an epoch, where x gives batches; default: until they end.
        validation_data: x, y and perhaps sample weights; or batches, as x.
        validation_split: the last part of the samples that is kept for validation instead.
        validation_steps: batches of a validation, where validation_data gives batches.
        verbose: 0 nothing; 1 a progress bar on a terminal, elsewhere as 2; 2 a line for each epoch.
        sample_weight: (N,): the loss is the sum of weight * loss over the samples of a batch,
            divided by their number. class_weight: {class number: weight} or "balanced", times that;
            in training only.
        augment: what is done to training images, by name, {"name": ..., option: ...} or object, one
            after the other; see Augment.
        callbacks: by name, {"name": ..., option: ...} or object.

        Epochs are counted from `compile` on, and an epoch is shuffled by its number: 5 epochs and
        then 5 more give the bits of 10 at once. An epoch that was broken off is finished first, if
        the samples are as many as then, and counts as one.
        """
        return fit(
            self,
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            verbose=verbose,
            callbacks=callbacks,
            augment=augment,
            validation_data=validation_data,
            validation_split=validation_split,
            validation_steps=validation_steps,
            shuffle=shuffle,
            sample_weight=sample_weight,
            class_weight=class_weight,
        )

    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the weights once, by this batch; its figures before that, as `evaluate` gives."""
        if self.optimizer is None:
            self.compile()
        # Only the first one is looked at as the data of a training, which may bring warnings.
        begun = any(purpose == "train" for purpose, _ in self.batch_sizes)
        name = "training batch" if begun else "training"
        return train_on_batch(self, training_batch(self, name, x, y, sample_weight))

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The figures of this batch, as `evaluate` gives."""
        self._check_losses("test_on_batch")
        return test_on_batch(self, self._batch("test", x, y, sample_weight))

    # ---- using

    @checked
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int = EVALUATION_BATCH,
        steps: int | None = None,
        sample_weight: Any = None,
        views: Views | dict | None = None,
    ) -> dict[str, Any]:
        """Mean loss (with penalties), for classification accuracy, metrics; as in the history.

        x, y: as in `fit`; steps: how many batches, where x gives batches.
        views: of the outputs that `predict` gives with them.
        """
        self._check_losses("evaluate")
        if gives_batches(x):
            own = {"y": y, "sample_weight": sample_weight, "views": views}
            refuse_with_batches(batch_size, EVALUATION_BATCH, **own)
            return self._evaluate(self._sources(Batches(x, steps, "test", "steps")), False)
        size = sizes_of_arrays(batch_size, steps, "steps", EVALUATION_BATCH)
        if views is not None:
            from fastcnn.outputs import evaluate_outputs  # it makes a model

            outputs = self.predict(x, batch_size=size, views=views)
            return evaluate_outputs(self, outputs, y, sample_weight)
        source = self._batch("test", x, y, sample_weight)
        return self._evaluate([source], False, size)

    def _check_losses(self, what: str) -> None:
        if not self.losses:
            raise OptionError(f"compile the model before {what}: it needs a loss")

    def predict(
        self,
        x: Any,
        *,
        batch_size: int = EVALUATION_BATCH,
        steps: int | None = None,
        views: Views | dict | None = None,
    ) -> Any:
        """Outputs (N, units), e.g. the probability of each class, or (N, H, W, C), (N, length, C).

        A list of arrays if there are several outputs. Threads may call this at the same time.
        x: samples, or batches of them as in `fit`, of which each may be a tuple (x, ...).
        steps: how many batches, where x gives batches.
        views: of each image, whose outputs are averaged; Views or a table, {"flip": True}.
        """
        if gives_batches(x):
            refuse_with_batches(batch_size, EVALUATION_BATCH)
            results = self._predict_batches(Batches(x, steps, "predicted", "steps"), views)
        else:
            size = sizes_of_arrays(batch_size, steps, "steps", EVALUATION_BATCH)
            with self._running:
                images = self._images("predicted", self._inputs(x))
                results = self._predict(images, views, min(size, len(images[0][0])))
        nodes, data_format = self.graph.outputs, self.data_format
        if len(nodes) == 1:
            return as_samples(results[0], nodes[0].shape, data_format)
        pairs = zip(results, nodes, strict=True)
        return [as_samples(result, node.shape, data_format) for result, node in pairs]

    # ---- files

    @checked
    def save(self, path: str | Path, *, training_state: bool = True) -> None:
        """Write one file, whole or not at all; training_state: with what `fit` needs to go on."""
        from fastcnn.saving import save_model

        save_model(self, path, training_state=training_state)

    def __reduce__(self) -> tuple[Any, ...]:
        """pickle and copy.deepcopy take what a file would hold: a copy with its own parameters."""
        from fastcnn.saving import from_bytes, to_bytes

        return from_bytes, (to_bytes(self), self.threads, self.backend, self.winograd)
