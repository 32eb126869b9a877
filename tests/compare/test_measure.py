"""One fit: what is measured, and what is said when it fails."""

import json

import numpy as np
import pytest

from fastcnn.compare.candidates import Given
from fastcnn.compare.energy import Energy
from fastcnn.compare.jobs import Job
from fastcnn.compare.measure import DONE, FAILED, confusion, measure
from fastcnn.compare.memory import PeakMemory
from fastcnn.compare.splits import held_out_test
from tests.compare.cheap import Broken, Nearest, Slow, Sure, images

X, Y = images()
ALL = held_out_test(Y, 90, [60], [3])[0]
MISSING = {"log_loss", "brier", "calibration_error"}


def measured(estimator, y=Y, budget=None, split=ALL):
    job = Job(Given("it", {"estimator": "it"}, estimator), split, 1, budget)
    part = split.train
    return measure(job, (X[part], y[part]), (X, Y))


def test_figures():
    result = measured(Sure())
    assert json.loads(json.dumps(result)) == result
    assert result["status"] == DONE and result["warnings"] == []
    assert (result["model"], result["size"], result["seed"], result["fold"]) == ("it", 60, 3, 0)
    assert (result["train_images"], result["test_images"]) == (60, 90)
    same = np.mean(np.array(result["predicted"]) == Y)
    assert result["test_accuracy"] == same > 0.6
    assert 0.6 < result["macro_f1"] < 1 and 0 < result["log_loss"] < 2
    assert 0 < result["brier"] < 1 and 0 < result["calibration_error"] < 1
    assert result["fit_seconds"] > 0 and result["image_seconds"] > 0
    assert 100 < result["model_bytes"] < 2000
    assert result["curves"] == {"loss": [1.0, 0.5]}


def test_without_probabilities():
    result = measured(Nearest())
    assert {name for name, value in result.items() if value is None} - {"energy_joules"} == MISSING
    assert result["curves"] == {}


def test_the_seed_reaches_the_estimator():
    """At random a third is right, the same third for the same seed."""
    one, again = measured(Nearest(pixels=0)), measured(Nearest(pixels=0))
    other = measured(Nearest(pixels=0), split=held_out_test(Y, 90, [60], [4])[0])
    assert one["predicted"] == again["predicted"] != other["predicted"]


def test_a_class_that_training_lacks():
    """Its probability is 0, and its images are wrong."""
    result = measured(Sure(), y=np.where(Y == 1, 0, Y))
    assert result["status"] == DONE and 1 not in result["predicted"]
    assert result["log_loss"] > 10


def test_failure_is_a_result():
    result = measured(Broken())
    assert result["status"] == FAILED
    assert result["error"] == "RuntimeError: no <b>luck</b> at all"
    assert "cheap.py" in result["traceback"]


def test_budget():
    """The slow one would take a minute; it is ended from outside."""
    assert "within the budget of 1 s" in measured(Slow(), budget=1.0)["error"]
    assert measured(Nearest(), budget=60.0)["status"] == DONE


def test_confusion():
    matrix = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_peak_memory():
    peak = PeakMemory()
    peak.start()
    if peak.growth() is None:
        pytest.skip("this system does not tell the peak of a process")
    np.ones(40_000_000, np.uint8).sum()
    assert 35e6 < peak.growth() < 80e6
    peak.start()
    assert peak.growth() < 20e6


def package(root, name, energy):
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text("10000000\n")


def test_energy(tmp_path):
    """Two packages, of which one counter begins again; parts of packages do not count."""
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        package(tmp_path, name, 9_000_000)
    energy = Energy(tmp_path)
    energy.start()
    package(tmp_path, "intel-rapl:0", 9_500_000)
    package(tmp_path, "intel-rapl:1", 250_000)
    package(tmp_path, "intel-rapl:0:0", 9_900_000)
    assert energy.joules() == pytest.approx(0.5 + 1.25)


def test_no_energy(tmp_path):
    energy = Energy(tmp_path)
    energy.start()
    assert energy.joules() is None
