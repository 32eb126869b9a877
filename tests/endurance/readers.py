"""Everything that reads files: how a good one is made, and what is done with a bad one."""

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastcnn import Input, Model, Sequential, load_baseline, load_model
from fastcnn import layers as L
from fastcnn.classical.classifier import BaselineClassifier
from fastcnn.commands.compare import compare
from fastcnn.commands.evaluate import evaluate
from fastcnn.commands.predict import predict
from fastcnn.commands.train import TrainOptions, train
from fastcnn.compare.folder import ComparisonFolder
from fastcnn.data.load import load_dataset
from fastcnn.models import build
from fastcnn.recipes import load
from fastcnn.training.model_config import read_model_toml
from tests.endurance.mutations import mutated_bytes, mutated_model, mutated_text

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
LABELS = np.arange(24) % 3
NET = """
name = "tiny"
loss = "sparse_categorical_crossentropy"
[optimizer]
name = "sgd"
learning_rate = 0.05
[[layers]]
type = "conv2d"
filters = 4
kernel_size = 3
strides = 1
padding = "same"
dilation_rate = 1
activation = "relu"
[[layers]]
type = "max_pooling2d"
pool_size = 2
[[layers]]
type = "flatten"
[[layers]]
type = "dense"
units = "classes"
activation = "softmax"
[[callbacks]]
name = "early_stopping"
patience = 3
monitor = "loss"
"""
RECIPE = NET.replace('name = "tiny"\n', 'data = "images.npz"\nepochs = 1\nbatch_size = 8\n', 1)
RECIPE = RECIPE.replace("batch_size = 8\n", 'batch_size = 8\naugment = ["flip"]\n', 1)
PIPELINE = """
data = "images.npz"
models = ["knn"]
folds = 2
seeds = 1
seed = 0
images = 18
sizes = [6]
quiet = true
out = "compared"
"""


@dataclass(frozen=True)
class Reader:
    """make(folder): write good files there; the one that is mutated is called `file`. use(path):
    what a user does with it."""

    file: str
    make: Callable[[Path], object]
    use: Callable[[Path], object]
    mutate: Callable[[bytes, random.Random], bytes]


# ---- models


def _network() -> Model:
    image = Input((8, 8, 1))
    x = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(image))
    y = L.Conv2D(4, 3, padding="same", dilation_rate=2, activation="relu")(x)
    flat = L.Flatten()(L.MaxPooling2D(2)(L.Add()([x, y])))
    return Model(image, L.Dense(3, activation="softmax")(flat))


def _save_network(folder: Path) -> None:
    model = _network()
    callbacks = [{"name": "early_stopping", "monitor": "loss"}, {"name": "ema", "decay": 0.9}]
    model.compile({"name": "sgd", "momentum": 0.9}, metrics=["top_k"])
    model.classes = ("a", "b", "c")
    model.fit(IMAGES, LABELS, batch_size=8, callbacks=callbacks, verbose=0)
    model.save(folder / "file.safetensors")


def _use_network(path: Path) -> None:
    model = load_model(path)
    model.summary()
    if model.input_shape != (8, 8, 1):
        return
    model.predict(IMAGES)
    if model.losses:
        model.evaluate(IMAGES, LABELS)
    if model.optimizer is not None:
        callbacks = [{"name": "early_stopping", "monitor": "loss"}, {"name": "ema", "decay": 0.9}]
        begun = model.progress.epoch
        if begun < 10:
            more = {"epochs": begun + 1, "initial_epoch": begun, "batch_size": 8, "verbose": 0}
            model.fit(IMAGES, LABELS, callbacks=callbacks, **more)
    model.save(path.with_name("again.safetensors"))


def _save_sequential(folder: Path) -> None:
    stack = [L.Conv2D(3, 3), L.LayerNormalization(), L.Flatten(), L.Dropout(0.2), L.Dense(3)]
    Sequential(stack, (8, 8, 1)).save(folder / "file.safetensors")


def _baseline(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        BaselineClassifier(name).fit(IMAGES, LABELS).save(folder / "file.safetensors")

    return make


def _use_baseline(path: Path) -> None:
    load_baseline(path).predict(IMAGES)


# ---- runs


def _save_images(folder: Path) -> None:
    np.savez(folder / "images.npz", x=IMAGES, y=LABELS)
    (folder / "net.toml").write_text(NET)


def _run(folder: Path) -> None:
    _save_images(folder)
    options = {"data": str(folder / "images.npz"), "model": str(folder / "net.toml")}
    train(TrainOptions(**options, epochs=1, batch_size=8, out=str(folder), quiet=True))


def _named(name: str) -> Callable[[Path], None]:
    """A run; the file of that name in it will be the mutated one."""

    def make(folder: Path) -> None:
        _run(folder)
        (folder / name).rename(folder / f"file{Path(name).suffix}")

    return make


def _use_run(path: Path) -> None:
    folder = path.parent
    (folder / "run.json").write_bytes(path.read_bytes())
    picture = _picture_of(folder)
    predict(str(folder), [picture])
    evaluate(str(folder))
    epochs = json.loads((folder / "run.json").read_bytes())["arguments"].get("epochs", 1)
    if isinstance(epochs, int) and epochs < 5:
        train(TrainOptions(resume=str(folder), epochs=2, quiet=True))


def _picture_of(folder: Path) -> str:
    import cv2

    path = folder / "picture.png"
    if not path.exists():
        cv2.imwrite(str(path), IMAGES[0])
    return str(path)


def _use_net(path: Path) -> None:
    model = build(read_model_toml(path), (8, 8, 1), 3)
    model.compile("sgd")
    model.predict(IMAGES)


def _use_recipe(path: Path) -> None:
    recipe = load(path)
    model = recipe.build((8, 8, 1), 3)
    recipe.fit(model, IMAGES, LABELS, epochs=1, batch_size=8, verbose=0)


def _write(text: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        _save_images(folder)
        (folder / "file.toml").write_text(text)

    return make


def _use_pipeline(path: Path) -> None:
    compare(str(path), data=str(path.with_name("images.npz")), out=_new(path), quiet=True)


def _new(path: Path) -> str:
    number = len(list(path.parent.glob("compared-*")))
    return str(path.with_name(f"compared-{number}"))


def _compared(folder: Path) -> None:
    _save_images(folder)
    options = {"data": str(folder / "images.npz"), "models": ["knn"], "folds": 2}
    compare(None, **options, out=str(folder / "compared"), quiet=True)
    (folder / "compared" / "comparison.json").rename(folder / "file.json")


def _use_comparison(path: Path) -> None:
    folder = ComparisonFolder(path.with_name("compared"))
    folder.record.write_bytes(path.read_bytes())
    compare(None, out=str(folder.path), resume=True, quiet=True)


def _job(folder: Path) -> None:
    _compared(folder)
    (folder / "file.json").rename(folder / "compared" / "comparison.json")
    job = next((folder / "compared" / "jobs").iterdir())
    (folder / "job").write_text(job.name)
    (folder / "file.json").write_bytes(job.read_bytes())


def _use_job(path: Path) -> None:
    name = path.with_name("job").read_text()
    (path.with_name("compared") / "jobs" / name).write_bytes(path.read_bytes())
    compare(None, out=str(path.with_name("compared")), resume=True, quiet=True)


# ---- data


def _idx(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    for part, images, labels in (("train", IMAGES, LABELS), ("t10k", IMAGES[:6], LABELS[:6])):
        head = struct.pack(">4I", 0x803, len(images), 8, 8)
        (data / f"{part}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = struct.pack(">2I", 0x801, len(labels))
        (data / f"{part}-labels-idx1-ubyte").write_bytes(head + labels.astype(np.uint8).tobytes())
    (folder / "file").write_bytes((data / "train-images-idx3-ubyte").read_bytes())


def _use_idx(path: Path) -> None:
    (path.with_name("data") / "train-images-idx3-ubyte").write_bytes(path.read_bytes())
    load_dataset(str(path.with_name("data")))


def _npz(folder: Path) -> None:
    np.savez(folder / "file.npz", x=IMAGES, y=LABELS)


def _picture(suffix: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        import cv2

        for name in ("a", "b"):
            (folder / "data" / name).mkdir(parents=True)
            for k in range(4):
                path = folder / "data" / name / f"{k}{suffix}"
                cv2.imwrite(str(path), RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        (folder / f"file{suffix}").write_bytes((folder / "data" / "a" / f"0{suffix}").read_bytes())

    return make


def _use_picture(path: Path) -> None:
    (path.with_name("data") / "a" / f"0{path.suffix}").write_bytes(path.read_bytes())
    load_dataset(str(path.with_name("data")))


def _use_data(path: Path) -> None:
    load_dataset(str(path))


READERS: dict[str, Reader] = {
    "network": Reader("file.safetensors", _save_network, _use_network, mutated_model),
    "sequential": Reader("file.safetensors", _save_sequential, _use_network, mutated_model),
    "logistic": Reader("file.safetensors", _baseline("logistic"), _use_baseline, mutated_model),
    "forest": Reader("file.safetensors", _baseline("random_forest"), _use_baseline, mutated_model),
    "run.json": Reader("file.json", _named("run.json"), _use_run, mutated_text),
    "model.toml": Reader("file.toml", _write(NET), _use_net, mutated_text),
    "recipe.toml": Reader("file.toml", _write(RECIPE), _use_recipe, mutated_text),
    "compare.toml": Reader("file.toml", _write(PIPELINE), _use_pipeline, mutated_text),
    "comparison.json": Reader("file.json", _compared, _use_comparison, mutated_text),
    "job.json": Reader("file.json", _job, _use_job, mutated_text),
    "npz": Reader("file.npz", _npz, _use_data, mutated_bytes),
    "idx": Reader("file", _idx, _use_idx, mutated_bytes),
    "png": Reader("file.png", _picture(".png"), _use_picture, mutated_bytes),
    "jpg": Reader("file.jpg", _picture(".jpg"), _use_picture, mutated_bytes),
}
