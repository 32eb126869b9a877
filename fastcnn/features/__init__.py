"""Transformers of images for scikit-learn's pipelines."""

from fastcnn.features.augment import Augment
from fastcnn.features.cnn_features import CNNFeatures
from fastcnn.features.color_histogram import ColorHistogram
from fastcnn.features.hog import HOG
from fastcnn.features.image_loader import ImageLoader
from fastcnn.features.image_scaler import ImageScaler
from fastcnn.features.resize import Resize

__all__ = [
    "HOG",
    "Augment",
    "CNNFeatures",
    "ColorHistogram",
    "ImageLoader",
    "ImageScaler",
    "Resize",
]
