"""What holds for every registered callback."""

import inspect
from pathlib import Path

import pytest

import fastcnn.callbacks
from fastcnn import load_model
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks, make
from tests.plugins.callbacks.tiny import StopAfter, assert_same_weights, fit, model

EPOCHS = 6
OPTIONS = {
    "csv_logger": {"filename": "log.csv"},
    "early_stopping": {"patience": 2, "min_delta": 0.01},
    "ema": {"decay": 0.8},
    "json_logger": {"filename": "log.jsonl"},
    "learning_rate_scheduler": {"schedule": lambda epoch, rate: rate * 0.7},
    "lr_finder": {"steps": 10},
    "model_checkpoint": {"filepath": "{epoch}.safetensors"},
    "reduce_lr_on_plateau": {"patience": 0, "min_delta": 0.1, "factor": 0.5},
    "swa": {"start_epoch": 1},
    "time_budget": {"steps": 27},
}
NEEDS = {"tensorboard": "tensorboardX", "mlflow": "mlflow"}


def options(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed")
    where = {"tracking_uri": Path("mlruns").absolute().as_uri()} if name == "mlflow" else {}
    return {"name": name, **OPTIONS.get(name, {}), **where}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database needs more than the extra


def test_the_public_face_shows_them_all():
    shown = {getattr(fastcnn.callbacks, name) for name in fastcnn.callbacks.__all__}
    assert {callbacks.get(name) for name in callbacks.names()} <= shown


@pytest.mark.parametrize("name", callbacks.names())
def test_documented_and_named(name):
    cls = callbacks.get(name)
    assert cls.registered_name == name and inspect.getdoc(cls) != inspect.getdoc(cls.__mro__[1])
    with pytest.raises(OptionError, match=f"unknown option of callback '{name}' 'nonsense'"):
        make(callbacks, {"name": name, "nonsense": 1})


@pytest.mark.parametrize("stop", [8, 12])
@pytest.mark.parametrize("name", callbacks.names())
def test_a_resumed_run_has_the_bits_of_one_without_a_break(name, stop):
    straight = model()
    fit(straight, EPOCHS, options(name))
    part = model()
    fit(part, EPOCHS, options(name), StopAfter(stop))
    part.save("part.safetensors")
    resumed = load_model("part.safetensors", threads=1)
    assert_same_weights(part.get_weights(), resumed.get_weights())
    fit(resumed, EPOCHS, options(name))
    assert_same_weights(straight.get_weights(), resumed.get_weights())
    history, again = straight.history.history, resumed.history.history
    assert all(history[k] == again[k] for k in history if k != "seconds")


@pytest.mark.parametrize("name", callbacks.names())
def test_an_object_serves_one_model_after_another(name):
    callback = make(callbacks, options(name))
    weights = []
    for _ in range(2):
        trained = model()
        fit(trained, 3, callback)
        weights.append(trained.get_weights())
    assert_same_weights(*weights)
