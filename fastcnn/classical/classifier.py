"""A baseline as a scikit-learn estimator of images."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fastcnn.classical.interruptible import interruptible
from fastcnn.classical.tuning import Tuning, tune
from fastcnn.classical.workers import in_chunks, limited
from fastcnn.engine.baseline import Baseline
from fastcnn.errors import DataError, FastcnnError
from fastcnn.features.samples import check_X
from fastcnn.features.seeds import random_of
from fastcnn.features.threads import threads_of
from fastcnn.plugins.registry import baselines, make


class BaselineClassifier(ClassifierMixin, BaseEstimator):
    """Tunes a registered baseline within the training images, then fits it to all of them.

    baseline: a name, {"name": ..., option: ...}, or an object of `fastcnn.baselines`.
    tuning_size: how many images, at most, settings are compared on, each class in proportion.
    tuning_folds: of the cross-validation among these; the smallest class has to fill them.
    input_shape: (H, W) or (H, W, C), the image in a flat row.
    random_state: of folds, and of classifiers that use chance.
    n_jobs: threads; None is all that joblib and threadpoolctl allow. Results do not depend on it.

    Fitted: classes_, tuning_ (what was chosen and how well each setting did), features_ and
    classifier_ (pipelines of scikit-learn), sample_shape_, n_features_in_; class_names_ is what
    the command line calls classes whose labels are numbers.
    """

    def __init__(
        self,
        baseline: str | dict[str, Any] | Baseline = "hog_svm",
        *,
        tuning_size: int = 2000,
        tuning_folds: int = 3,
        input_shape: tuple[int, ...] | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.baseline = baseline
        self.tuning_size = tuning_size
        self.tuning_folds = tuning_folds
        self.input_shape = input_shape
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> "BaselineClassifier":
        """X: images (n, H, W) or (n, H, W, C), uint8 or floats; y: labels (n,), of any kind.

        Ctrl-C ends it at once; only the process' end waits for what a C library was doing then.
        """
        images = check_X(self, X, reset=True)
        codes = self._codes(y, len(images))
        self.pixels_ = images.dtype.name
        self.class_names_: tuple[str, ...] = ()
        baseline = make(baselines, self.baseline)
        try:
            self._learn(baseline, images, codes)
        except FastcnnError:
            raise
        except ValueError as error:
            raise DataError(f"{baseline.registered_name}: {error}") from error
        return self

    def _learn(self, baseline: Baseline, images: np.ndarray, codes: np.ndarray) -> None:
        """Compute features, choose among settings, fit; an interrupt ends it between these too."""
        seed, threads = self._seed(), threads_of(self.n_jobs)
        self.features_ = Pipeline(baseline.features(threads))
        self.classifier_ = Pipeline(baseline.classifier(seed, threads))
        settings = Tuning(baseline.grid(), self.tuning_size, self.tuning_folds, seed)
        rows: list[np.ndarray] = []

        def choose() -> None:
            jobs = 1 if baseline.threaded else threads
            with limited(threads, self.tuning_size * rows[0].shape[1]):
                self.tuning_ = tune(self.classifier_, settings, rows[0], codes, jobs)

        def fit() -> None:
            with limited(threads, rows[0].size):
                self.classifier_.set_params(**self.tuning_["chosen"])
                self.classifier_.fit(rows[0], codes)

        interruptible(lambda: rows.append(self.features_.fit_transform(images)), choose, fit)

    def predict(self, X: Any) -> np.ndarray:
        """Labels (n,)."""
        codes = self._apply("predict", X)
        return self.classes_[codes]

    @available_if(lambda self: _last_step_has(self, "predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes), in the order of classes_."""
        return self._apply("predict_proba", X)

    @available_if(lambda self: _last_step_has(self, "decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Scores (n, classes), the larger the likelier; (n,) of the second of two classes."""
        return self._apply("decision_function", X)

    def save(self, path: str | Path) -> None:
        """Write it to one file, without pickle; `fastcnn.load_baseline` reads it."""
        from fastcnn.classical.saving import save_baseline

        save_baseline(self, path)

    def _codes(self, y: Any, count: int) -> np.ndarray:
        """Class numbers; sets classes_."""
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        if len(y) != count:
            raise DataError(f"{len(y):,} labels for {count:,} images; expected one per image")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"labels of one class only, {self.classes_[0]}; expected at least two")
        return codes

    def _seed(self) -> int:
        """For scikit-learn, which takes 32 bits."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state) % 2**32
        return int(random_of(self.random_state).randint(2**31))

    def _apply(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self, "classes_")
        images = check_X(self, X, reset=False)
        if images.dtype != self.pixels_:
            raise DataError(f"images are {images.dtype}, but those of fit were {self.pixels_}")
        threads = threads_of(self.n_jobs)
        apply = getattr(self.classifier_, method)
        return interruptible(lambda: in_chunks(apply, self.features_, images, threads))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _last_step_has(estimator: BaselineClassifier, method: str) -> bool:
    if hasattr(estimator, "classifier_"):
        return hasattr(estimator.classifier_, method)
    steps = make(baselines, estimator.baseline).classifier(0, None)
    return hasattr(steps[-1][1], method)
