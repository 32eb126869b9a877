"""What y means: the outputs of the model that learns it, and the way there and back."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelEncoder

from fastcnn.errors import ShapeError
from fastcnn.estimators.network import Output

Arrays = list[np.ndarray]
TINY = np.finfo(np.float32).tiny  # below any probability that is not 0 in float32


class Targets(ABC):
    """outputs: of the model; loss: the usual one, for each output; names: of its classes."""

    outputs: list[Output]
    loss: str
    names: tuple[str, ...] = ()

    @abstractmethod
    def encode(self, y: np.ndarray) -> Arrays:
        """For each output what its loss takes."""

    @abstractmethod
    def predict(self, outputs: Arrays) -> np.ndarray:
        """y from the model's outputs (n, units)."""

    def strata(self, y: np.ndarray) -> np.ndarray:
        """Numbers of groups (n,) that are to be held out in proportion."""
        return np.zeros(len(y), np.int64)


class ClassTargets(Targets):
    """What a classifier learns."""

    classes: Any  # the estimator's classes_

    @property
    def columns(self) -> list[np.ndarray]:
        """The classes of each column of y."""
        return [self.classes]

    @abstractmethod
    def probabilities(self, outputs: Arrays) -> Any:
        """predict_proba, from the model's outputs."""

    @abstractmethod
    def decision(self, outputs: Arrays) -> Any:
        """decision_function, from the model's outputs."""


class Classes(ClassTargets):
    """One of several classes."""

    loss = "sparse_categorical_crossentropy"

    def __init__(self, y: np.ndarray) -> None:
        self.encoder = LabelEncoder().fit(y)
        self.classes = self.encoder.classes_
        self.names = tuple(map(str, self.classes.tolist()))
        self.outputs = [Output(len(self.classes), "softmax")]

    def encode(self, y: np.ndarray) -> Arrays:
        return [self.encoder.transform(y).astype(np.int64)]

    def strata(self, y: np.ndarray) -> np.ndarray:
        return self.encode(y)[0]

    def probabilities(self, outputs: Arrays) -> np.ndarray:
        """(n, classes) float64, each row with the sum 1."""
        values = outputs[0].astype(np.float64)
        return values / values.sum(axis=1, keepdims=True)

    def decision(self, outputs: Arrays) -> np.ndarray:
        """Logarithms of the probabilities; of two classes the log-odds (n,) of the second."""
        logs = np.log(np.maximum(self.probabilities(outputs), TINY))
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def predict(self, outputs: Arrays) -> np.ndarray:
        return self.classes[outputs[0].argmax(axis=1)]


class Labels(ClassTargets):
    """Any number of labels at once: y (n, labels) of 0 and 1."""

    loss = "binary_crossentropy"

    def __init__(self, y: np.ndarray) -> None:
        self.classes = np.arange(y.shape[1])
        self.outputs = [Output(y.shape[1], "sigmoid")]

    @property
    def columns(self) -> list[np.ndarray]:
        return [np.arange(2)] * len(self.classes)

    def encode(self, y: np.ndarray) -> Arrays:
        _check_width(y, len(self.classes))
        return [y.astype(np.float32)]

    def probabilities(self, outputs: Arrays) -> np.ndarray:
        """(n, labels) float64, each for itself."""
        return outputs[0].astype(np.float64)

    def decision(self, outputs: Arrays) -> np.ndarray:
        """Log-odds (n, labels)."""
        p = self.probabilities(outputs)
        return np.log(np.maximum(p, TINY)) - np.log(np.maximum(1 - p, TINY))

    def predict(self, outputs: Arrays) -> np.ndarray:
        return (outputs[0] > 0.5).astype(np.int64)


class SeveralClasses(ClassTargets):
    """Several questions, each with one of several classes: y (n, questions)."""

    loss = Classes.loss

    def __init__(self, columns: list[np.ndarray]) -> None:
        self.parts = [Classes(column) for column in columns]
        self.classes = [part.classes for part in self.parts]
        self.outputs = [output for part in self.parts for output in part.outputs]

    @property
    def columns(self) -> list[np.ndarray]:
        return self.classes

    def encode(self, y: np.ndarray) -> Arrays:
        _check_width(y, len(self.parts))
        return [part.encode(column)[0] for part, column in zip(self.parts, y.T, strict=True)]

    def probabilities(self, outputs: Arrays) -> list[np.ndarray]:
        """A list of (n, classes), one for each question."""
        pairs = zip(self.parts, outputs, strict=True)
        return [part.probabilities([output]) for part, output in pairs]

    def decision(self, outputs: Arrays) -> list[np.ndarray]:
        pairs = zip(self.parts, outputs, strict=True)
        return [part.decision([output]) for part, output in pairs]

    def predict(self, outputs: Arrays) -> np.ndarray:
        pairs = zip(self.parts, outputs, strict=True)
        return np.stack([part.predict([output]) for part, output in pairs], axis=1)


class Numbers(Targets):
    """Numbers (n,) or (n, numbers)."""

    loss = "mean_squared_error"

    def __init__(self, y: np.ndarray) -> None:
        self.width = 0 if y.ndim == 1 else y.shape[1]
        self.outputs = [Output(max(1, self.width), "linear")]

    def encode(self, y: np.ndarray) -> Arrays:
        _check_width(y, self.width)
        return [y.reshape(len(y), -1).astype(np.float32)]

    def predict(self, outputs: Arrays) -> np.ndarray:
        values = outputs[0].astype(np.float64)
        return values if self.width else values[:, 0]


def _check_width(y: np.ndarray, width: int) -> None:
    got = 0 if y.ndim == 1 else y.shape[1]
    if got != width:
        raise ShapeError(f"y has {got or 'no'} columns, but the model was made for {width or 'no'}")
