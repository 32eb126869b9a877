"""Baselines to files and back: arrays and JSON in a safetensors file, never pickle.

The document: {"kind": "baseline", "baseline": {"baseline": {"name": ..., options}, "parameters",
"labels", "class_names", "image_shape", "pixels", "seed", "tuning"}, "versions"}. A file can name a
registered baseline and give options and numbers; the baseline makes the classifier.
"""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn import __version__ as sklearn_version
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from fastcnn import __version__
from fastcnn.arguments import checked
from fastcnn.classical.classifier import BaselineClassifier
from fastcnn.classical.keepers import collect, restore
from fastcnn.classical.stored import Arrays, Stored
from fastcnn.engine.baseline import Baseline
from fastcnn.errors import FastcnnError, ModelFileError, unknown
from fastcnn.plugins.registry import baselines, config_of, make
from fastcnn.plugins.usage import missing_plugins, used_plugins
from fastcnn.training.model_file import read_model_file, write_model_file

KIND = "baseline"
PIXELS = ("uint8", "float32")
PLAIN = (bool, int, float, str, type(None))
LARGEST_IMAGE = 1 << 24  # numbers; a file must not ask for more memory than it could need


def save_baseline(classifier: BaselineClassifier, path: str | Path) -> None:
    """Write a fitted baseline to one file, whole or not at all."""
    check_is_fitted(classifier, "classifier_")
    document: dict[str, Any] = {"kind": KIND, KIND: _description(classifier)}
    document["versions"] = {
        "fastcnn": __version__,
        "scikit-learn": sklearn_version,
        "numpy": np.__version__,
    }
    document["plugins"] = used_plugins(document)
    write_model_file(Path(path), arrays_of(classifier), document)


def arrays_of(classifier: BaselineClassifier) -> Arrays:
    """What a fitted baseline has learned, as "<step>/<array>"."""
    arrays: Arrays = {}
    for name, step in classifier.classifier_.steps:
        arrays |= {f"{name}/{key}": array for key, array in collect(step).items()}
    return arrays


def _description(classifier: BaselineClassifier) -> dict[str, Any]:
    return {
        "baseline": config_of(make(baselines, classifier.baseline)),
        "parameters": classifier.tuning_["chosen"],
        "labels": classifier.classes_.tolist(),
        "class_names": list(classifier.class_names_),
        "image_shape": list(classifier.sample_shape_),
        "pixels": classifier.pixels_,
        "seed": classifier._seed(),
        "tuning": classifier.tuning_,
    }


@checked
def load_baseline(path: str | Path, *, threads: int | None = None) -> BaselineClassifier:
    """What `BaselineClassifier.save` wrote, ready to predict."""
    arrays, document = read_model_file(Path(path))
    if document.get("kind") != KIND:
        raise ModelFileError(f"{path} holds no baseline; fastcnn.load_model reads networks")
    try:
        return _from_description(document[KIND], arrays, threads)
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ModelFileError(f"{path}: the baseline lacks or garbles {error!s:.1000}") from error
    except (FastcnnError, ValueError) as error:
        hint = missing_plugins(document.get("plugins"))
        raise ModelFileError(f"{path}: {error!s:.1000}{hint}") from error


def _from_description(
    described: dict[str, Any], arrays: dict[str, np.ndarray], threads: int | None
) -> BaselineClassifier:
    baseline, seed = make(baselines, dict(described["baseline"])), int(described["seed"])
    if not isinstance(baseline, Baseline):
        raise ModelFileError(f"expected a baseline, not {described['baseline']!r}")
    made = BaselineClassifier(baseline, random_state=seed, n_jobs=threads)
    made.classes_ = _labels(described["labels"])
    made.class_names_ = _class_names(described["class_names"], made.classes_)
    made.sample_shape_, made.pixels_ = _images(described)
    made.n_features_in_ = int(np.prod(made.sample_shape_))
    made.tuning_ = _tuning(described["tuning"], _parameters(described["parameters"], baseline))
    made.features_ = Pipeline(baseline.features(threads))
    blank = np.zeros((1, *made.sample_shape_), made.pixels_)
    features = made.features_.fit_transform(blank).shape[1]  # it learns the shape only
    made.classifier_ = Pipeline(baseline.classifier(seed, threads))
    made.classifier_.set_params(**made.tuning_["chosen"])
    for name, step in made.classifier_.steps:
        own = {k.removeprefix(f"{name}/"): v for k, v in arrays.items() if k.startswith(f"{name}/")}
        restore(step, Stored(own, features, len(made.classes_)))
    return made


def _labels(values: Any) -> np.ndarray:
    kinds = {type(value) for value in values}
    if len(values) < 2 or len(kinds) > 1 or not kinds <= set(PLAIN[:4]):
        raise ModelFileError(f"labels {values!r:.80}; expected two or more numbers or texts")
    return np.array(values)


def _class_names(values: Any, labels: np.ndarray) -> tuple[str, ...]:
    """For labels that are the numbers of these names; there may be more names than labels."""
    names = tuple(str(name) for name in values)
    if names and not (labels.dtype.kind == "i" and 0 <= labels.min() <= labels.max() < len(names)):
        raise ModelFileError(f"labels {labels.tolist()!r:.80} are no numbers of {len(names)} names")
    return names


def _images(described: dict[str, Any]) -> tuple[tuple[int, ...], str]:
    shape = tuple(int(length) for length in described["image_shape"])
    if len(shape) not in (1, 2, 3) or min(shape) < 1 or np.prod(shape, dtype=float) > LARGEST_IMAGE:
        raise ModelFileError(f"image shape {shape}; expected (H, W) or (H, W, C)")
    if described["pixels"] not in PIXELS:
        raise unknown("kind of pixels", described["pixels"], PIXELS)
    return shape, described["pixels"]


def _tuning(values: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """How tuning went, for people to read."""
    accuracy = values["accuracy"]
    return {
        "chosen": chosen,
        "images": int(values["images"]),
        "folds": int(values["folds"]),
        "accuracy": None if accuracy is None else float(accuracy),
        "tried": list(values["tried"]),
    }


def _parameters(values: dict[str, Any], baseline: Baseline) -> dict[str, Any]:
    """What tuning chose: only what this baseline tunes."""
    for name, value in values.items():
        if name not in baseline.grid():
            raise unknown("tuned parameter", name, baseline.grid())
        if not isinstance(value, PLAIN):
            raise ModelFileError(f"{name} is {value!r:.80}; expected a number or text")
    return values
