"""Folders of pictures from training to prediction: parts, alpha, depth, damaged files, names."""

import json
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from fastcnn.errors import DataWarning
from fastcnn.saving import load_model
from tests.cli_runs import NET, folder, only_line, run, start  # noqa: F401
from tests.data.files import pixels, write, write_classes, write_picture


def train(*arguments, data="pets", code=0):
    base = ["train", "--data", data, "--model", "net.toml", "--epochs", 1, "--batch-size", 4]
    return run(*base, "--threads", 1, *arguments, code=code)


def record(out):
    return json.loads(Path(out, "run.json").read_text())


def parts(**counts):
    for name, each in counts.items():
        write_classes(Path("pets", name), each=each, shape=(8, 8, 3))


def test_the_validation_set_of_the_data_is_used():
    parts(train=6, valid=3, test=2)
    result = train("--json", "--out", "a", "--early-stopping", 3)
    document = json.loads(result.stdout)
    assert "12 training, 6 validation, 4 test images" in result.stderr
    assert "val_   is the validation set" in result.stderr and "flatters" not in result.stderr
    row = json.loads(Path("a/history.jsonl").read_text().splitlines()[0])
    assert row["val_loss"] == document["val_loss"] != document["test_loss"]
    assert record("a")["data"]["images"] == {"training": 12, "held_out": 6, "test": 4}
    assert record("a")["val_figures_of"] == "validation"
    counts = {"test": 4, "validation": 6, "train": 12, "all": 22}
    for part, count in counts.items():
        shown = json.loads(run("evaluate", "a", "--part", part, "--json").stdout)
        assert shown["images"] == count
    resumed = json.loads(run("train", "--resume", "a", "--epochs", 2, "--json").stdout)
    whole = json.loads(train("--json", "--early-stopping", 3, "--epochs", 2).stdout)
    assert resumed["weights_sha256"] == whole["weights_sha256"]
    line = only_line(train("--validation", 0.1, code=2))
    assert "pets has a validation set of 6 images: drop --validation 0.1" in line


def test_data_with_a_validation_set_only():
    parts(Train=6, dev=3)
    document = json.loads(train("--json", "--out", "a").stdout)
    assert document["test_accuracy"] is None and "val_accuracy" in document
    assert "validation accuracy" in train("--quiet").stdout
    shown = json.loads(run("evaluate", "a", "--json").stdout)
    assert (shown["part"], shown["images"]) == ("validation", 6)
    assert shown["accuracy"] == document["val_accuracy"]
    assert "pets has no test set" in only_line(run("evaluate", "a", "--part", "test", code=1))


def test_baselines_measure_the_validation_set():
    parts(train=6, val=3, test=2)
    document = json.loads(
        run("train", "--data", "pets", "--model", "knn", "--json", "--out", "a").stdout
    )
    assert document["val_accuracy"] >= 0 and document["test_accuracy"] >= 0
    assert record("a")["val_figures_of"] == "validation"


def test_what_exists_goes_before_a_built_in_name():
    write_classes(Path("digits"), shape=(8, 8, 3))
    with pytest.warns(DataWarning, match="digits: what lies here is read, not the built-in data"):
        document = json.loads(train("--json", "--out", "a", data="digits").stdout)
    assert document["data"] == "digits"
    assert record("a")["arguments"]["data"] == str(Path("digits").absolute())
    assert json.loads(run("evaluate", "a", "--json").stdout)["images"] == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a bare command, and a run of the built-in set, mean that
        run("train", "--epochs", 1, "--model", "net.toml", "--out", "b")
        assert json.loads(run("evaluate", "b", "--json").stdout)["images"] == 359


def icons(background_of_hidden=0):
    """Shapes that only alpha holds: a bar that lies or stands."""
    for k in range(20):
        picture = np.full((8, 8, 4), background_of_hidden, np.uint8)
        picture[..., 3] = 0
        if k % 2:
            picture[2 + k % 4 : 4 + k % 4, :, 3] = 255
        else:
            picture[:, 2 + k % 4 : 4 + k % 4, 3] = 255
        write(Path("pets", "ab"[k % 2], f"{k}.png"), cv2.imencode(".png", picture)[1].tobytes())


def predicted(model, *arguments):
    shown = json.loads(run("predict", model, *arguments, "--json").stdout)
    return [{c["class"]: c["probability"] for c in result["classes"]} for result in shown]


@pytest.mark.parametrize("background", [None, "black", "10,200,30"])
def test_icons_are_predicted_on_the_background_of_training(background):
    icons()
    options = ("--background", background) if background else ()
    if background == "black":  # on which they can't be seen: only the reading is looked at
        icons(255)
    train("--out", "a", *options)
    names = ("pets/a/0.png", "pets/b/1.png", "pets/a/4.png")
    images = np.stack([cv2.imread(name, cv2.IMREAD_UNCHANGED) for name in names])
    colour = {None: (255,) * 3, "black": (0,) * 3, "10,200,30": (10, 200, 30)}[background]
    assert record("a")["arguments"]["background"] == (background or "white")
    seen = np.where(images[..., 3:] > 0, images[..., 2::-1], np.uint8(colour))
    expected = load_model("a/model.safetensors").predict(seen)
    for row, found in zip(expected, predicted("a", *names), strict=True):
        np.testing.assert_allclose([found["a"], found["b"]], row, rtol=1e-5)
    accuracy = json.loads(run("evaluate", "a", "--part", "all", "--json").stdout)["accuracy"]
    hits = [r["a"] > 0.5 for r in predicted("a", *[f"pets/a/{k}.png" for k in range(0, 20, 2)])]
    hits += [r["b"] > 0.5 for r in predicted("a", *[f"pets/b/{k}.png" for k in range(1, 20, 2)])]
    assert np.mean(hits) == pytest.approx(accuracy)


def x_rays(largest=4095):
    for k in range(20):
        picture = pixels(8, 8, seed=k).astype(np.uint16) * 4 + (k % 2) * 2000
        picture[0, 0] = largest if k == 0 else 9
        write_picture(Path("pets", "ab"[k % 2], f"{k}.png"), picture)


def test_12_bit_pictures_are_predicted_in_the_scale_of_training():
    x_rays()
    with pytest.warns(DataWarning, match="taken as 12 bits"):
        train("--out", "a", "--epochs", 3)
    arguments = record("a")["arguments"]
    assert arguments["bits"] == 12 and record("a")["data"]["pictures"]["bits"] == 12
    names = ("pets/a/2.png", "pets/b/3.png")  # none of which holds the largest value
    images = np.stack([cv2.imread(name, cv2.IMREAD_UNCHANGED) for name in names])[..., None]
    model = load_model("a/model.safetensors")
    expected = model.predict(images.astype(np.float32) / np.float32(4095))
    for row, found in zip(expected, predicted("a", *names), strict=True):
        np.testing.assert_allclose([found["a"], found["b"]], row, rtol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert json.loads(run("evaluate", "a", "--part", "all", "--json").stdout)["images"] == 20
        resumed = json.loads(run("train", "--resume", "a", "--epochs", 4, "--json").stdout)
    assert resumed["epochs"] == 4
    Path("a/model.safetensors").rename("alone.safetensors")
    with pytest.warns(DataWarning, match="no run.json beside the model tells of such: 65,535"):
        predicted("alone.safetensors", *names)


def test_damaged_pictures_are_left_out_if_asked_for():
    write_classes(Path("pets"), each=6, shape=(8, 8, 3))
    for name in ("pets/cat/1.png", "pets/dog/2.png"):
        write(Path(name), b"hello")
    line = only_line(train(code=1))
    assert "2 of 12 pictures can't be read: cat/1.png: not a picture" in line
    with pytest.warns(DataWarning, match="left out as damaged 2 files"):
        train("--out", "a", "--skip-damaged")
    kept = record("a")
    assert kept["arguments"]["skip_damaged"] is True
    assert kept["data"]["pictures"]["damaged"].keys() == {"cat/1.png", "dog/2.png"}
    assert sum(kept["data"]["images"][part] for part in ("training", "test")) == 10
    with pytest.warns(DataWarning):
        run("evaluate", "a")
    with pytest.warns(DataWarning):
        assert json.loads(run("train", "--resume", "a", "--epochs", 2, "--json").stdout)["epochs"]
    names = ("pets/cat/0.png", "pets/cat/1.png", "pets/dog/2.png")
    write(Path("pets/x.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    line = only_line(run("predict", "a", "pets/x.heic", *names, code=1))
    assert "3 of 4 pictures" in line and "pets/x.heic: HEIC, which OpenCV" in line
    Path("pets/x.heic").unlink()
    line = only_line(run("predict", "a", *names, code=1))
    assert "2 of 3 pictures can't be read: pets/cat/1.png: not a picture" in line
    with pytest.warns(DataWarning, match=r"left out 2 files: not a .* \(pets/cat/1.png, pets/dog"):
        shown = json.loads(run("predict", "a", *names, "--skip-damaged", "--json").stdout)
    assert [result["image"] for result in shown] == ["pets/cat/0.png"]
    options = ("compare", "--data", "pets", "--models", "knn,logistic", "--folds", 2)
    assert "2 of 12 pictures" in only_line(run(*options, code=1))
    with pytest.warns(DataWarning):
        run(*options, "--skip-damaged", "--quiet")


def test_the_limit_of_pixels_is_an_option():
    write_classes(Path("pets"), shape=(8, 8, 3))
    line = only_line(train("--max-pixels", 63, code=1))
    assert "6 of 6 pictures can't be read" in line and "the limit is 63 (max_pixels)" in line
    train("--max-pixels", 64, "--out", "a")
    assert "the limit is 3" in only_line(
        run("predict", "a", "pets/cat/0.png", "--max-pixels", 3, code=1)
    )
    line = only_line(train("--background", "whit", code=2))
    assert "background 'whit'; expected white, black, grey or R,G,B" in line


def test_notes_are_lines_on_stderr():
    write_classes(Path("pets"), each=6, shape=(8, 8, 3))
    write(Path("pets/cat/notes.txt"), b"hello")
    command = ("train", "--data", "pets", "--model", "net.toml", "--epochs", "1", "--json")
    process = start("fastcnn", *command)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(output)["epochs"] == 1
    assert "pets: left out 1 file: no picture (cat/notes.txt)" in errors
