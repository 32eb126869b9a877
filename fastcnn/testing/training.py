"""Models in training: the same bits on any number of threads, saved, loaded and resumed."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback
from fastcnn.model import Model
from fastcnn.plugins.registry import layers
from fastcnn.saving import load_model
from fastcnn.sequential import Sequential
from fastcnn.testing.registered import case

SAMPLES, BATCH = 45, 8  # six steps an epoch, of which the last is smaller
EPOCHS = 9
BREAKS = (25,)  # steps after which training is saved and resumed
LOGITS = {"name": "sparse_categorical_crossentropy", "from_logits": True}


class StopAfter(Callback):
    """Ends training after so many steps in all, as Ctrl-C would."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        if self.model.optimizer.iterations >= self.steps:
            self.model.stop_training = True


@dataclass
class Course:
    """How to train: what `compile` and `fit` get. callbacks, augment: called for each training."""

    optimizer: Any = "adam"
    loss: Any = None
    metrics: Sequence[Any] = ()
    callbacks: Callable[[], list[Any]] = list
    augment: Callable[[], list[Any]] | None = None
    epochs: int = EPOCHS
    batch_size: int = BATCH
    validated: bool = False

    def compile(self, model: Model) -> Model:
        model.compile(self.optimizer, self.loss or LOGITS, metrics=self.metrics)
        return model

    def fit(self, model: Model, *more: Callback, epochs: int | None = None) -> None:
        """Until so many epochs are done: a training that was begun goes on."""
        x, y = data_for(model)
        inputs: Any = x if len(x) > 1 else x[0]
        model.fit(
            inputs,
            y,
            batch_size=self.batch_size,
            epochs=epochs or self.epochs,
            initial_epoch=model.progress.epoch,
            validation_data=(inputs, y) if self.validated else None,
            callbacks=[*self.callbacks(), *more],
            augment=None if self.augment is None else self.augment(),
            verbose=0,
        )


def data_for(model: Model) -> tuple[list[np.ndarray], np.ndarray]:
    """Random inputs of three classes, and what the model's loss takes as targets."""
    rng = np.random.default_rng(0)
    labels = np.arange(SAMPLES) % 3
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    x = [
        rng.normal(size=(SAMPLES, *shape)) + labels.reshape(-1, *[1] * len(shape))
        for shape in shapes
    ]
    as_labels = not model.losses or model.losses[0].targets == "labels"
    return [a.astype(np.float32) for a in x], labels if as_labels else np.eye(3, dtype=np.float32)[
        labels
    ]


def small_model(*stack: Any, activation: str | None = None, **options: Any) -> Model:
    """A stack of layers, or a small convolutional net, with an output for each of three classes."""
    if not stack:
        conv = layers.get("conv2d")(4, 3, activation="relu")
        stack = (conv, layers.get("batch_normalization")(momentum=0.8), layers.get("dropout")(0.2))
    ends = (layers.get("flatten")(), layers.get("dense")(3, activation=activation))
    return Sequential([*stack, *ends], (6, 5, 3), seed=1, **options)


@contextmanager
def file_of(model: Model) -> Iterator[Path]:
    """The model's file, for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        yield path


def check_predictions(make_model: Callable[..., Model]) -> None:
    """dtype, layout of inputs, files, batches."""
    model = make_model()
    x, _ = data_for(model)
    y = _predict(model, x)
    with case("prediction"):
        expected = (SAMPLES, *model.graph.output.shape)
        assert y.dtype == np.float32, f"gives {y.dtype}, not float32"
        assert y.shape == expected, f"gives {y.shape}, not {expected}"
        assert np.isfinite(y).all(), "gives numbers that are not finite"
    with case("prediction of strided, read-only input"):
        strided = [np.repeat(a, 2, axis=-1)[..., ::2] for a in x]
        for a in strided:
            a.flags.writeable = False
        before = [a.copy() for a in strided]
        _same_bits(_predict(model, strided), y)
        assert all(map(np.array_equal, strided, before)), "the input was changed"
    with case("one image at a time"):
        singles = np.concatenate([_predict(model, [a[k : k + 1] for a in x]) for k in range(5)])
        scale = max(1.0, float(np.abs(y).max()))
        np.testing.assert_allclose(singles, y[:5], rtol=0, atol=1e-4 * scale)
    with case("saved and loaded"), file_of(model) as path:
        _same_bits(_predict(load_model(path), x), y)


def _predict(model: Model, x: list[np.ndarray]) -> np.ndarray:
    return model.predict(x if len(x) > 1 else x[0])


def _same_bits(found: np.ndarray, wanted: np.ndarray) -> None:
    assert np.array_equal(found, wanted), "predictions have other bits"


def check_training(
    make_model: Callable[..., Model], course: Course | None = None, breaks: Sequence[int] = BREAKS
) -> None:
    """Threads and resuming change no bit."""
    course = course or Course()
    with case("training"):
        straight = course.compile(make_model(threads=1))
        course.fit(straight)
        for key, value in straight.get_weights().items():
            assert np.isfinite(value).all(), f"{key!r} is no longer finite"
    check_threads(make_model, course)
    for steps in breaks:
        with case(f"training, saved and resumed after {steps} steps"):
            same_weights(*_resumed(make_model, course, steps, straight))


def check_threads(make_model: Callable[..., Model], course: Course) -> None:
    wanted: dict[str, np.ndarray] = {}
    for threads in (1, 2, 3):
        with case(f"training on {threads} threads"):
            model = course.compile(make_model(threads=threads))
            course.fit(model, epochs=1)
            wanted = wanted or model.get_weights()
            same_weights(model.get_weights(), wanted)


def _resumed(
    make_model: Callable[..., Model], course: Course, steps: int, straight: Model
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Weights of a training with a break, and of the one without."""
    part = course.compile(make_model(threads=1))
    course.fit(part, StopAfter(steps))
    with file_of(part) as path:
        resumed = load_model(path, threads=1)
    same_weights(resumed.get_weights(), part.get_weights())
    course.fit(resumed)
    history, again = straight.history.history, resumed.history.history
    for key in history:
        assert key == "seconds" or history[key] == again.get(key), (
            f"the history of {key!r} is {again.get(key)}, without a break {history[key]}"
        )
    return resumed.get_weights(), straight.get_weights()


def same_weights(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    for key, value in wanted.items():
        assert np.array_equal(found[key], value), f"{key!r} has other bits"
