"""Models to files and back. What a file may hold is written in training/model_file.py."""

from pathlib import Path
from typing import Any

import numpy as np

from fastcnn import __version__
from fastcnn.engine.plan import Preprocessing
from fastcnn.errors import ModelFileError, OptionError, ShapeError, unknown
from fastcnn.model import Sequential
from fastcnn.plugins.registry import config_of, layers, losses, make
from fastcnn.training.callback_list import CallbackList
from fastcnn.training.callback_state import states_from_plain, states_to_plain
from fastcnn.training.history import History, Progress
from fastcnn.training.model_file import read_model_file, write_model_file


def save_model(model: Sequential, path: str | Path, *, training_state: bool = True) -> None:
    """Write the model to one file, whole or not at all; see Sequential.save."""
    arrays = {f"weights/{key}": value for key, value in model.store.items()}
    document: dict[str, Any] = {"fastcnn_version": __version__, "model": _description(model)}
    if training_state and model.optimizer is not None:
        arrays |= {f"optimizer/{name}": array for name, array in model.optimizer.slots.items()}
        states, state_arrays = states_to_plain(model.callbacks.states())
        aside = (model.training_weights or {}).items()
        arrays |= state_arrays | {f"training_weights/{key}": value for key, value in aside}
        document["training"] = {
            "optimizer": config_of(model.optimizer),
            "iterations": model.optimizer.iterations,
            "total_steps": model.optimizer.total_steps,
            "loss": config_of(model.loss),
            "fuse": model.fuse,
            "progress": vars(model.progress),
            "history": model.history.history,
            "callbacks": states,
        }
    write_model_file(Path(path), arrays, document)


def _description(model: Sequential) -> dict[str, Any]:
    preprocessing = model.preprocessing
    return {
        "name": model.name,
        "input_shape": list(model.input_shape),
        "data_format": model.data_format,
        "seed": model.seed,
        "classes": list(model.classes),
        "loss": model.loss and config_of(model.loss),
        "preprocessing": preprocessing
        and {k: np.asarray(v, np.float64).tolist() for k, v in vars(preprocessing).items()},
        "layers": [
            {**config_of(layer), **({"layer_name": layer.name} if layer.name else {})}
            for layer in model.layers
        ],
    }


def load_model(
    path: str | Path, *, threads: int | None = None, backend: str | None = None
) -> Sequential:
    """The model that `save` wrote: ready to predict, and to go on with `fit` if it was saved so."""
    path = Path(path)
    arrays, document = read_model_file(path)
    try:
        weights = _part(arrays, "weights")
        model = _from_description(document["model"], weights, threads, backend)
        if "training" in document:
            _restore_training(model, document["training"], arrays)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(f"{path}: the model description lacks or garbles {error}") from error
    except (OptionError, ShapeError, ModelFileError, ValueError) as error:
        raise ModelFileError(f"{path}: {error}") from error
    return model


def _part(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays named "<part>/...", by the rest of their names."""
    return {k.removeprefix(f"{part}/"): v for k, v in arrays.items() if k.startswith(f"{part}/")}


def _from_description(
    description: dict[str, Any],
    weights: dict[str, np.ndarray],
    threads: int | None,
    backend: str | None,
) -> Sequential:
    stack = []
    for config in description["layers"]:
        config = dict(config)
        name = config.pop("layer_name", None)
        layer = make(layers, {k: _tuples(v) for k, v in config.items()})
        layer.name = name
        stack.append(layer)
    model = Sequential(
        stack,
        data_format=description["data_format"],
        seed=int(description["seed"]),
        threads=threads,
        backend=backend,
        name=str(description["name"]),
    )
    model.build(tuple(description["input_shape"]), weights)
    model.classes = tuple(str(c) for c in description["classes"])
    if description["loss"] is not None:
        model.loss = make(losses, description["loss"])
    if description["preprocessing"] is not None:
        scale, offset = (
            np.array(description["preprocessing"][k], np.float64) for k in ("scale", "offset")
        )
        if scale.shape != offset.shape or scale.shape != model.graph.input.shape[:1]:
            raise ModelFileError("preprocessing needs one scale and one offset for each channel")
        model.preprocessing = Preprocessing(scale, offset)
    return model


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _restore_training(
    model: Sequential, training: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    # Other kernels round otherwise: a resumed run must use the same ones.
    model.compile(training["optimizer"], training["loss"], fuse=bool(training["fuse"]))
    assert model.optimizer is not None
    for name, slot in model.optimizer.slots.items():
        saved = arrays.get(f"optimizer/{name}")
        if saved is None or saved.shape != slot.shape:
            raise unknown(
                "optimizer state", name, [k for k in arrays if k.startswith("optimizer/")]
            )
        slot[...] = saved
    model.optimizer.iterations = int(training["iterations"])
    total = training["total_steps"]
    model.optimizer.total_steps = None if total is None else int(total)
    model.progress = Progress(**training["progress"])
    model.history = History({str(k): [float(n) for n in v] for k, v in training["history"].items()})
    model.callbacks = CallbackList((), states_from_plain(training.get("callbacks", []), arrays))
    aside = _part(arrays, "training_weights")
    if aside:
        model.store.check(aside)
        model.training_weights = aside
