"""The estimators among scikit-learn's own tools, on images of three and four axes."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastcnn import CNNClassifier, CNNRegressor
from fastcnn.features import HOG, Augment, ImageScaler
from tests.estimators.cases import NET, bars

IMAGES, LABELS = bars(90)
ROWS = IMAGES.reshape(len(IMAGES), -1)
FAST = {"epochs": 8, "random_state": 0, "optimizer": {"name": "adam", "learning_rate": 0.02}}
CNN = CNNClassifier(NET, **FAST)
OF_ROWS = CNNClassifier(NET, input_shape=(8, 8), **FAST)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_grid_search_in_parallel(backend):
    grid = {"layers__0__filters": [2, 4], "optimizer__lr": [0.02, 1e-6]}
    alone = GridSearchCV(CNN, grid, cv=2).fit(IMAGES, LABELS)
    with parallel_config(backend, n_jobs=2):
        search = GridSearchCV(CNN, grid, cv=2).fit(IMAGES[..., None], LABELS)
    assert search.best_params_["optimizer__lr"] == 0.02
    for key in ("params", "mean_test_score"):
        np.testing.assert_array_equal(search.cv_results_[key], alone.cv_results_[key])


def test_halving_search():
    grid = {"optimizer__lr": [0.02, 1e-6, 1e-7]}
    search = HalvingGridSearchCV(CNN, grid, resource="epochs", max_resources=9, cv=2)
    assert search.fit(IMAGES, LABELS).best_params_ == {"optimizer__lr": 0.02, "epochs": 9}


def test_cross_validation_with_training_scores():
    result = cross_validate(CNN, IMAGES, LABELS, cv=3, return_train_score=True, n_jobs=2)
    assert result["test_score"].mean() > 0.7


def test_pipelines():
    for first in (ImageScaler(), Augment(["flip"], random_state=0)):
        assert make_pipeline(first, clone(CNN)).fit(IMAGES, LABELS).score(IMAGES, LABELS) > 0.7
    scaled = make_pipeline(StandardScaler(), clone(OF_ROWS)).fit(ROWS, LABELS)
    assert scaled.score(ROWS, LABELS) > 0.7


def test_calibration():
    calibrated = CalibratedClassifierCV(clone(CNN), cv=2).fit(IMAGES, LABELS)
    np.testing.assert_allclose(calibrated.predict_proba(IMAGES).sum(axis=1), 1)


@pytest.mark.parametrize("meta", [VotingClassifier, StackingClassifier])
def test_beside_hand_made_features(meta):
    hog = make_pipeline(HOG(pixels_per_cell=4, cells_per_block=2), LogisticRegression())
    both = meta([("cnn", clone(CNN)), ("hog", hog)])
    assert both.fit(IMAGES, LABELS).score(IMAGES, LABELS) > 0.7


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_permutation_importance(backend):
    """Only the corner tells: its pixel is what matters; threads share the fitted estimator."""
    rows = np.random.default_rng(0).random((200, 16), np.float32)
    model = CNNClassifier(epochs=30, random_state=0).fit(rows, rows[:, 5] > 0.5)
    with parallel_config(backend, n_jobs=2):
        found = permutation_importance(model, rows, rows[:, 5] > 0.5, random_state=0, n_repeats=3)
    assert found.importances_mean.argmax() == 5


def test_scaled_targets():
    sums = ROWS.sum(axis=1) * 1000
    scaled = TransformedTargetRegressor(
        CNNRegressor(NET, input_shape=(8, 8), **FAST), transformer=StandardScaler()
    )
    assert scaled.fit(ROWS, sums).score(ROWS, sums) > 0.5
