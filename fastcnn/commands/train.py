"""`fastcnn train`: data in, a folder with the trained model out."""

import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastcnn.commands.augment import augment_option
from fastcnn.commands.begin_anew import began_nothing, kept_options, options_again
from fastcnn.commands.callbacks import callback_tables, limits_time, watchers
from fastcnn.commands.find_model import run_folder
from fastcnn.commands.learning_rate import base_rate, learning_rate
from fastcnn.commands.model_argument import baseline_argument, model_argument
from fastcnn.commands.named_options import named_list
from fastcnn.commands.notes import note_on_choosing
from fastcnn.commands.picture_arguments import picture_arguments
from fastcnn.commands.recipes import recipe_of_data
from fastcnn.commands.resume import check_conflicts, check_data, load_again, resumed_arguments
from fastcnn.commands.run_data import RunData, given_data
from fastcnn.commands.versions import isa_in_use, maker_in_use, versions
from fastcnn.data.dataset import Dataset
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.callback import Callback
from fastcnn.errors import DivergedError, OptionError
from fastcnn.kernels.backends import resolve_backend, resolve_precision
from fastcnn.kernels.threads import resolve_threads
from fastcnn.model import Model
from fastcnn.models import build
from fastcnn.plugins.registry import config_of
from fastcnn.plugins.registry import metrics as metric_registry
from fastcnn.recipes import Recipe, load
from fastcnn.saving import load_model
from fastcnn.text import say
from fastcnn.training.callback_list import make_callbacks
from fastcnn.training.callback_paths import within
from fastcnn.training.curves import draw_curves
from fastcnn.training.interrupt import StopOnSignal
from fastcnn.training.model_config import DEFAULT_LOSS, ModelConfig
from fastcnn.training.model_file import remove_litter, weights_sha256
from fastcnn.training.normalisation import normalise_inputs
from fastcnn.training.progress import UNLIMITED, Throughput
from fastcnn.training.recorder import Recorder
from fastcnn.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainOptions:
    """What the user asked for; None where the data or the resumed run decides."""

    data: str | None = None
    recipe: str | None = None
    model: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    lr: float | None = None
    schedule: str | None = None
    metrics: str | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    seed: int | None = None
    validation: float | None = None
    train_size: int | None = None
    data_dir: str | None = None
    image_size: tuple[int, int] | None = None
    image_shape: tuple[int, ...] | None = None
    background: str | None = None
    max_pixels: int | None = None
    skip_damaged: bool | None = None
    threads: int | None = None
    backend: str | None = None
    precision: str | None = None
    callback: tuple[str, ...] | None = None
    augment: tuple[str, ...] | None = None
    augment_fill: str | None = None
    early_stopping: int | None = None
    time_budget: str | None = None
    ema: float | None = None
    out: str | None = None
    resume: str | None = None
    quiet: bool = False


def train(options: TrainOptions) -> dict[str, Any]:
    """Train, or go on with training; the results that `--json` prints."""
    resolve_threads(options.threads)  # what is wrong comes out before the data is read
    resolve_precision(options.precision, resolve_backend(options.backend))
    baseline = None if options.resume or options.model is None else baseline_argument(options.model)
    if baseline is not None:
        from fastcnn.commands.train_baseline import train_baseline  # it imports scikit-learn

        return train_baseline(options, baseline)
    run = resumed_run(options) if options.resume else new_run(options)
    run.describe()
    try:
        return run.train()
    except KeyboardInterrupt:
        run.note(f"go on from the last checkpoint with: {run.resume_command}")
        raise


@dataclass
class Run:
    """A compiled model, its data and its folder."""

    model: Model
    folder: RunFolder
    data: RunData
    arguments: dict[str, Any]
    callbacks: list[Callback]
    quiet: bool
    options: dict[str, Any]  # as they were given, see begin_anew.py
    holds_out_unasked: bool = False

    def note(self, text: str) -> None:
        if not self.quiet:
            say(text, err=True)

    def describe(self) -> None:
        self.note(self.data.text())
        self.note(f"model  {self.model.name}: {self.model.count_params():,} parameters")
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        self.note(f"run    {self.folder.path}: {threads}, {maker_in_use(self.model.backend)}")
        if self.validates:
            self.note(f"val_   is the {self.held_out_name} set")
        by_test = self.validates and self.held_out_name == "test"
        choosing = note_on_choosing(self.callbacks, self.data, by_test, self.holds_out_unasked)
        if choosing:
            self.note(choosing)

    @property
    def threads(self) -> int:
        return resolve_threads(self.model.threads)

    @property
    def held_out_name(self) -> str:
        return self.data.held_out_name

    @property
    def validates(self) -> bool:
        """Whether the held-out images are measured after each epoch."""
        return self.data.held_out is not None and self.arguments["validate"]

    @property
    def resume_command(self) -> str:
        return f"fastcnn train --resume {shlex.quote(str(self.folder.path))}"

    def train(self) -> dict[str, Any]:
        self._record("running")
        recorder, meter = Recorder(self.folder), Throughput()
        started = time.perf_counter()
        try:
            with StopOnSignal() as stop:
                self._fit([*self.callbacks, recorder, meter, stop])
            recorder.save()
        except DivergedError as error:
            self._record("diverged")
            raise DivergedError(
                f"{error}; the last good checkpoint is {self.folder.checkpoint}"
            ) from error
        figures = {
            "epochs": self.model.progress.epoch,
            "seconds": round(time.perf_counter() - started, 3),
            "training_seconds": round(sum(self.model.history.history.get("seconds", [])), 3),
            "images_per_second": round(meter.images_per_second, 1),
        }
        unfinished = self.model.progress.epoch < self.arguments["epochs"]
        if unfinished and not self.model.stop_reason:
            return self._interrupted(figures | {"signal": stop.received or None})
        return self._finished(figures)

    def _fit(self, callbacks: list[Any]) -> None:
        training, held_out = self.data.training, self.data.held_out
        validation = None if held_out is None else (held_out.images, held_out.labels)
        augment = self.arguments["augmentations"]
        self.model.fit(
            training.images,
            training.labels,
            batch_size=self.arguments["batch_size"],
            epochs=self.arguments["epochs"],
            initial_epoch=self.model.progress.epoch,
            verbose=0 if self.quiet else 1,
            callbacks=callbacks,
            augment=None if augment is None else Augment(**augment),
            validation_data=validation if self.validates else None,
        )

    def _interrupted(self, figures: dict[str, Any]) -> dict[str, Any]:
        results = self._results(figures, "interrupted")
        results["batch"] = self.model.progress.batch
        results["checkpoint_path"] = str(self.folder.checkpoint)
        results["resume"] = self.resume_command
        self._record("interrupted", results)
        return results

    def _finished(self, figures: dict[str, Any]) -> dict[str, Any]:
        model, training, test = self.model, self.data.training, self.data.dataset.test
        measured = {"train": model.evaluate(training.images, training.labels)}
        validation = self.data.dataset.validation
        if validation is not None:
            measured["val"] = model.evaluate(validation.images, validation.labels)
        if test is not None:
            measured["test"] = model.evaluate(test.images, test.labels)
        if test is not None and self.arguments["views"]:
            measured["test_plain"] = measured["test"]
            views = self.arguments["views"]
            measured["test"] = model.evaluate(test.images, test.labels, views=views)
        for part, logs in measured.items():
            figures |= {f"{part}_{name}": value for name, value in logs.items()}
        model.save(self.folder.model, training_state=False)
        title = f"{model.name} on {self.data.dataset.name}"
        if model.history.epoch:
            self.folder.write_curves(draw_curves(model.history.history, title, self.held_out_name))
        results = self._results(figures, "finished") | {"model_path": str(self.folder.model)}
        self._record("finished", results)
        return results

    def _results(self, figures: dict[str, Any], status: str) -> dict[str, Any]:
        return {
            "status": status,
            "stopped": self.model.stop_reason or None,
            "test_accuracy": None,
            "train_accuracy": None,
            **figures,
            "parameters": self.model.count_params(),
            "seed": self.model.seed,
            "threads": self.threads,
            "backend": self.model.backend,
            "isa": isa_in_use(),
            "model": self.model.name,
            "data": self.data.dataset.name,
            "model_path": None,
            "weights_sha256": weights_sha256(self.model.get_weights()),
        }

    def _record(self, status: str, results: dict[str, Any] | None = None) -> None:
        self.folder.write_record(
            {
                "status": status,
                "arguments": self.arguments,
                "options": self.options,
                "seed": self.model.seed,
                "threads": self.threads,
                "backend": self.model.backend,
                "isa": isa_in_use(),
                "versions": versions(),
                "data": self.data.record(),
                "val_figures_of": self.held_out_name if self.data.held_out else None,
                "results": results,
            }
        )


@dataclass
class Prepared:
    """A compiled model and its data, before anything is trained or written."""

    data_argument: str
    data: RunData
    chosen: Recipe
    config: ModelConfig
    model: Model
    watched: bool  # whether a callback decides by figures of held-out images


def prepare(options: TrainOptions) -> Prepared:
    """Model and data as the options, the model file and the recipe say."""
    config = None if options.model is None else model_argument(options.model)
    chosen = None if options.recipe is None else load(options.recipe)
    data, dataset = given_data(options, (chosen and chosen.data) or "digits")
    chosen = chosen or recipe_of_data(data, dataset.image_shape, options.model)
    config = _config(config, chosen.config)
    seed = 0 if options.seed is None else options.seed
    watched = bool(watchers(make_callbacks(callback_tables(options, config.callbacks))))
    share = RunData.share(dataset, options.validation, watched)
    images = RunData.of(dataset, share, options.train_size, seed)
    model = _model(config, dataset, seed, options)
    normalise_inputs(model, images.training.images)
    metrics = named_list(options.metrics, "--metrics", metric_registry) if options.metrics else []
    model.compile(_optimizer(options, config), config.loss or DEFAULT_LOSS, metrics=metrics)
    model.check_ends()
    return Prepared(data, images, chosen, config, model, watched)


def _config(given: ModelConfig | None, of_recipe: ModelConfig) -> ModelConfig:
    """What was asked for, with the recipe's loss, optimizer and callbacks if it has none."""
    if given is None:
        return of_recipe
    parts = ("loss", "optimizer", "callbacks")
    return replace(given, **{k: getattr(given, k) or getattr(of_recipe, k) for k in parts})


def new_run(options: TrainOptions, folder: RunFolder | None = None) -> Run:
    """Everything is checked before the folder is made."""
    callback_tables(options)
    if options.recipe is None:  # else its own augmentations may be what --augment-fill is for
        augment_option(options.augment, options.augment_fill)
    made = prepare(options)
    arguments = _arguments(options, made)
    model = made.model
    default = Path("runs") / f"{made.data.dataset.name}-{model.name}"
    folder = folder or RunFolder.create(options.out, default)
    kept = kept_options(options)
    folder.write_record({"status": "starting", "arguments": arguments, "options": kept})
    callbacks = make_callbacks(within(arguments["callbacks"], folder.path))
    unasked = options.validation is None and made.data.validation > 0
    return Run(model, folder, made.data, arguments, callbacks, options.quiet, kept, unasked)


def resumed_run(options: TrainOptions) -> Run:
    """The run of that folder, where its checkpoint left it."""
    assert options.resume is not None
    folder = run_folder(options.resume)
    record = folder.read_record()
    remove_litter(folder.path)
    if record.get("kind") == "baseline":
        raise OptionError(f"{folder.path} is the run of a baseline, which is fitted at once")
    for name, usual in (("backend", "native"), ("precision", "float32")):
        record["arguments"].setdefault(name, usual)  # runs of older versions have none
    check_conflicts(record["arguments"], options, folder.path)
    if began_nothing(record, folder):
        run = new_run(options_again(record, options, folder), folder)
        run.note(f"{folder.path} has no checkpoint yet: the run begins anew")
        return run
    checkpoint = Path(options.resume) if Path(options.resume).is_file() else folder.checkpoint
    model = load_model(checkpoint, threads=options.threads, backend=record["arguments"]["backend"])
    arguments = resumed_arguments(record["arguments"], options, model, checkpoint)
    dataset = load_again(arguments, folder.path)
    check_data(record, dataset, folder.record)
    data = RunData.of(dataset, arguments["validation"], arguments["train_size"], model.seed)
    callbacks = make_callbacks(within(arguments["callbacks"], folder.path))
    kept = record.get("options", {})
    return Run(model, folder, data, arguments, callbacks, options.quiet, kept)


def _model(config: ModelConfig, dataset: Dataset, seed: int, options: TrainOptions) -> Model:
    model = build(
        config,
        dataset.image_shape,
        len(dataset.classes),
        seed=seed,
        threads=options.threads,
        backend=options.backend,
        precision=options.precision,
    )
    if model.output_size != len(dataset.classes):
        raise OptionError(
            f"model {config.name!r} has {model.output_size} outputs, but {dataset.name} has "
            f"{len(dataset.classes)} classes"
        )
    model.classes = dataset.classes
    return model


def _optimizer(options: TrainOptions, config: ModelConfig) -> dict[str, Any]:
    """That of the model file or the recipe, or the named one with its defaults; then single
    options."""
    table = config.optimizer or {"name": "adam"}
    if options.optimizer not in (None, table["name"]):
        table = {"name": options.optimizer}
    given = {"momentum": options.momentum, "weight_decay": options.weight_decay}
    rate = learning_rate(table, options.lr, options.schedule)
    given_ones = {name: value for name, value in given.items() if value is not None}
    return table | {"learning_rate": rate} | given_ones


def _arguments(options: TrainOptions, made: Prepared) -> dict[str, Any]:
    """What `--resume` needs to go on, and compares with the options that are given there."""
    chosen, optimizer = made.chosen, made.model.optimizer
    assert optimizer is not None
    augment = augment_option(options.augment, options.augment_fill, chosen)
    callbacks = callback_tables(options, made.config.callbacks)
    epochs = UNLIMITED if limits_time(callbacks) else chosen.epochs
    return {
        "data": made.data_argument,
        "recipe": _absolute(options.recipe),
        "model": _absolute(options.model) or made.config.name,
        "epochs": epochs if options.epochs is None else options.epochs,
        "batch_size": options.batch_size or chosen.batch_size,
        "optimizer": optimizer.registered_name,
        "lr": base_rate(config_of(optimizer)["learning_rate"]),
        "schedule": options.schedule,
        "metrics": options.metrics,
        "momentum": getattr(optimizer, "momentum", None),
        "weight_decay": optimizer.weight_decay,
        "seed": made.model.seed,
        "backend": made.model.backend,
        "precision": made.model.precision,
        "validation": made.data.validation,
        "train_size": options.train_size,
        "callbacks": callbacks,
        "augment": options.augment,
        "augment_fill": options.augment_fill,
        "augmentations": None if augment is None else augment.options(),
        "validate": chosen.validate or made.watched or made.data.held_out_name == "validation",
        "views": chosen.views,
        "callback": options.callback,
        "early_stopping": options.early_stopping,
        "time_budget": options.time_budget,
        "ema": options.ema,
        "image_size": list(made.data.dataset.image_shape[:2]),
        "image_shape": options.image_shape and list(options.image_shape),
        **picture_arguments(options, made.data.dataset),
        "data_dir": options.data_dir and str(Path(options.data_dir).absolute()),
    }


def _absolute(name_or_file: str | None) -> str | None:
    """So that a run can be resumed from anywhere."""
    if name_or_file is None or not name_or_file.lower().endswith(".toml"):
        return name_or_file
    return str(Path(name_or_file).absolute())
