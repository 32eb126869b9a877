"""The whole of a comparison in Python: figures, files, going on, and what is refused."""

import json

import numpy as np
import pytest

import fastcnn
from fastcnn.errors import DataError, OptionError
from tests.compare.cheap import Broken, Nearest, Sure, images

X, Y = images()
MODELS = {"one pixel": Nearest(1), "all": Sure(16), "broken": Broken()}


def compare(out, models=MODELS, data=(X, Y), **options):
    options = {"folds": 2, "quiet": True, **options}
    return fastcnn.compare_models(data, models, out=str(out), **options)


def figures(document):
    """What does not depend on the clock."""
    names = ("test_accuracy", "train_accuracy", "macro_f1", "log_loss", "failed")
    return [[row["model"], row["size"], *(row[name] for name in names)] for row in document["rows"]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, compare(folder, sizes=[20, 45], seeds=2)


def test_rows_and_tests(whole):
    _, document = whole
    rows = {(row["model"], row["size"]): row for row in document["rows"]}
    assert [*rows] == [(model, size) for size in (20, 45) for model in MODELS]
    best = rows["all", 45]
    assert (best["runs"], best["failed"]) == (4, 0)
    accuracy = best["test_accuracy"]
    assert accuracy["low"] < accuracy["mean"] < accuracy["high"] <= 1
    assert rows["broken", 45]["test_accuracy"] is None
    assert rows["broken", 45]["errors"] == ["RuntimeError: no <b>luck</b> at all"]
    assert [(t["size"], t["first"], t["second"]) for t in document["tests"]] == [
        (20, "one pixel", "all"),
        (45, "one pixel", "all"),
    ]
    assert document["tests"][1]["p"] < 0.01
    assert "broken failed 8 times" in document["verdict"][-1]


def test_pieces_for_the_report(whole):
    _, document = whole
    counts = {entry["model"]: np.array(entry["counts"]) for entry in document["confusion"]}
    assert [*counts] == ["one pixel", "all"]
    assert counts["all"].sum() == 2 * 90
    first = document["confused"][0]["pairs"][0]
    matrix = counts["one pixel"].copy()
    np.fill_diagonal(matrix, 0)
    assert first["count"] == matrix.max() == matrix[first["true"], first["told"]]
    assert all(Y[image] == first["true"] for image in first["images"])
    recall = {(line["model"], line["class"]): line["recall"] for line in document["classes"]}
    assert recall["all", "0"] == pytest.approx(counts["all"][0, 0] / 60)
    assert document["curves"] == [{"model": "all", "size": 45, "loss": [1.0, 0.5]}]


def test_files(whole):
    folder, document = whole
    assert json.loads((folder / "results.json").read_text()) == document
    assert len(list((folder / "jobs").iterdir())) == 3 * 2 * 2 * 2
    for name in ("results.csv", "report.md", "report.html", "comparison.json"):
        assert (folder / name).stat().st_size > 100


def test_everyone_sees_the_same_splits(whole):
    folder, _ = whole
    jobs = [json.loads(path.read_text()) for path in (folder / "jobs").iterdir()]
    seen = {(j["size"], j["seed"], j["fold"], j["test_images"]) for j in jobs if "predicted" in j}
    assert len(seen) == 2 * 2 * 2


def test_going_on_adds_what_is_new(whole, tmp_path):
    first = compare(tmp_path, {"all": MODELS["all"]}, sizes=[45])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "jobs").iterdir()}
    compare(tmp_path, sizes=[20, 45], seeds=2, resume=True)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    again = compare(tmp_path, sizes=[20, 45], seeds=2, resume=True)
    assert figures(again) == figures(whole[1])
    assert figures(first)[0] != figures(again)[-2]  # one seed, two seeds


def test_other_options_of_a_model_are_another_model(tmp_path):
    compare(tmp_path, {"it": Nearest(1)})
    other = compare(tmp_path, {"it": Nearest(16)}, resume=True)
    assert figures(other) == figures(compare(tmp_path / "fresh", {"it": Nearest(16)}))


def test_one_test_set(tmp_path):
    document = compare(tmp_path, data="digits", folds=None, test=True, images=300)
    row, tests = document["rows"][1], document["tests"]
    assert (row["runs"], row["size"]) == (1, 300)
    assert row["test_accuracy"]["low"] < row["test_accuracy"]["mean"]
    assert row["macro_f1"]["low"] < row["macro_f1"]["mean"] < row["macro_f1"]["high"]
    assert row["fit_seconds"]["low"] is None
    assert tests[0]["method"] == "McNemar's exact test"
    several = compare(tmp_path / "2", data="digits", folds=None, test=True, sizes=[300], seeds=3)
    assert several["rows"][0]["runs"] == 3 and len(several["tests"]) == 1


def test_labels_of_any_kind(tmp_path):
    document = compare(tmp_path, data=(X[..., 0], np.array(["cat", "dog", "eel"])[Y]))
    assert document["data"]["classes"] == ["cat", "dog", "eel"]


def test_a_net_with_several_optimizers(tmp_path):
    models = [{"name": "digits_convnet"}]
    options = {"optimizers": ["adam", {"name": "sgd", "learning_rate": 0.1}], "epochs": 2}
    document = compare(tmp_path, models, images=60, folds=2, threads=1, **options)
    assert [row["model"] for row in document["rows"]] == [
        "digits_convnet + adam",
        "digits_convnet + sgd:learning_rate=0.1",
    ]
    assert [len(curve["loss"]) for curve in document["curves"]] == [2, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": []}, "no models"),
        ({"models": ["hog-svn"]}, "did you mean 'hog_svm'"),
        ({"models": ["knn", "knn"]}, "'knn' is there twice"),
        ({"models": [{"name": "knn", "size": 3}]}, "unknown option of baseline 'knn' 'size'"),
        ({"models": ["knn"], "optimizers": ["adam"]}, "compared on one CNN; the models are knn"),
        ({"models": ["lenet5"], "optimizers": ["adan"]}, "did you mean 'adam'"),
        ({"test": True}, "exclude each other"),
        ({"folds": 31}, "expected 2 to 30"),
        ({"sizes": [46]}, r"3 \(the classes\) to 45"),
        ({"sizes": [20, 20]}, "has one twice"),
        ({"seeds": 0}, "seeds 0; expected a whole number"),
        ({"budget": "soon"}, "no duration"),
        ({"address": "a:1"}, "needs a backend"),
        ({"size": [20]}, "unknown option of compare 'size'; did you mean 'sizes'"),
    ],
)
def test_what_is_refused(options, words, tmp_path):
    with pytest.raises(OptionError, match=words):
        compare(tmp_path / "x", **options)
    assert not (tmp_path / "x").exists()


def test_no_test_set():
    with pytest.raises(DataError, match="has no test set: use folds"):
        fastcnn.compare_models((X, Y), MODELS, test=True, quiet=True)


def test_a_folder_holds_one_comparison(tmp_path):
    models = {"it": Nearest()}
    compare(tmp_path, models)
    with pytest.raises(OptionError, match="holds a comparison already"):
        compare(tmp_path, models)
    with pytest.raises(OptionError, match="was compared with folds 2, not 3"):
        compare(tmp_path, models, folds=3, resume=True)
    with pytest.raises(DataError, match="has changed"):
        compare(tmp_path, models, data=(X + 1, Y), resume=True)
    with pytest.raises(OptionError, match="resume needs out"):
        fastcnn.compare_models((X, Y), models, resume=True)
    with pytest.raises(DataError, match="expected the folder of a comparison"):
        compare(tmp_path / "none", models, resume=True)
