"""One fit of one candidate on one split: everything that is measured about it."""

import os
import pickle
import tempfile
import time
import traceback
import warnings
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.compare.calibration import brier_score, calibration_error, log_loss
from fastcnn.compare.candidates import Candidate
from fastcnn.compare.deadline import Deadline, OverBudget, in_own_process
from fastcnn.compare.energy import Energy
from fastcnn.compare.jobs import Job
from fastcnn.compare.memory import PeakMemory
from fastcnn.compare.statistics import macro_f1
from fastcnn.compare.worker import obey
from fastcnn.errors import DataError
from fastcnn.training.checked import Table
from fastcnn.training.duration import duration_text

DONE, FAILED = "done", "failed"
DIED = "its process died: too little memory, or a crash in compiled code"


Part = tuple[np.ndarray, np.ndarray]  # images, labels
Result = dict[str, Any]


def measure(job: Job, training: Part, test: Part) -> Result:
    """The job's key and figures; for a model that fails, the error instead.

    A model that does not keep a budget by itself is measured in a process that can be ended.
    """
    if job.budget is None or job.candidate.keeps_budget:
        return _measure(job, None, training, test)
    arguments = (_measure_child, os.getpid(), job, training, test)
    try:
        return in_own_process(*arguments, budget=job.budget)
    except OverBudget:
        return failed(job, f"not done within the budget of {duration_text(job.budget)}")
    except BrokenProcessPool:
        return failed(job, DIED)


def check_result(result: dict[str, Any], tested: int, classes: int, where: str) -> None:
    """Of a file, before figures are made from it: `tested` images, so many classes."""
    table = Table(result, where, DataError)
    nullable = ("macro_f1", "energy_joules", "log_loss", "brier", "calibration_error")
    table.need(*nullable, "memory_bytes", "model_bytes")
    for name in ("fit_seconds", "cpu_seconds", "image_seconds", "train_accuracy", "test_accuracy"):
        table.number(name)
    for name in nullable:
        table.number(name, None)
    for name in ("memory_bytes", "model_bytes"):
        table.whole(name, default=None)
    for name in ("train_images", "test_images"):
        table.whole(name, 1)
    table.texts("warnings")
    curves = table.table("curves")
    for name in curves.values:
        curves.items(name)
    if len(table.wholes("predicted", 0, classes - 1)) != tested:
        raise DataError(f"{where}: expected {tested} predicted classes")


def failed(job: Job, error: str, trace: str = "") -> Result:
    return {**job.key, "status": FAILED, "error": _line(error), "traceback": trace, "warnings": []}


def _measure_child(parent: int, job: Job, training: Part, test: Part) -> Result:
    obey(parent)
    return _measure(job, job.budget, training, test)


def _measure(job: Job, deadline: float | None, training: Part, test: Part) -> Result:
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # Threads for what is parallel in the estimator: processes of its own would not be
            # measured.
            with threadpool_limits(job.threads), parallel_config("threading"):
                figures = _figures(job, deadline, training, test)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            return failed(job, f"{type(error).__name__}: {error}", trace)
    said = dict.fromkeys(f"{w.category.__name__}: {_line(w.message, 200)}" for w in caught)
    return {**job.key, "status": DONE, **figures, "warnings": list(said)}


def _figures(job: Job, deadline: float | None, training: Part, test: Part) -> dict[str, Any]:
    estimator = job.candidate.make(job.split.seed, job.threads)
    memory, energy = PeakMemory(), Energy()
    memory.start()
    energy.start()
    cpu, wall = time.process_time(), time.perf_counter()
    with Deadline(deadline):
        estimator.fit(*training)
    figures: dict[str, Any] = {
        "fit_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "energy_joules": energy.joules() if job.alone else None,
        "train_images": len(training[1]),
        "test_images": len(test[1]),
    }
    started = time.perf_counter()
    predicted = np.asarray(estimator.predict(test[0])).astype(np.int64)
    figures["image_seconds"] = (time.perf_counter() - started) / len(predicted)
    figures["memory_bytes"] = memory.growth()
    figures["model_bytes"] = model_bytes(job.candidate, estimator)
    train_predicted = np.asarray(estimator.predict(training[0]))
    figures["train_accuracy"] = float(np.mean(train_predicted == training[1]))
    return {
        **figures,
        **_scores(predicted, test[1]),
        **_calibration(estimator, *test),
        "curves": loss_curves(estimator),
        "predicted": predicted.tolist(),
    }


def _scores(predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    classes = 1 + int(max(labels.max(), predicted.max()))
    seen = np.union1d(labels, predicted)
    matrix = confusion(labels, predicted, classes)[np.ix_(seen, seen)]
    return {
        "test_accuracy": float(np.mean(predicted == labels)),
        "macro_f1": float(macro_f1(matrix)),
    }


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(true, predicted) counts."""
    counts = np.bincount(labels * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)


def _calibration(estimator: Any, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Nothing for models without probabilities."""
    if not hasattr(estimator, "predict_proba"):
        return {"log_loss": None, "brier": None, "calibration_error": None}
    given = np.asarray(estimator.predict_proba(images))
    probabilities = np.zeros((len(labels), 1 + max(labels.max(), estimator.classes_.max())))
    probabilities[:, estimator.classes_] = given  # a class may be missing from small sets
    return {
        "log_loss": log_loss(probabilities, labels),
        "brier": brier_score(probabilities, labels),
        "calibration_error": calibration_error(probabilities, labels),
    }


def model_bytes(candidate: Candidate, estimator: Any) -> int | None:
    """Of the file of the fitted model; None if it can't be written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        try:
            candidate.save(estimator, path)
        except (pickle.PicklingError, TypeError, AttributeError):
            return None
        return path.stat().st_size


def last_step(estimator: Any) -> Any:
    """The estimator inside searches and pipelines."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    return last_step(estimator[-1]) if hasattr(estimator, "steps") else estimator


def loss_curves(estimator: Any) -> dict[str, list[float]]:
    """Figures by epoch, of those that train in epochs."""
    inner = last_step(estimator)
    history = getattr(inner, "history_", None)
    if isinstance(history, dict):
        return {name: [float(v) for v in values] for name, values in history.items()}
    curve = getattr(inner, "loss_curve_", None)
    return {} if curve is None else {"loss": [float(value) for value in curve]}


def _line(text: Any, length: int = 500) -> str:
    return " ".join(str(text).split())[:length]
