"""Public face: every built-in baseline."""

from fastcnn.plugins.baselines.color_hist_svm import ColorHistSVM
from fastcnn.plugins.baselines.gradient_boosting import GradientBoosting
from fastcnn.plugins.baselines.hog_color_svm import HogColorSVM
from fastcnn.plugins.baselines.hog_cv2svm import HogCV2SVM
from fastcnn.plugins.baselines.hog_svm import HogSVM
from fastcnn.plugins.baselines.hog_svm_linear import HogSVMLinear
from fastcnn.plugins.baselines.knn import KNN
from fastcnn.plugins.baselines.logistic import Logistic
from fastcnn.plugins.baselines.random_forest import RandomForest
from fastcnn.plugins.baselines.sklearn_mlp import SklearnMLP

__all__ = [
    "KNN",
    "ColorHistSVM",
    "GradientBoosting",
    "HogCV2SVM",
    "HogColorSVM",
    "HogSVM",
    "HogSVMLinear",
    "Logistic",
    "RandomForest",
    "SklearnMLP",
]
