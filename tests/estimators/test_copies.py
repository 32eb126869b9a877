"""Pickle, joblib, clone, deepcopy, and processes that are forked and spawned."""

import copy
import multiprocessing
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from fastcnn import CNNClassifier, CNNRegressor
from tests.estimators.cases import NET, bars

IMAGES, LABELS = bars(48)


def by_file(estimator, folder):
    joblib.dump(estimator, folder / "estimator.joblib")
    return joblib.load(folder / "estimator.joblib")


WAYS = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "joblib": by_file,
    "deepcopy": lambda estimator, folder: copy.deepcopy(estimator),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
def test_copies_predict_and_go_on_with_the_same_bits(way, kind, tmp_path):
    first = kind(f"{NET} - dropout 0.3", epochs=2, random_state=0).fit(IMAGES, LABELS)
    second = WAYS[way](first, tmp_path)
    np.testing.assert_array_equal(second.predict(IMAGES), first.predict(IMAGES))
    for model in (first, second):
        model.partial_fit(IMAGES, LABELS)
    np.testing.assert_array_equal(second.predict(IMAGES), first.predict(IMAGES))
    assert second.n_iter_ == 3 and second.loss_curve_ == first.loss_curve_


def test_several_outputs_and_their_metrics():
    answers = np.stack([LABELS, LABELS > 0], axis=1)
    model = CNNClassifier(NET, epochs=1, random_state=0).fit(IMAGES, answers)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(IMAGES), model.predict(IMAGES))


def test_a_clone_is_not_fitted():
    model = CNNClassifier(NET, epochs=1).fit(IMAGES, LABELS)
    assert not hasattr(clone(model), "model_")
    with pytest.raises(ValueError, match="not fitted"):
        check_is_fitted(clone(model))


def test_pickles_hold_no_training_memory():
    """Weights, two moments of Adam, and little else."""
    model = CNNClassifier("dense 500 - dense 500", epochs=1).fit(IMAGES.reshape(48, 64), LABELS)
    assert len(pickle.dumps(model)) < 3 * 4 * model.model_.count_params() + 20_000


def fit_and_predict(estimator):
    """In another process: once with the estimator that came, once anew."""
    return estimator.predict(IMAGES), clone(estimator).fit(IMAGES, LABELS).predict(IMAGES)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    model = CNNClassifier(NET, epochs=2, random_state=0, n_jobs=2).fit(IMAGES, LABELS)
    with multiprocessing.get_context(method).Pool(1) as pool:
        same, anew = pool.apply_async(fit_and_predict, (model,)).get(timeout=120)
    np.testing.assert_array_equal(same, model.predict(IMAGES))
    np.testing.assert_array_equal(anew, model.predict(IMAGES))
