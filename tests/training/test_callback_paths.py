"""Callbacks of files write into the run's folder and nowhere else; those of users anywhere."""

import json
from pathlib import Path

import pytest

from fastcnn import callbacks
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks as registry
from fastcnn.recipes import load
from fastcnn.training.callback_paths import check_within, within
from fastcnn.training.model_config import read_model_toml
from tests.cli_runs import NET, folder, only_line, run, train  # noqa: F401

OUTSIDE = (
    *("../x.csv", "/etc/x.csv", "a/../../x.csv", "..", "~/x.csv", "C:\\x", "\\\\host\\x", "..\\x"),
    *("{epoch:/>3}/etc/x", "{epoch:.>2}/x", "{loss.__class__}", "http://there/x", "a\0b"),
)
INSIDE = ("x.csv", "a/b.csv", "...csv", "e{epoch}-{val_loss:.3f}.safetensors", "{epoch:03d}")


@pytest.mark.parametrize("value", OUTSIDE)
@pytest.mark.parametrize("name", ["csv_logger", "model_checkpoint", "tensorboard", "mlflow"])
def test_paths_outside_are_refused(name, value):
    (option,) = registry.get(name).paths
    with pytest.raises(OptionError, match="outside of the run's folder"):
        check_within([{"name": name, option: value}])


@pytest.mark.parametrize("value", INSIDE)
def test_paths_inside_are_put_into_the_folder(value):
    table = {"name": "csv_logger", "filename": value, "append": True}
    check_within([table])
    assert within([table, "swa"], Path("/r")) == [{**table, "filename": f"/r/{value}"}, "swa"]


def test_the_usual_place_lies_in_the_folder_too():
    (made,) = within(["tensorboard"], Path("/r"))
    assert made == {"name": "tensorboard", "log_dir": "/r/logs"}


def test_every_callback_that_takes_a_path_says_so():
    for name in registry.names():
        made = registry.get(name)
        named = {"filename", "filepath", "log_dir", "tracking_uri"} & set(
            __import__("inspect").signature(made).parameters
        )
        assert set(made.paths) == named, name
    assert callbacks.CSVLogger.paths == ("filename",)


@pytest.mark.parametrize("read", [read_model_toml, load])
def test_files_that_would_write_outside_are_refused(read):
    text = NET.replace('name = "tiny"', "epochs = 1\nbatch_size = 8" if read is load else "")
    Path("it.toml").write_text(text + '[[callbacks]]\nname = "csv_logger"\nfilename = "../x"\n')
    with pytest.raises(OptionError, match="outside of the run's folder"):
        read(Path("it.toml"))
    line = only_line(run("train", "--data", "images.npz", "--model", "it.toml", code=2))
    assert "it.toml" in line


def test_a_run_puts_them_where_they_belong():
    text = '[[callbacks]]\nname = "csv_logger"\nfilename = "figures.csv"\n'
    Path("net.toml").write_text(NET + text)
    train("--epochs", 1, "--out", "a", "--callback", "json_logger:filename=../mine.json")
    assert Path("a/figures.csv").exists() and Path("../mine.json").exists()
    assert not Path("figures.csv").exists()
    Path("a").rename("moved")
    run("train", "--resume", "moved", "--epochs", 2)
    assert len(Path("moved/figures.csv").read_text().splitlines()) == 3
    assert len(Path("../mine.json").read_text().splitlines()) == 2


def test_a_record_that_would_write_outside_is_refused():
    train("--epochs", 1, "--out", "a", "--quiet")
    record = Path("a/run.json")
    document = json.loads(record.read_text())
    document["arguments"]["callbacks"] = [{"name": "csv_logger", "filename": "../../x.csv"}]
    record.write_text(json.dumps(document))
    line = only_line(run("train", "--resume", "a", "--epochs", 2, code=2))
    assert "outside of the run's folder" in line
