"""The check for baselines."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.engine.baseline import CLASSIFIER, Baseline
from fastcnn.plugins.registry import baselines
from fastcnn.testing.registered import case, checking, options_of

TRAINING, NEW = 90, 30  # images
RIGHT = 0.6  # share of new images; a guess has 0.33
ROUNDING = 1e-4


def check_baseline(baseline: Any) -> None:
    """Raise an AssertionError that says what is wrong with a baseline.

    baseline: a name, {"name": ..., option: ...} or an object. It is fitted to small images of three
    classes, which differ in colour and in the direction of stripes.

    - `estimator` is a scikit-learn pipeline whose last step is the classifier; `grid` names
      parameters of it, and none that was given
    - its features learn nothing but the shape of an image
    - it learns; strided and read-only images are taken and not changed; one image at a time has
      the figures that it has among others
    - the same bits with 1, 2 and 3 threads, and from a file, which holds no pickle
    """
    with checking(baselines, baseline) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few images may not converge
        _check_pipeline(made)
        _check_features(made)
        _check_fitted(made)


def _check_pipeline(made: Baseline) -> None:
    pipeline = made.estimator(0, 1)
    name, last = pipeline.steps[-1]
    assert name == CLASSIFIER, f"the last step is called {name!r}, not {CLASSIFIER!r}"
    assert hasattr(last, "predict_proba") or hasattr(last, "decision_function"), (
        "the classifier has neither predict_proba nor decision_function"
    )
    unknown = sorted(made.grid().keys() - pipeline.get_params().keys())
    assert not unknown, f"grid names parameters that the pipeline does not have: {unknown}"


def _check_features(made: Baseline) -> None:
    from sklearn.pipeline import Pipeline

    (x, _), (other, _) = pictures(NEW), pictures(NEW, seed=2)
    found = [Pipeline(made.features(1)).fit(images).transform(x) for images in (x, 255 - other)]
    assert np.array_equal(*found), "an image's features depend on those that they were fitted to"


def _check_fitted(made: Baseline) -> None:
    (x, y), (new, new_y) = pictures(TRAINING), pictures(NEW, seed=1)
    fitted = _fitted(made, x, y, threads=1)
    wanted = _figures(fitted, new)
    right = float((fitted.predict(new) == new_y).mean())
    assert right >= RIGHT, f"it says {right:.0%} of new images right, a guess would say 33 %"
    for threads in (2, 3):
        with case(f"{threads} threads"):
            _same(_figures(_fitted(made, x, y, threads), new), wanted)
    with case("strided, read-only images"):
        strided = np.repeat(new, 2, axis=2)[:, :, ::2]
        strided.flags.writeable = False
        _same(_figures(fitted, strided), wanted)
        assert np.array_equal(strided, new), "the images were changed"
    with case("one image at a time"):
        single = np.concatenate([_figures(fitted, new[k : k + 1]) for k in range(3)])
        np.testing.assert_allclose(single, wanted[:3], rtol=ROUNDING, atol=ROUNDING)
    with case("saved and loaded"):
        _same(_figures(_from_file(fitted), new), wanted)


def _fitted(made: Baseline, x: np.ndarray, y: np.ndarray, threads: int) -> Any:
    from fastcnn.classical.classifier import BaselineClassifier

    return BaselineClassifier(options_of(made), random_state=3, n_jobs=threads).fit(x, y)


def _from_file(fitted: Any) -> Any:
    from fastcnn.classical.saving import load_baseline

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "baseline.safetensors"
        fitted.save(path)
        return load_baseline(path, threads=1)


def _figures(fitted: Any, images: np.ndarray) -> np.ndarray:
    """Probabilities or scores."""
    method = "predict_proba" if hasattr(fitted, "predict_proba") else "decision_function"
    return np.asarray(getattr(fitted, method)(images))


def _same(found: np.ndarray, wanted: np.ndarray) -> None:
    assert np.array_equal(found, wanted), "probabilities or scores have other bits"


def pictures(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 colour images (count, 12, 10, 3), and their classes 0, 1, 2."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    rows, columns = np.mgrid[:12, :10]
    stripes = np.stack([rows, columns, rows + columns])[labels]
    grey = 120 + 80 * np.sin(1.5 * stripes) + rng.normal(0, 30, stripes.shape)
    images = np.repeat(grey[..., None], 3, axis=3)
    images[np.arange(count), :, :, labels] += 40
    return np.clip(images, 0, 255).astype(np.uint8), labels
