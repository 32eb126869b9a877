"""A fitted baseline with the methods of a network that the command line needs."""

import textwrap
from typing import Any

import numpy as np

from fastcnn.classical.classifier import BaselineClassifier
from fastcnn.classical.saving import arrays_of
from fastcnn.engine.baseline import Baseline
from fastcnn.engine.metric import make_metrics
from fastcnn.errors import OptionError
from fastcnn.kernels.backends import resolve_backend
from fastcnn.plugins.registry import baselines, config_of, make

SMALLEST = 1e-7  # what a probability counts as at least in the loss, as in Keras


class BaselineModel:
    """Class numbers in the order of `classes`, as in a data set; scores of all of them."""

    def __init__(self, classifier: BaselineClassifier, metrics: Any = ()) -> None:
        self.classifier = classifier
        self.metrics = make_metrics(metrics)
        self.backend = resolve_backend(None)
        self._latest: tuple[Any, Any] = (None, None)

    @property
    def baseline(self) -> Baseline:
        return make(baselines, self.classifier.baseline)

    @property
    def name(self) -> str:
        return self.baseline.registered_name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.classifier.class_names_ or tuple(map(str, self.classifier.classes_))

    @property
    def output_size(self) -> int:
        return len(self.classes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        shape = self.classifier.sample_shape_
        return shape if len(shape) == 3 else (*shape, 1)

    @property
    def has_probabilities(self) -> bool:
        return hasattr(self.classifier, "predict_proba")

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, classes): probabilities, or scores; of classes without training images the least."""
        if images is not self._latest[0]:
            self._latest = (images, self._rows(images))  # asked for twice, and slow
        return self._latest[1]

    def evaluate(self, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
        """Loss (where there are probabilities), accuracy and metrics, as of a network."""
        rows = self.predict(images)
        chosen = rows[np.arange(len(labels)), labels]
        loss = float(np.log(1 / np.maximum(chosen, SMALLEST)).mean())
        return {
            "loss": loss if self.has_probabilities else None,
            "accuracy": float((rows.argmax(axis=1) == labels).mean()),
            **{name: metric(labels, rows) for name, metric in self.metrics.items()},
        }

    def add_metrics(self, values: Any) -> None:
        self.metrics |= make_metrics(values)

    def count_params(self) -> int:
        """Numbers in its file."""
        return sum(array.size for array in arrays_of(self.classifier).values())

    def summary(self) -> str:
        size = "x".join(map(str, self.input_shape))
        tuning = self.classifier.tuning_
        accuracy = tuning["accuracy"]
        lines = [
            baseline_text(self.baseline),
            f"fitted to {size} images, {self.output_size} classes; {self.count_params():,} numbers",
        ]
        if accuracy is not None:
            lines.append(
                f"chosen: {chosen_text(tuning)} (accuracy {accuracy:.4f} on {tuning['images']:,} "
                f"training images in {tuning['folds']} folds)"
            )
        return "\n".join(lines)

    def plot(self, path: str) -> None:
        raise OptionError("a baseline has no layers to draw")

    def _rows(self, images: np.ndarray) -> np.ndarray:
        method = "predict_proba" if self.has_probabilities else "decision_function"
        found = getattr(self.classifier, method)(images.reshape(-1, *self.classifier.sample_shape_))
        if found.ndim == 1:
            found = np.stack([-found, found], axis=1)
        if not self.classifier.class_names_:
            return found
        least = 0 if self.has_probabilities else found.min() - 1
        rows = np.full((len(found), self.output_size), least, found.dtype)
        rows[:, self.classifier.classes_] = found
        return rows


def baseline_text(baseline: Baseline) -> str:
    """Name, what it is, options and steps."""
    options = config_of(baseline)
    name = options.pop("name")
    shown = ", ".join(f"{k}={_value(baseline, k, v)}" for k, v in options.items())
    *features, (_, classifier) = baseline.estimator().steps
    steps = f"{_steps_text(features)} -> {' '.join(str(classifier).split())}"
    about = (type(baseline).__doc__ or "").strip().partition("\n")[0]
    lines = [f"{name}, a classical baseline: {about}", f"options: {shown}", f"steps: {steps}"]
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="    ") for line in lines)


def _steps_text(steps: Any) -> str:
    """ "A -> (B + C -> D)" of the steps of a pipeline."""
    words = []
    for _, step in steps:
        parts = getattr(step, "transformer_list", None)
        inner = parts and " + ".join(_steps_text([part]) for part in parts)
        inner = _steps_text(step.steps) if hasattr(step, "steps") else inner
        words.append(f"({inner})" if inner else " ".join(str(step).split()))
    return " -> ".join(words)


def _value(baseline: Baseline, option: str, value: Any) -> str:
    if value is None and option in baseline.tuned:
        return f"tuned ({', '.join(map(str, baseline.tuned[option]))})"
    return str(value)


def chosen_text(tuning: dict[str, Any]) -> str:
    """ "C=10, gamma=0.1": what tuning chose."""
    return ", ".join(f"{k.partition('__')[2]}={v}" for k, v in tuning["chosen"].items())
