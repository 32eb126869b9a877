"""Models to files and back. What a file may hold is written in training/model_file.py."""

import math
import warnings
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
from fastcnn.training.checked import LARGEST, Table
from fastcnn.training.history import History, Progress
from fastcnn.training.model_file import decode, encode, read_model_file, write_model_file


def save_model(model: Model, path: str | Path, *, training_state: bool = True) -> None:
    """Write the model to one file, whole or not at all; see Model.save."""
    _say_what_is_left_out(model)
    if names := model.store.no_numbers():
        text = f"weights that are saved hold infinite numbers or NaN: {', '.join(names[:5])}"
        warnings.warn(text, stacklevel=3)
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
    except (OptionError, ShapeError, ModelFileError) as error:
        hint = missing_plugins(document.get("plugins"))
        raise ModelFileError(f"{path}: {error!s:.1000}{hint}") from error
    except (LookupError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        hint = missing_plugins(document.get("plugins"))
        what = f"{type(error).__name__} {error!s:.1000}"
        raise ModelFileError(f"{path}: the model description is garbled: {what}{hint}") from error


def _restore(
    arrays: dict[str, np.ndarray],
    document: dict[str, Any],
    options: dict[str, Any],
    loss: Any = None,
) -> Model:
    """options: of Model: threads, backend, winograd, precision."""
    whole = Table(document, "the file")
    weights = _part(arrays, "weights")
    model = _from_description(whole.table("model"), weights, options, loss)
    if "training" in whole:
        _restore_training(model, whole.table("training"), arrays)
    model.metrics = [
        {name: make(metrics, config.values) for name, config in made.named()}
        for made in whole.table("model").tables("metrics")
    ]
    return model


def _part(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays named "<part>/...", by the rest of their names."""
    return {k.removeprefix(f"{part}/"): v for k, v in arrays.items() if k.startswith(f"{part}/")}


def _from_description(
    description: Table,
    weights: dict[str, np.ndarray],
    options: dict[str, Any],
    loss: Any,
) -> Model:
    saved: dict[str, Any] = {"dtype": description.text("dtype")}
    saved["check_range"] = description.flag("check_range")
    saved["precision"] = options.get("precision") or description.text("precision")
    options = {**options, **saved}
    seed = description.whole("seed", -LARGEST)
    model = build(description.values, weights, seed=seed, **options)
    model.classes = _classes(description, model)
    losses, loss_weights = _losses(description), description.numbers("loss_weights")
    if losses or loss is not None:
        model.set_losses(loss or losses, loss_weights or None)
    return model


def _classes(description: Table, model: Model) -> tuple[str, ...]:
    """A name for each class that the only output has, if there are names."""
    names, outputs = description.texts("classes"), model.graph.outputs
    if names and len(outputs) == 1 and len(names) < outputs[0].shape[0]:
        raise ModelFileError(f"{len(names)} class names for {outputs[0].shape[0]} outputs")
    return tuple(names)


def _losses(description: Table) -> list[Any]:
    return [
        MissingLoss(config.text("function")) if "function" in config else config.values
        for config in description.tables("losses")
    ]


def _restore_training(model: Model, training: Table, arrays: dict[str, np.ndarray]) -> None:
    # Other kernels round otherwise: a resumed run must use the same ones.
    weights, fuse = model.loss_weights, training.flag("fuse")
    frozen = model.store.layers_of(training.texts("frozen"))
    optimizer = training.table("optimizer").values
    model._compile(frozen, optimizer, model.losses, weights, fuse=fuse)
    assert model.optimizer is not None
    for name, slot in model.optimizer.slots.items():
        saved = arrays.get(f"optimizer/{name}")
        if saved is None or saved.shape != slot.shape:
            raise unknown(
                "optimizer state", name, [k for k in arrays if k.startswith("optimizer/")]
            )
        slot[...] = saved
    model.optimizer.iterations = training.whole("iterations")
    model.optimizer.first_step = training.whole("first_step")
    model.optimizer.total_steps = training.whole("total_steps", default=None)
    model.progress = _progress(training.table("progress"), _part(arrays, "outputs"), model)
    model.history = _history(training.table("history"), training.wholes("epochs"))
    model.callbacks = CallbackList((), states_from_plain(training.items("callbacks"), arrays))
    aside = _part(arrays, "training_weights")
    if aside:
        model.store.check(aside)
        model.training_weights = aside


def _history(figures: Table, epochs: list[int]) -> History:
    history = {
        name: [math.nan if value is None else _figure(name, value) for value in figures.items(name)]
        for name in figures.values
    }
    if any(len(values) != len(epochs) for values in history.values()):
        raise ModelFileError(f"the history has figures that are not of its {len(epochs)} epochs")
    return History(history, epochs)


def _progress(table: Table, outputs: dict[str, np.ndarray], model: Model) -> Progress:
    """Sums, and the outputs that metrics will read, are of the samples of the running epoch."""
    sums = table.table("sums")
    counts = [k for k, v in vars(Progress()).items() if type(v) is int]
    made = Progress(
        **{name: table.whole(name) for name in counts},
        sums={name: _figure(name, value) for name, value in sums.values.items()},
        outputs={name: [rows] for name, rows in outputs.items()},
    )
    sizes = {
        n: math.prod(o.shape) for n, o in zip(model.output_names, model.graph.outputs, strict=True)
    }
    fits = made.seen >= made.batch and bool(made.batch) == bool(made.seen) == ("loss" in made.sums)
    for name, rows in outputs.items():
        fits = fits and rows.shape == (made.seen, sizes.get(name))
    if not fits:
        raise ModelFileError(
            f"progress does not fit together: {made.batch} batches, {made.seen} samples, sums of "
            f"{sorted(made.sums)}, outputs {[rows.shape for rows in outputs.values()]}"
        )
    return made


def _figure(name: str, value: Any) -> float:
    """What training measured: perhaps no finite number."""
    if type(value) not in (int, float):
        raise ModelFileError(f"{name} must be numbers, not {value!r:.80}")
    return float(value)
