"""Every registered baseline: learns, repeats itself, is the same from a file."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastcnn
from fastcnn import BaselineClassifier, load_baseline
from fastcnn.errors import BackendError, DataError, OptionError, ShapeError
from fastcnn.plugins.registry import baselines, config_of, make
from tests.classical.cases import FITTED_HERE, NEEDS_OPENCV_4, images, table

X, Y = images(90)
NEW, NEW_Y = images(30, seed=1)


@pytest.fixture(autouse=True)
def budgets_may_end_before_convergence():
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def fit(name, y=Y, **options):
    return BaselineClassifier(table(name), **options).fit(X, y)


def figures(classifier, pictures=NEW):
    """Probabilities or scores."""
    method = "predict_proba" if hasattr(classifier, "predict_proba") else "decision_function"
    return getattr(classifier, method)(pictures)


@pytest.mark.parametrize("name", FITTED_HERE)
def test_it_learns_and_is_the_same_from_a_file(name, tmp_path):
    fitted = fit(name)
    assert fitted.score(NEW, NEW_Y) > 0.9
    assert (fitted.predict(NEW) == figures(fitted).argmax(axis=1)).all()
    fitted.save(tmp_path / "b.safetensors")
    loaded = load_baseline(tmp_path / "b.safetensors", threads=1)
    np.testing.assert_array_equal(figures(loaded), figures(fitted))
    np.testing.assert_array_equal(loaded.predict(NEW), fitted.predict(NEW))
    assert loaded.tuning_ == fitted.tuning_
    loaded.save(tmp_path / "again.safetensors")
    same = [(tmp_path / n).read_bytes() for n in ("b.safetensors", "again.safetensors")]
    assert same[0] == same[1]


@pytest.mark.parametrize("name", FITTED_HERE)
def test_two_classes_of_any_labels(name, tmp_path):
    names = np.array(["no", "yes"])
    fitted = fit(name, names[(Y == 1).astype(int)])
    assert set(fitted.predict(NEW)) == {"no", "yes"}
    fitted.save(tmp_path / "b")
    loaded = load_baseline(tmp_path / "b")
    np.testing.assert_array_equal(figures(loaded), figures(fitted))
    np.testing.assert_array_equal(loaded.predict(NEW), fitted.predict(NEW))


@pytest.mark.parametrize("name", ["random_forest", "sklearn_mlp"])
def test_another_seed_gives_another_classifier(name):
    assert (figures(fit(name, random_state=1)) != figures(fit(name, random_state=2))).any()


@pytest.mark.parametrize("name", baselines.names())
def test_options_make_the_same_baseline_again(name):
    made = make(baselines, table(name))
    assert config_of(make(baselines, config_of(made))) == config_of(made)
    assert set(made.grid()) == {f"classifier__{option}" for option in made.tuned}
    assert made.grid().keys() <= made.estimator(0, 1).get_params().keys()
    fixed = make(baselines, table(name, **{k: v[-1] for k, v in made.tuned.items()}))
    assert fixed.grid() == {}
    for option, values in made.tuned.items():
        assert fixed.estimator(0, 1).get_params()[f"classifier__{option}"] == values[-1]


@pytest.mark.parametrize("name", baselines.names())
def test_names_may_be_written_with_hyphens(name):
    assert baselines.get(name.replace("_", "-")) is baselines.get(name)
    assert any(cls is baselines.get(name) for cls in map(vars(fastcnn.baselines).get, PUBLIC))


PUBLIC = fastcnn.baselines.__all__


def test_no_name_is_that_of_a_network():
    from fastcnn.plugins.registry import models

    assert not {*baselines.names(), *baselines.aliases} & {*models.names(), *models.aliases}


def test_a_fixed_option_is_not_tuned():
    fitted = BaselineClassifier({"name": "hog-svm", "C": 3.0}).fit(X, Y)
    assert fitted.classifier_[-1].C == 3.0
    assert fitted.tuning_ == {
        "chosen": {},
        "images": 0,
        "folds": 0,
        "accuracy": None,
        "tried": [],
    }


def test_the_best_setting_is_fitted_to_all_images():
    fitted = BaselineClassifier("knn", tuning_size=45, random_state=5).fit(X, Y)
    tuning = fitted.tuning_
    assert (tuning["images"], tuning["folds"], len(tuning["tried"])) == (45, 3, 4)
    best = max(tuning["tried"], key=lambda tried: tried["accuracy"])
    assert tuning["chosen"] == best["settings"] and tuning["accuracy"] == best["accuracy"]
    assert fitted.classifier_[-1].n_samples_fit_ == len(X)


def test_too_few_images_are_not_tuned_on():
    fitted = BaselineClassifier("knn").fit(X[:20], Y[:20])
    assert fitted.tuning_["images"] == 0 and fitted.classifier_[-1].n_neighbors == 3
    rare = np.where(np.arange(90) == 0, 7, Y)
    assert BaselineClassifier("knn").fit(X, rare).tuning_["folds"] == 0


def test_it_is_an_estimator_of_scikit_learn():
    classifier = BaselineClassifier(table("logistic"), random_state=1)
    assert clone(classifier).get_params() == classifier.get_params()
    assert cross_val_score(classifier, X, Y, cv=3).mean() > 0.9
    rows = BaselineClassifier("hog_svm", input_shape=X.shape[1:]).fit(X.reshape(len(X), -1), Y)
    np.testing.assert_array_equal(
        rows.decision_function(NEW.reshape(len(NEW), -1)), figures(fit("hog_svm"))
    )


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (Y[:5], "5 labels for 90 images"),
        (np.zeros(90), "one class only, 0.0; expected at least two"),
    ],
)
def test_labels_that_do_not_fit(y, words):
    with pytest.raises(DataError, match=words):
        BaselineClassifier("logistic").fit(X, y)


def test_images_that_do_not_fit():
    fitted = fit("logistic")
    with pytest.raises(ShapeError, match=r"samples \(8, 8, 3\)"):
        fitted.predict(np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(DataError, match="images are float32, but those of fit were uint8"):
        fitted.predict(NEW.astype(np.float32))
    with pytest.raises(ShapeError, match="input_shape"):
        BaselineClassifier("hog_svm").fit(X.reshape(90, -1), Y)
    with pytest.raises(ValueError, match="channels must be 3, not 1"):
        BaselineClassifier("color_hist_svm").fit(X[..., :1], Y)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "hog_svm", "cells": 0}, "cells must be a positive integer up to 64, not 0"),
        ({"name": "hog_svm", "c": 1}, "available: C, cells, gamma"),
        ({"name": "hog_swm"}, "did you mean 'hog_svm'"),
        ({"name": "color_hist_svm", "space": "cmyk"}, "space must be one of hsv, lab, rgb"),
        ({"name": "hog_svm", "C": -1.0}, "hog_svm: The 'C' parameter of SVC"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises((OptionError, DataError), match=words):
        BaselineClassifier(options).fit(X, Y)


def test_too_few_folds():
    with pytest.raises(OptionError, match="tuning_folds must be at least 2"):
        BaselineClassifier("knn", tuning_folds=1).fit(X, Y)


def test_without_opencv_4_the_error_says_what_to_do(monkeypatch):
    import cv2

    monkeypatch.delattr(cv2, "ml", raising=False)
    with pytest.raises(BackendError, match=r"has no cv2\.ml: use hog_svm"):
        BaselineClassifier(table(NEEDS_OPENCV_4)).fit(X, Y)


@parametrize_with_checks(
    [BaselineClassifier({"name": "logistic", "C": 1.0}), BaselineClassifier("knn")]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
