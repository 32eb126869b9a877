"""Files of baselines are untrusted: whatever is wrong in one is an error, never a crash."""

import json

import numpy as np
import pytest

from fastcnn import BaselineClassifier, load_baseline, load_model
from fastcnn.errors import ModelFileError, OptionError
from fastcnn.training.model_file import read_model_file, write_model_file
from tests.classical.cases import FITTED_HERE, images, table

X, Y = images(90, size=(6, 6))
FIXED = {
    "color_hist_svm": {"C": 1.0},
    "gradient_boosting": {"max_iter": 2, "learning_rate": 0.1, "max_features": 1.0},
    "hog_color_svm": {"C": 1.0},
    "hog_svm": {"C": 1.0},
    "hog_svm_linear": {"C": 1.0},
    "knn": {"n_neighbors": 3},
    "logistic": {"C": 1.0},
    "random_forest": {"n_estimators": 3, "max_features": "sqrt"},
    "sklearn_mlp": {"alpha": 0.1, "hidden_layer_sizes": 4, "max_iter": 2},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name in FITTED_HERE:
        options = FIXED.get(name, {})
        _fit(table(name, **options)).save(folder / name)
    return {name: read_model_file(folder / name) for name in FITTED_HERE}


def _fit(options):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return BaselineClassifier(options).fit(X, Y)


def load(arrays, document, tmp_path):
    document = {k: v for k, v in document.items() if not k.startswith("format")}
    write_model_file(tmp_path / "bad", arrays, document)
    return load_baseline(tmp_path / "bad")


@pytest.mark.parametrize("name", FITTED_HERE)
def test_every_array_is_checked(name, files, tmp_path):
    """Missing, cut short, of another kind, not finite or out of range."""
    arrays, document = files[name]
    load(arrays, document, tmp_path)
    for key, array in arrays.items():
        rest = {k: v for k, v in arrays.items() if k != key}
        if array.dtype.kind == "f":
            out = np.where(np.arange(array.size).reshape(array.shape) == 0, np.nan, array)
        else:
            out = array.astype(np.int64) - 2**20
        deeper = np.zeros((*array.shape, 2), array.dtype)
        for wrong in (None, array[:-1], deeper, out):
            changed = rest if wrong is None else rest | {key: np.ascontiguousarray(wrong)}
            with pytest.raises(ModelFileError):
                load(changed, document, tmp_path)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("random_forest", "left_child", 1 << 20),
        ("random_forest", "right_child", 0),
        ("random_forest", "feature", 10_000),
        ("gradient_boosting", "left", 0),
        ("gradient_boosting", "right", 1 << 20),
        ("gradient_boosting", "feature_idx", 10_000),
    ],
)
def test_trees_end_within_themselves(name, field, value, files, tmp_path):
    """A walk that never ends, or leaves the tree or the image."""
    arrays, document = files[name]
    key = f"classifier/nodes/{field}"
    changed = arrays[key].copy()
    inner = arrays["classifier/nodes/left" + ("_child" if name == "random_forest" else "")] > 0
    changed[np.flatnonzero(inner)[0]] = value
    with pytest.raises(ModelFileError, match="a tree"):
        load(arrays | {key: changed}, document, tmp_path)


def test_counts_of_support_vectors_fit(files, tmp_path):
    arrays, document = files["hog_svm"]
    counts = arrays["classifier/n_support"] + 1
    with pytest.raises(ModelFileError, match="n_support adds up to"):
        load(arrays | {"classifier/n_support": counts}, document, tmp_path)


CHANGES = {
    "another name": ({"baseline": {"name": "os.system"}}, "unknown baseline 'os.system'"),
    "no name": ({"baseline": {}}, "needs a 'name'"),
    "no table": ({"baseline": "hog_svm"}, "lacks or garbles|dictionary"),
    "huge option": ({"baseline": {"name": "hog_svm", "orientations": 10**9}}, "up to 360"),
    "a parameter that is not tuned": ({"parameters": {"classifier__kernel": "linear"}}, "unknown"),
    "a parameter of a step": ({"parameters": {"classifier": 3}}, "unknown tuned parameter"),
    "one label": ({"labels": [1]}, "two or more"),
    "labels of two kinds": ({"labels": [1, "a", 2]}, "two or more numbers or texts"),
    "more labels": ({"labels": [0, 1, 2, 3]}, "n_support"),
    "names of other labels": ({"class_names": ["a", "b"]}, "no numbers of 2 names"),
    "huge image": ({"image_shape": [1 << 20, 1 << 20, 3]}, "image shape"),
    "empty image": ({"image_shape": [0, 4, 3]}, "image shape"),
    "another image": ({"image_shape": [32, 32, 3]}, "support_vectors"),
    "pixels": ({"pixels": "object"}, "unknown kind of pixels"),
    "tuning": ({"tuning": {"images": 3}}, "lacks or garbles 'accuracy'"),
    "seed": ({"seed": None}, "lacks or garbles"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_the_description_is_checked(case, files, tmp_path):
    arrays, document = files["hog_svm"]
    change, words = CHANGES[case]
    with pytest.raises(ModelFileError, match=words):
        load(arrays, document | {"baseline": document["baseline"] | change}, tmp_path)


def test_a_tuned_parameter_is_a_plain_value(tmp_path):
    classifier = BaselineClassifier("hog_svm").fit(X, Y)
    classifier.save(tmp_path / "b")
    arrays, document = read_model_file(tmp_path / "b")
    assert set(document["baseline"]["parameters"]) == {"classifier__C"}
    document["baseline"]["parameters"]["classifier__C"] = {"a": 1}
    with pytest.raises(ModelFileError, match="expected a number or text"):
        load(arrays, document, tmp_path)


def test_networks_and_baselines_are_told_apart(files, tmp_path):
    arrays, document = files["knn"]
    load(arrays, document, tmp_path)
    with pytest.raises(ModelFileError, match=r"holds a baseline; fastcnn\.load_baseline reads it"):
        load_model(tmp_path / "bad")
    with pytest.raises(ModelFileError, match=r"holds no baseline; fastcnn\.load_model reads"):
        load(arrays, {"model": {}}, tmp_path)


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    classifier = _fit(table("knn", n_neighbors=1))
    (tmp_path / "b").write_text("before")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ModelFileError, match="No space left"):
        classifier.save(tmp_path / "b")
    assert (tmp_path / "b").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_the_document_says_what_made_it(files):
    _, document = files["logistic"]
    assert {"fastcnn", "scikit-learn", "numpy"} == set(document["versions"])
    assert document["baseline"]["baseline"] == {"name": "logistic", "C": 1.0, "max_iter": 1000}
    json.dumps(document)


def test_a_classifier_that_nobody_keeps_is_named(tmp_path):
    from sklearn.naive_bayes import GaussianNB

    classifier = _fit(table("logistic", C=1.0))
    classifier.classifier_.steps[-1] = ("classifier", GaussianNB())
    with pytest.raises(OptionError, match=r"nothing keeps sklearn\.naive_bayes\.GaussianNB"):
        classifier.save(tmp_path / "b")
