"""Transformers of images for scikit-learn's pipelines."""

from fastcnn.features.color_histogram import ColorHistogram
from fastcnn.features.hog import HOG

__all__ = ["HOG", "ColorHistogram"]
