"""Public face: every built-in loss, and what own ones are made of."""

from fastcnn.engine.python_loss import Custom, PythonLoss
from fastcnn.plugins.losses.binary_crossentropy import BinaryCrossentropy
from fastcnn.plugins.losses.binary_focal_crossentropy import BinaryFocalCrossentropy
from fastcnn.plugins.losses.categorical_crossentropy import CategoricalCrossentropy
from fastcnn.plugins.losses.categorical_focal_crossentropy import CategoricalFocalCrossentropy
from fastcnn.plugins.losses.categorical_hinge import CategoricalHinge
from fastcnn.plugins.losses.cosine_similarity import CosineSimilarity
from fastcnn.plugins.losses.dice import Dice
from fastcnn.plugins.losses.hinge import Hinge
from fastcnn.plugins.losses.huber import Huber
from fastcnn.plugins.losses.kl_divergence import KLDivergence
from fastcnn.plugins.losses.log_cosh import LogCosh
from fastcnn.plugins.losses.mean_absolute_error import MeanAbsoluteError
from fastcnn.plugins.losses.mean_absolute_percentage_error import MeanAbsolutePercentageError
from fastcnn.plugins.losses.mean_squared_error import MeanSquaredError
from fastcnn.plugins.losses.mean_squared_logarithmic_error import MeanSquaredLogarithmicError
from fastcnn.plugins.losses.multi_class_hinge import MultiClassHinge
from fastcnn.plugins.losses.poisson import Poisson
from fastcnn.plugins.losses.sparse_categorical_crossentropy import SparseCategoricalCrossentropy
from fastcnn.plugins.losses.squared_hinge import SquaredHinge

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Custom",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "MultiClassHinge",
    "Poisson",
    "PythonLoss",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]
