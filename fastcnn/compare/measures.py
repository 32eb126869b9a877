"""What is measured of each fit: name, title and how a person reads it."""

from collections.abc import Callable
from dataclasses import dataclass

from fastcnn.training.duration import duration_text


@dataclass(frozen=True)
class Measure:
    """better: "more", "less" or, where neither is, ""."""

    name: str
    title: str
    text: Callable[[float], str]
    meaning: str
    better: str = "less"


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def number(value: float) -> str:
    return f"{value:.3f}"


def seconds_text(value: float) -> str:
    """Three digits: "4.1 ms", "12.3 s"; from a minute on "2 min 05 s"."""
    if value >= 60:
        return duration_text(value)
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if value * factor >= 1:
            return f"{_digits(value * factor)} {unit}"
    return f"{_digits(value * 1e6)} µs"


def bytes_text(value: float) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if value >= factor:
            return f"{_digits(value / factor)} {unit}"
    return f"{_digits(value / 1e3)} kB"


def joules_text(value: float) -> str:
    return f"{_digits(value)} J"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}"


def p_text(p: float) -> str:
    """ "p < 0.001", "p = 0.012", "p = 0.4" """
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}".rstrip("0").rstrip(".")


MEASURES = (
    Measure(
        "test_accuracy",
        "test accuracy",
        percent,
        "share of the test images whose class is told rightly",
        better="more",
    ),
    Measure(
        "train_accuracy",
        "training accuracy",
        percent,
        "the same on the images it was trained on; what is above the test accuracy was learnt by "
        "heart",
        better="",
    ),
    Measure("fit_seconds", "time to train", seconds_text, "wall time of a fit, search included"),
    Measure("image_seconds", "time per image", seconds_text, "to predict, all test images at once"),
    Measure(
        "macro_f1",
        "macro F1",
        number,
        "mean over classes of the harmonic mean of precision and recall, 0 to 1",
        better="more",
    ),
    Measure(
        "log_loss",
        "log-loss",
        number,
        "mean of -log(probability of the true class); models without probabilities have none",
    ),
    Measure("brier", "Brier score", number, "squared error of the probabilities, 0 to 2"),
    Measure(
        "calibration_error",
        "calibration error",
        number,
        "ECE, 15 bins: how far the probabilities are from how often they come true",
    ),
    Measure("cpu_seconds", "CPU time to train", seconds_text, "of all threads together"),
    Measure(
        "memory_bytes",
        "memory",
        bytes_text,
        "by which the process grew at most, training and predicting",
    ),
    Measure("model_bytes", "model size", bytes_text, "of the trained model, written down"),
    Measure(
        "energy_joules",
        "energy to train",
        joules_text,
        "of the whole processor, where it has counters (RAPL)",
    ),
)
BY_NAME = {measure.name: measure for measure in MEASURES}
