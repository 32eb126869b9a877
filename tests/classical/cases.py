"""Small images and settings for tests of baselines."""

import numpy as np

from fastcnn.plugins.registry import baselines

# What would take long with its defaults.
FAST = {"gradient_boosting": {"max_iter": 5}, "random_forest": {"n_estimators": 10}}
QUICK = {"sklearn_mlp": {"hidden_layer_sizes": 16, "max_iter": 20}}
NEEDS_OPENCV_4 = "hog_cv2svm"
FITTED_HERE = [name for name in baselines.names() if name != NEEDS_OPENCV_4]


def table(name, **options):
    return {"name": name, **FAST.get(name, {}), **QUICK.get(name, {}), **options}


def images(count, classes=3, size=(12, 10), seed=0):
    """uint8 colour images, whose classes differ in colour and in the direction of stripes."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    rows, columns = np.mgrid[: size[0], : size[1]]
    stripes = [rows, columns, rows + columns]
    pictures = np.stack([120 + 80 * np.sin(1.5 * stripes[label % 3]) for label in labels])
    pictures = np.repeat(pictures[..., None], 3, 3)
    pictures[np.arange(count), :, :, labels % 3] += 40
    noise = random.normal(0, 30, pictures.shape)
    return np.clip(pictures + noise, 0, 255).astype(np.uint8), labels
