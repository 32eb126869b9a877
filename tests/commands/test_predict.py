"""`fastcnn predict` on files and folders."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fastcnn.commands import predict as module
from fastcnn.errors import DataWarning
from tests.cli_runs import folder, only_line, run, train  # noqa: F401 - a fixture
from tests.data.files import write, write_picture

NAMES = ["0.png", "a/1.png", "a/b/2.JPG", "c.bmp"]


@pytest.fixture
def photos():
    """A model, and a folder of pictures in which other files lie, too."""
    train("--epochs", 4, "--lr", 0.02, "--out", "r")
    for k, name in enumerate(NAMES):
        write_picture(Path("photos", name), np.full((9, 8), 30 + 60 * k, np.uint8))
    for name in ("._0.png", ".DS_Store", "Thumbs.db", "__MACOSX/0.png", ".cache/0.png"):
        write(Path("photos", name), b"nothing")
    return Path("photos")


def images(result):
    return [row["image"] for row in json.loads(result.stdout)]


def test_a_folder(photos, monkeypatch):
    """All pictures in it, by their names, a few at a time; hidden files don't count."""
    monkeypatch.setattr(module, "BATCH", 3)
    result = run("predict", "r", photos, "--json")
    assert sorted(images(result)) == sorted(str(photos / name) for name in NAMES)
    assert result.stderr == ""
    singly = [json.loads(run("predict", "r", path, "--json").stdout)[0] for path in images(result)]
    for row, single in zip(json.loads(result.stdout), singly, strict=True):
        assert row["image"] == single["image"]
        assert row["classes"][0]["class"] == single["classes"][0]["class"]
    both = run("predict", "r", photos / "c.bmp", photos / "a", "--json")
    assert images(both) == [str(photos / name) for name in ("c.bmp", "a/1.png", "a/b/2.JPG")]


def test_what_is_left_out_is_said(photos):
    write(photos / "notes.txt", b"text")
    write(photos / "a" / "list.txt", b"text")
    with pytest.warns(DataWarning, match=r"left out 2 files: no picture \(.*list.txt, .*notes.txt"):
        result = run("predict", "r", photos, "--json")
    assert len(images(result)) == len(NAMES)
    write(Path("empty", "x.txt"), b"text")
    line = only_line(run("predict", "r", "empty", code=1))
    assert "empty: no pictures; there lie: 1 .txt (x.txt)" in line
    assert "nowhere.png: no such file" in only_line(run("predict", "r", "nowhere.png", code=1))


def test_damaged_pictures(photos, monkeypatch):
    """All are looked at before the error; with --skip-damaged the others are predicted."""
    monkeypatch.setattr(module, "BATCH", 2)
    write(photos / "a" / "0.png", b"\x89PNG\r\n\x1a\n")
    write(photos / "d.png", b"")
    line = only_line(run("predict", "r", photos, code=1))
    assert "2 of 6 pictures can't be read: " in line
    assert "d.png" in line and "0.png" in line
    with pytest.warns(DataWarning, match="left out 1 file: "):
        result = run("predict", "r", photos, "--skip-damaged", "--json")
    assert sorted(images(result)) == sorted(str(photos / name) for name in NAMES)
    for files in (["d.png"], ["d.png", "d.png"]):
        alone = run("predict", "r", *(photos / f for f in files), "--skip-damaged", code=1)
        assert "d.png" in only_line(alone)


def test_a_table(photos):
    write_picture(photos / "=1+1.png", np.zeros((4, 4), np.uint8))
    printed = run("predict", "r", photos, "--csv", "-", "--top", 2).stdout
    rows = list(csv.reader(io.StringIO(printed)))
    assert rows[0] == ["image", "class", "probability", "class_2", "probability_2"]
    assert [row[0] for row in rows[1:]] == images(run("predict", "r", photos, "--json"))
    result = run("predict", "r", photos, "--csv", "out/table.csv", "--top", 2)
    assert Path("out/table.csv").read_text() == printed
    assert len(result.stdout.splitlines()) == len(NAMES) + 1
    result = run("predict", "r", photos, "--csv", "-", "--json", code=2)
    assert "both write to stdout" in result.stderr


@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_an_archive_is_read_like_its_folder(photos, form):
    packed = shutil.make_archive("packed", form, ".", photos)
    singly = json.loads(run("predict", "r", photos, "--json").stdout)
    rows = json.loads(run("predict", "r", packed, "--json").stdout)
    assert [row["image"] for row in rows] == [f"{packed}/{row['image']}" for row in singly]
    assert [row["classes"] for row in rows] == [row["classes"] for row in singly]


def test_what_is_no_picture_is_named(photos):
    write(Path("test.csv"), b"pixel0,pixel1\n1,2\n")
    np.savez("x.npz", x=np.zeros(3))
    for name, what in (("test.csv", "a table"), ("x.npz", "an .npz of NumPy arrays")):
        line = only_line(run("predict", "r", photos, name, code=1))
        assert f"{name} is {what}; expected pictures, or folders and archives of them" in line


def test_names_that_are_nearly_right(photos):
    line = only_line(run("predict", "r", "photo", code=1))
    assert "photo: no such file or folder; did you mean 'photos'?" in line
    Path("runs").mkdir()
    shutil.copytree("r", "runs/cats-lenet")
    line = only_line(run("predict", "runs/cat-lenet", photos, code=1))
    assert "no such model file or run folder; did you mean 'runs/cats-lenet'?" in line


def test_empty_names_mean_nothing(photos):
    """Of a variable of the shell that isn't set: neither the default nor this folder."""
    for words, code in (
        (("train", "--data", ""), 2),
        (("train", "--out", ""), 2),
        (("evaluate", "r", "--data", ""), 2),
        (("predict", "r", ""), 1),
        (("predict", "", photos), 1),
    ):
        line = only_line(run(*words, code=code))
        assert "is empty" in line or ": no such " in line


def test_files_that_are_no_model_for_training(photos):
    write(Path("m.h5"), b"\x89HDF\r\n\x1a\n" + bytes(40))
    for option in ("--model", "--resume"):
        line = only_line(run("train", option, "m.h5", code=2 if option == "--model" else 1))
        assert "m.h5 is an HDF5 file" in line
    line = only_line(run("train", "--model", "r/model.safetensors", code=2))
    assert "holds a model that is made already; expected the name of a model" in line
    line = only_line(run("train", "--resume", photos, code=1))
    assert "no run.json there, the record of a run; there lie: " in line


def test_data_of_a_run_that_moved(photos):
    record = Path("r/run.json")
    there = Path(json.loads(record.read_text())["arguments"]["data"])
    there.rename("moved.npz")
    line = only_line(run("evaluate", "r", code=1))
    assert "the data of the run, is not there: if it moved, give --data PATH" in line
    run("evaluate", "r", "--data", "moved.npz")
