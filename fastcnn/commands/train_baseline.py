"""`fastcnn train --model hog-svm`: a run of a classical baseline, in a folder as of a network."""

import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.classical.classifier import BaselineClassifier
from fastcnn.classical.saving import arrays_of
from fastcnn.commands.baseline_model import BaselineModel, chosen_text
from fastcnn.commands.named_options import named_list
from fastcnn.commands.picture_arguments import picture_arguments
from fastcnn.commands.run_data import RunData, given_data
from fastcnn.commands.versions import isa_in_use, versions
from fastcnn.engine.baseline import Baseline
from fastcnn.errors import FastcnnError, OptionError
from fastcnn.kernels.threads import resolve_threads
from fastcnn.plugins.registry import baselines, make
from fastcnn.plugins.registry import metrics as metric_registry
from fastcnn.text import say
from fastcnn.training.interrupt import signals_interrupt
from fastcnn.training.model_file import weights_sha256
from fastcnn.training.run_folder import RunFolder

USED = (
    *("data", "model", "metrics", "seed", "validation", "train_size", "data_dir", "image_size"),
    *("image_shape", "background", "max_pixels", "skip_damaged", "threads", "out", "quiet"),
)


def train_baseline(options: Any, table: dict[str, Any]) -> dict[str, Any]:
    """options: TrainOptions; table: the baseline's name and options. Results as of a network."""
    _check_options(options, table)
    baseline = make(baselines, table)
    metrics = named_list(options.metrics, "--metrics", metric_registry) if options.metrics else []
    seed = 0 if options.seed is None else options.seed
    data, dataset = given_data(options, "digits")
    parts = RunData.of(dataset, options.validation, options.train_size, seed)
    _check_images(baseline, parts.training.images[:1])
    classifier = BaselineClassifier(baseline, random_state=seed, n_jobs=options.threads)
    default = Path("runs") / f"{dataset.name}-{baseline.registered_name}"
    arguments = {
        "data": data,
        "model": table,
        "metrics": options.metrics,
        "seed": seed,
        "validation": options.validation or 0.0,
        "train_size": options.train_size,
        "image_size": list(dataset.image_shape[:2]),
        "image_shape": options.image_shape and list(options.image_shape),
        **picture_arguments(options, dataset),
        "data_dir": options.data_dir and str(Path(options.data_dir).absolute()),
    }
    folder = RunFolder.create(options.out, default)
    model = BaselineModel(classifier, metrics)
    return BaselineRun(model, folder, parts, arguments, options.quiet).train()


def _check_options(options: Any, table: dict[str, Any]) -> None:
    given = [k for k, v in vars(options).items() if v is not None and k not in USED]
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise OptionError(f"{table['name']} is a baseline, which is fitted at once: drop {flags}")


def _check_images(baseline: Baseline, image: np.ndarray) -> None:
    """Whether its features can be computed, before a folder is made."""
    from sklearn.pipeline import Pipeline

    try:
        Pipeline(baseline.features(1)).fit_transform(image)
    except FastcnnError as error:
        shape = "x".join(map(str, image.shape[1:]))
        raise OptionError(f"{baseline.registered_name} takes no {shape} images: {error}") from error


@dataclass
class BaselineRun:
    """A baseline, its data and its folder."""

    model: BaselineModel
    folder: RunFolder
    data: RunData
    arguments: dict[str, Any]
    quiet: bool

    def note(self, text: str) -> None:
        if not self.quiet:
            say(text, err=True)

    def train(self) -> dict[str, Any]:
        self.note(self.data.text())
        self.note(f"model  {self.model.name}: a classical baseline")
        threads = resolve_threads(self.model.classifier.n_jobs)
        self.note(f"run    {self.folder.path}: {threads} thread{'s' * (threads > 1)}")
        self._record("running")
        try:
            with signals_interrupt():
                results = self._results(threads)
        except KeyboardInterrupt:
            self._record("interrupted")
            raise
        self._record("finished", results)
        return results

    def _results(self, threads: int) -> dict[str, Any]:
        seconds = self._fit()
        figures = self._figures()
        classifier = self.model.classifier
        classifier.save(self.folder.model)
        return {
            "status": "finished",
            "stopped": None,
            "test_accuracy": None,
            "train_accuracy": None,
            "epochs": None,
            "seconds": round(seconds, 3),
            "images_per_second": round(len(self.data.training) / seconds, 1),
            **figures,
            "parameters": self.model.count_params(),
            "seed": self.arguments["seed"],
            "threads": threads,
            "backend": self.model.backend,
            "isa": isa_in_use(),
            "model": self.model.name,
            "data": self.data.dataset.name,
            "tuning": classifier.tuning_,
            "model_path": str(self.folder.model),
            "weights_sha256": weights_sha256(arrays_of(classifier)),
        }

    def _fit(self) -> float:
        """Seconds of tuning and fitting."""
        training, started = self.data.training, time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.model.classifier.fit(training.images, training.labels)
        seconds = time.perf_counter() - started
        self.model.classifier.class_names_ = self.data.dataset.classes
        for text in dict.fromkeys(str(warning.message).partition("\n")[0] for warning in caught):
            self.note(f"note   {text}")
        tuning = self.model.classifier.tuning_
        if tuning["images"]:
            of = f"{len(tuning['tried'])} settings, on {tuning['images']:,} training images"
            self.note(f"tuned  {chosen_text(tuning)}: the best of {of}")
        return seconds

    def _figures(self) -> dict[str, Any]:
        sets = {"train": self.data.training, "test": self.data.dataset.test}
        if self.data.held_out_name == "validation":
            sets["val"] = self.data.held_out
        figures: dict[str, Any] = {}
        for part, images in sets.items():
            if images is not None:
                logs = self.model.evaluate(images.images, images.labels)
                figures |= {f"{part}_{k}": v for k, v in logs.items() if v is not None}
        return figures

    def _record(self, status: str, results: dict[str, Any] | None = None) -> None:
        name = self.data.held_out_name
        self.folder.write_record(
            {
                "status": status,
                "kind": "baseline",
                "arguments": self.arguments,
                "seed": self.arguments["seed"],
                "threads": resolve_threads(self.model.classifier.n_jobs),
                "backend": self.model.backend,
                "isa": isa_in_use(),
                "versions": versions() | {"scikit-learn": version("scikit-learn")},
                "data": self.data.record(),
                "val_figures_of": "validation" if name == "validation" else None,
                "results": results,
            }
        )
