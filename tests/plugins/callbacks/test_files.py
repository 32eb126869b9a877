"""Callbacks that write files: checkpoints, CSV, JSON lines, TensorBoard, MLflow."""

import csv
import json
import struct
import sys
from pathlib import Path

import pytest

from fastcnn import load_model
from fastcnn.callbacks import CSVLogger, JSONLogger, LambdaCallback, ModelCheckpoint, TensorBoard
from fastcnn.errors import OptionError
from tests.plugins.callbacks.tiny import STEPS, Figures, StopAfter, fit, model

FIGURES = ["epoch", "loss", "accuracy", "seconds", "val_loss", "val_accuracy", "learning_rate"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database needs more than the extra


def names(suffix):
    return sorted(path.name for path in Path().glob(f"*{suffix}"))


# ---- checkpoints


def test_a_checkpoint_for_each_epoch_by_its_figures():
    fit(
        model(),
        2,
        Figures("val_loss", [0.5, 0.25]),
        ModelCheckpoint("{epoch:02d}-{val_loss:.2f}.m"),
    )
    assert names(".m") == ["01-0.50.m", "02-0.25.m"]
    assert [load_model(name).progress.epoch for name in names(".m")] == [1, 2]


def test_checkpoints_of_the_best_only():
    figures = Figures("val_loss", [3, 1, 2, 1, 0.5])
    fit(model(), 5, figures, ModelCheckpoint("{epoch}.m", save_best_only=True))
    assert names(".m") == ["1.m", "2.m", "5.m"]


def test_a_resumed_run_knows_the_best_of_before():
    def options(values):
        return Figures("val_loss", values), ModelCheckpoint("{epoch}.m", save_best_only=True)

    trained = model()
    fit(trained, 2, *options([1, 2]))
    trained.save("part.safetensors")
    fit(load_model("part.safetensors", threads=1), 4, *options([0, 0, 1.5, 0.5]))
    assert names(".m") == ["1.m", "4.m"]


def test_a_checkpoint_after_so_many_batches():
    fit(model(), 2, ModelCheckpoint("{epoch}-{batch}.m", save_freq=4, training_state=False))
    assert names(".m") == ["1-4.m", "2-2.m", "2-6.m"]
    assert load_model("1-4.m").optimizer is None


def test_checkpoint_of_weights_that_are_no_numbers_is_not_written():
    optimizer = {"name": "sgd", "learning_rate": 1e30}
    fit(model(optimizer), 3, ModelCheckpoint("{epoch}-{batch}.m", save_freq=1), "terminate_on_nan")
    for name in names(".m"):
        load_model(name)
    assert f"1-{STEPS}.m" not in names(".m")


def test_a_wrong_template_says_what_there_is():
    with pytest.raises(OptionError, match="available: epoch, batch, loss"):
        fit(model(), 1, ModelCheckpoint("{nothing}.m"))


def test_a_checkpoint_holds_the_state_of_callbacks_that_were_given_after_it():
    fit(model(), 2, ModelCheckpoint("m"), {"name": "early_stopping", "patience": 5})
    states = dict(load_model("m").callbacks.states())
    assert states["early_stopping"]["best_epoch"] == 1


# ---- CSV and JSON lines


def read(path):
    if path.endswith(".csv"):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


LOGGERS = [(CSVLogger, "log.csv"), (JSONLogger, "log.jsonl")]


@pytest.mark.parametrize(("logger", "path"), LOGGERS)
def test_a_row_for_each_epoch(logger, path):
    history = fit(model(), 3, logger(path)).history
    rows = read(path)
    assert [list(row) for row in rows] == [FIGURES] * 3
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]


@pytest.mark.parametrize(("logger", "path"), LOGGERS)
@pytest.mark.parametrize("append", [False, True])
def test_a_new_training_replaces_or_appends(logger, path, append):
    for epochs in (2, 1):
        fit(model(), epochs, logger(path, append=append))
    assert [int(row["epoch"]) for row in read(path)] == ([1, 2, 1] if append else [1])


@pytest.mark.parametrize(("logger", "path"), LOGGERS)
def test_a_resumed_training_drops_rows_of_lost_epochs(logger, path):
    fit(model(), 2, logger(path, append=True))
    trained = model()
    fit(trained, 4, logger(path, append=True), ModelCheckpoint("{epoch}.m"))
    fit(load_model("2.m", threads=1), 3, logger(path, append=True))
    assert [int(row["epoch"]) for row in read(path)] == [1, 2, 1, 2, 3]


def test_csv_takes_separators_and_late_columns():
    late = LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update({"late": 7} if epoch else {})
    )
    fit(model(), 2, late, CSVLogger("log.csv", separator=";"))
    lines = Path("log.csv").read_text().splitlines()
    assert lines[0] == ";".join([*FIGURES, "late"])
    assert lines[1].endswith(";") and lines[2].endswith(";7")


def test_json_writes_null_for_what_is_no_number():
    fit(model(), 1, Figures("strange", [float("nan")]), JSONLogger("log.jsonl"))
    assert read("log.jsonl")[0]["strange"] is None


# ---- TensorBoard


def events(folder):
    """(tag, step, value) of all event files, read by their published format."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(Path(folder).glob("events.*")):
        data, place = path.read_bytes(), 0
        while place < len(data):  # length, its checksum, the event, its checksum
            (length,) = struct.unpack_from("<Q", data, place)
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += length + 16
            yield from ((v.tag, event.step, v.simple_value) for v in event.summary.value)


def test_tensorboard_reads_what_was_trained():
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    history = fit(model(), 2, TensorBoard("logs", update_freq=4)).history
    for part, prefix in (("train", ""), ("validation", "val_")):
        found = [(s, v) for t, s, v in events(f"logs/{part}") if t == "epoch_loss"]
        expected = list(enumerate(history[f"{prefix}loss"], 1))
        assert [s for s, _ in found] == [1, 2]
        assert [v for _, v in found] == pytest.approx([v for _, v in expected])
    assert [s for t, s, _ in events("logs/train") if t == "batch_loss"] == [4, 8, 12]
    assert any(t == "epoch_learning_rate" for t, _, _ in events("logs/train"))


def test_tensorboard_goes_on_in_the_same_folder():
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    trained = model()
    fit(trained, 9, TensorBoard("logs"), StopAfter(2 * STEPS))
    trained.save("m")
    fit(load_model("m", threads=1), 3, TensorBoard("logs"))
    assert [s for t, s, _ in events("logs/train") if t == "epoch_loss"] == [1, 2, 3]


# ---- MLflow


@pytest.fixture
def mlflow():
    return pytest.importorskip("mlflow", reason="mlflow is not installed")


def test_mlflow_keeps_one_run_across_a_break(mlflow):
    uri = Path("mlruns").absolute().as_uri()
    options = {"name": "mlflow", "tracking_uri": uri}
    trained = model()
    fit(trained, 9, options, StopAfter(2 * STEPS))
    trained.save("m")
    history = fit(load_model("m", threads=1), 3, options).history
    client = mlflow.MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("Default").experiment_id])
    points = client.get_metric_history(run.info.run_id, "val_loss")
    assert [(p.step, p.value) for p in points] == list(enumerate(history["val_loss"], 1))
    assert run.data.params["optimizer_name"] == "adam" and run.info.status == "FINISHED"


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("tensorboard", "tensorboardX", "tensorboard"), ("mlflow", "mlflow", "mlflow")],
)
def test_a_missing_package_is_named(monkeypatch, name, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OptionError, match=rf"pip install 'fastcnn\[{extra}\]'"):
        fit(model(), 1, name)
