"""Models to files and back. What a file may hold is written in training/model_file.py."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn import __version__
from fastcnn.arguments import checked
from fastcnn.engine.python_loss import Custom, MissingLoss
from fastcnn.errors import ModelFileError, OptionError, ShapeError, unknown, warn
from fastcnn.kernels.backends import available_backends, resolve_backend
from fastcnn.model import Model
from fastcnn.plugins.registry import config_of, make, metrics
from fastcnn.plugins.usage import missing_plugins, used_plugins
from fastcnn.structure import build, describe
from fastcnn.training.callback_list import CallbackList
from fastcnn.training.callback_state import states_from_plain, states_to_plain
from fastcnn.training.history import History, Progress
from fastcnn.training.model_file import decode, encode, read_model_file, write_model_file


def save_model(model: Model, path: str | Path, *, training_state: bool = True) -> None:
    """Write the model to one file, whole or not at all; see Model.save."""
    _say_what_is_left_out(model)
    write_model_file(Path(path), *_contents(model, training_state))


def _say_what_is_left_out(model: Model) -> None:
    """Once for each loss, however many checkpoints are written."""
    for loss in model.losses:
        if isinstance(loss, Custom) and not loss.left_out:
            loss.left_out = True
            warn(
                f"the file will not hold the loss {loss.name!r}, a function: the loaded model "
                "predicts, but needs load_model(path, loss=...) or compile to train or evaluate"
            )


def to_bytes(model: Model) -> bytes:
    """The model as a file would hold it, with its training state."""
    return encode(*_contents(model, training_state=True))


def from_bytes(
    content: bytes, threads: int | None, backend: str | None, winograd: bool = True
) -> Model:
    """The model that `to_bytes` wrote: what pickle and copy.deepcopy call.

    backend: the default if this installation has no such one.
    """
    backend = backend if backend in available_backends() else None
    options = {"threads": threads, "backend": backend, "winograd": winograd}
    return _restore(*decode(content), options)


def _contents(model: Model, training_state: bool) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays, and the document that describes the rest."""
    arrays = {f"weights/{key}": value for key, value in model.store.items()}
    document: dict[str, Any] = {"fastcnn_version": __version__, "model": _description(model)}
    if training_state and model.optimizer is not None:
        arrays |= {f"optimizer/{name}": array for name, array in model.optimizer.slots.items()}
        collected = model.progress.outputs.items()
        arrays |= {f"outputs/{name}": np.concatenate(rows) for name, rows in collected}
        states, state_arrays = states_to_plain(model.callbacks.states())
        aside = (model.training_weights or {}).items()
        arrays |= state_arrays | {f"training_weights/{key}": value for key, value in aside}
        document["training"] = {
            "optimizer": config_of(model.optimizer),
            "iterations": model.optimizer.iterations,
            "first_step": model.optimizer.first_step,
            "total_steps": model.optimizer.total_steps,
            "fuse": model.fuse,
            "frozen": model.store.frozen_names(),
            "progress": {k: v for k, v in vars(model.progress).items() if k != "outputs"},
            "history": {
                name: [None if math.isnan(value) else value for value in values]
                for name, values in model.history.history.items()
            },
            "epochs": model.history.epoch,
            "callbacks": states,
        }
    document["plugins"] = used_plugins(document)
    return arrays, document


def _description(model: Model) -> dict[str, Any]:
    return {
        **describe(model),
        "seed": model.seed,
        "precision": model.precision,
        "dtype": model.dtype,
        "check_range": model.check_range,
        "classes": _class_names(model),
        "losses": [
            config_of(loss) if loss.registered_name else {"function": loss.name}
            for loss in model.losses
        ],
        "loss_weights": model.loss_weights,
        "metrics": [
            {
                name: config_of(metric)
                for name, metric in made.items()
                if getattr(metric, "registered_name", "")
            }
            for made in model.metrics
        ],
    }


def _class_names(model: Model) -> list[str]:
    """Those of its outputs; not what is left of an end that was replaced."""
    outputs = [node.shape[0] for node in model.graph.outputs]
    return [str(name) for name in model.classes] if outputs == [len(model.classes)] else []


@checked
def load_model(
    path: str | Path,
    *,
    threads: int | None = None,
    backend: str | None = None,
    winograd: bool | None = None,
    precision: str | None = None,
    loss: Any = None,
) -> Model:
    """The model that `save` wrote: ready to predict, and to go on with `fit` if it was saved so.

    precision: in place of the one in the file, see Model.
    loss: in place of the one in the file, as in `compile`; for functions, of which the file has
        only the name. Metrics that are functions are not in the file either.
    """
    path, backend = Path(path), resolve_backend(backend)
    arrays, document = read_model_file(path)
    if document.get("kind") == "baseline":
        raise ModelFileError(f"{path} holds a baseline; fastcnn.load_baseline reads it")
    try:
        options = {"threads": threads, "backend": backend, "winograd": winograd}
        options["precision"] = precision
        return _restore(arrays, document, options, loss)
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ModelFileError(f"{path}: the model description lacks or garbles {error}") from error
    except (OptionError, ShapeError, ModelFileError, ValueError) as error:
        hint = missing_plugins(document.get("plugins"))
        raise ModelFileError(f"{path}: {error}{hint}") from error


def _restore(
    arrays: dict[str, np.ndarray],
    document: dict[str, Any],
    options: dict[str, Any],
    loss: Any = None,
) -> Model:
    """options: of Model: threads, backend, winograd, precision."""
    weights = _part(arrays, "weights")
    model = _from_description(document["model"], weights, options, loss)
    if "training" in document:
        _restore_training(model, document["training"], arrays)
    model.metrics = [
        {str(name): make(metrics, config) for name, config in made.items()}
        for made in document["model"]["metrics"]
    ]
    return model


def _part(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays named "<part>/...", by the rest of their names."""
    return {k.removeprefix(f"{part}/"): v for k, v in arrays.items() if k.startswith(f"{part}/")}


def _from_description(
    description: dict[str, Any],
    weights: dict[str, np.ndarray],
    options: dict[str, Any],
    loss: Any,
) -> Model:
    saved = {"dtype": description["dtype"], "check_range": bool(description["check_range"])}
    saved["precision"] = options.get("precision") or description["precision"]
    options = {**options, **saved}
    model = build(description, weights, seed=int(description["seed"]), **options)
    model.classes = tuple(str(c) for c in description["classes"])
    if description["losses"] or loss is not None:
        model.set_losses(loss or _losses(description), description["loss_weights"] or None)
    return model


def _losses(description: dict[str, Any]) -> list[Any]:
    return [
        MissingLoss(str(config["function"])) if "function" in config else config
        for config in description["losses"]
    ]


def _restore_training(
    model: Model, training: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    # Other kernels round otherwise: a resumed run must use the same ones.
    weights, fuse = model.loss_weights, bool(training["fuse"])
    frozen = model.store.layers_of([str(name) for name in training["frozen"]])
    model._compile(frozen, training["optimizer"], model.losses, weights, fuse=fuse)
    assert model.optimizer is not None
    for name, slot in model.optimizer.slots.items():
        saved = arrays.get(f"optimizer/{name}")
        if saved is None or saved.shape != slot.shape:
            raise unknown(
                "optimizer state", name, [k for k in arrays if k.startswith("optimizer/")]
            )
        slot[...] = saved
    model.optimizer.iterations = int(training["iterations"])
    model.optimizer.first_step = int(training["first_step"])
    total = training["total_steps"]
    model.optimizer.total_steps = None if total is None else int(total)
    rows = {name: [array] for name, array in _part(arrays, "outputs").items()}
    model.progress = Progress(**training["progress"], outputs=rows)
    model.history = _history(training["history"], training["epochs"])
    model.callbacks = CallbackList((), states_from_plain(training.get("callbacks", []), arrays))
    aside = _part(arrays, "training_weights")
    if aside:
        model.store.check(aside)
        model.training_weights = aside


def _history(figures: dict[str, Any], epochs: list[Any]) -> History:
    history = {
        str(name): [math.nan if value is None else float(value) for value in values]
        for name, values in figures.items()
    }
    if any(len(values) != len(epochs) for values in history.values()):
        raise ModelFileError(f"the history has figures that are not of its {len(epochs)} epochs")
    return History(history, [int(epoch) for epoch in epochs])
