"""Public face: every built-in loss."""

from fastcnn.plugins.losses.categorical_crossentropy import CategoricalCrossentropy
from fastcnn.plugins.losses.mean_squared_error import MeanSquaredError
from fastcnn.plugins.losses.sparse_categorical_crossentropy import SparseCategoricalCrossentropy

__all__ = ["CategoricalCrossentropy", "MeanSquaredError", "SparseCategoricalCrossentropy"]
