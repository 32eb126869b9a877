"""The command line: parse, call one function, print. Heavy imports wait until a command runs."""

import json
import signal
import sys
from typing import Any

import click

from fastcnn import __version__
from fastcnn.cli_errors import Commands
from fastcnn.cli_options import (
    POSITIVE,
    Numbers,
    Size,
    as_json,
    backend,
    data_dir,
    debug,
    image_shape,
    metrics,
    pictures,
    precision,
    threads,
    views,
)
from fastcnn.signals import exit_code
from fastcnn.text import say, shown

EPILOG = """\b
Exit codes: 0 done; 1 failed (bad data, model file, disk, memory);
2 wrong usage or option; 3 the loss diverged; 130, 143 or 129
interrupted by Ctrl-C, SIGTERM or SIGHUP.
"""


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fastcnn")
def main() -> None:
    """Train convolutional networks on CPUs: fast, repeatable, and plain to read.

    `fastcnn train` alone trains a small net on 8x8 digits in seconds.
    """


@main.command(epilog=EPILOG)
@click.option(
    "--data",
    metavar="NAME|PATH",
    help="digits (default), mnist, fashion-mnist, cifar10, cifar100; or an .npz file, a folder of "
    "IDX or CIFAR files, a CSV file of pixels or of paths, or a folder with a sub-folder of "
    "pictures per class, perhaps below train/, valid/ and test/, or a .zip or .tar of one. What "
    "exists at a path goes before a name.",
)
@click.option(
    "--recipe",
    metavar="NAME|FILE.toml",
    help="Data, model and all settings, e.g. cifar10-94; options override it. See `fastcnn models`."
    " Default: by the data.",
)
@click.option(
    "--model",
    metavar="NAME[:option=value,...]|FILE.toml",
    help="A network or a baseline, see `fastcnn models`. Default: by the data.",
)
@click.option("--epochs", type=POSITIVE, help="In all. Default: by the data.")
@click.option("--batch-size", type=POSITIVE, help="Default: by the data.")
@click.option("--optimizer", metavar="NAME", help="adam (default), sgd, rmsprop, ...")
@click.option("--lr", type=float, help="Learning rate. Default: by data and optimizer.")
@click.option(
    "--schedule",
    metavar="NAME[:option=value,...]",
    help="How the learning rate changes from step to step: cosine, one_cycle, "
    "step:decay_steps=1000,decay_rate=0.5, ... It starts from --lr.",
)
@click.option("--momentum", type=float, help="Of sgd and rmsprop.")
@click.option("--weight-decay", type=float, help="Decoupled weight decay of kernels.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    help="Of weights, order and dropout. Default: 0. Same seed, same bits.",
)
@metrics
@threads
@backend
@precision
@click.option(
    "--validation",
    metavar="FRACTION",
    type=click.FloatRange(0, 1, max_open=True),
    help="Part of the training images to measure on after each epoch, instead of the test set; not "
    "for data with a validation set. Default: 0.1 if something such as --early-stopping decides by "
    "val_ figures, else 0, the test set.",
)
@click.option(
    "--train-size",
    metavar="N",
    type=POSITIVE,
    help="Train on so many of the training images, each class in proportion.",
)
@data_dir
@click.option(
    "--image-size",
    metavar="N|HxW",
    type=Size("N or HxW", (1, 2)),
    help="Resize all images to this. Default: as they are; folders of pictures: their median "
    "size, at most 64.",
)
@image_shape
@pictures
@click.option(
    "--early-stopping",
    metavar="EPOCHS",
    type=click.IntRange(min=0),
    help="Stop after so many epochs without a smaller val_loss; the best weights are kept.",
)
@click.option(
    "--time-budget",
    metavar="TIME",
    help="Bring the learning rate down to 0 within 30s, 5m or 1h, and stop. Not repeatable.",
)
@click.option("--ema", metavar="DECAY", type=float, help="Average the weights, e.g. 0.999.")
@click.option(
    "--augment",
    metavar="NAME[:option=value,...]",
    multiple=True,
    callback=lambda ctx, param, value: value or None,
    help="What to do to training images, in this order; repeatable. See `fastcnn augment`.",
)
@click.option("--augment-fill", metavar="NAME", help="Beyond the edge: reflect (default), ...")
@click.option(
    "--callback",
    metavar="NAME[:option=value,...]",
    multiple=True,
    callback=lambda ctx, param, value: value or None,
    help="csv_logger:filename=log.csv, reduce_lr_on_plateau:patience=3, swa, ... Repeatable; see "
    "`fastcnn plugins callbacks`.",
)
@click.option(
    "--out", metavar="DIR", help="Folder of the run. Default: runs/<data>-<model>, numbered."
)
@click.option(
    "--resume", metavar="DIR|FILE", help="Go on with the run of this folder or checkpoint."
)
@as_json
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
@debug
def train(as_json: bool, **options: Any) -> None:
    """Train a model; model, checkpoint, history and curves go into a folder."""
    from fastcnn.commands.text import train_text
    from fastcnn.commands.train import TrainOptions
    from fastcnn.commands.train import train as run

    results = run(TrainOptions(**options))
    _print(results, as_json, train_text)
    if results["status"] == "interrupted":
        say(f"fastcnn: interrupted; go on with: {results['resume']}", err=True)
        sys.exit(exit_code(results["signal"] or signal.SIGINT))


@main.command("lr-find", epilog=EPILOG)
@click.option("--data", metavar="NAME|PATH", help="As for train. Default: digits.")
@click.option("--model", metavar="NAME|FILE.toml", help="Default: by the data.")
@click.option("--batch-size", type=POSITIVE, help="Default: by the data.")
@click.option("--optimizer", metavar="NAME", help="Default: by model and data.")
@click.option("--momentum", type=float, help="Of sgd and rmsprop.")
@click.option("--weight-decay", type=float, help="Decoupled weight decay of kernels.")
@click.option("--min-lr", type=float, default=1e-6, show_default=True, help="Where to begin.")
@click.option("--max-lr", type=float, default=10.0, show_default=True, help="Where to end.")
@click.option("--steps", type=click.IntRange(min=10), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Default: 0.")
@threads
@data_dir
@pictures
@click.option(
    "--out", default="lr-find.png", show_default=True, metavar="FILE.png", help="The picture."
)
@as_json
@debug
def lr_find(as_json: bool, **options: Any) -> None:
    """Suggest a learning rate: train on ever larger ones, until the loss grows."""
    from fastcnn.commands.lr_find import lr_find as run
    from fastcnn.commands.text import lr_find_text

    _print(run(**options), as_json, lr_find_text)


@main.command(epilog=EPILOG)
@click.argument("pipeline", metavar="[FILE.toml]", required=False)
@click.option("--data", metavar="NAME|PATH", help="As for train. Default: digits.")
@click.option(
    "--models",
    metavar="NAME,...",
    help="Networks and baselines, see `fastcnn models`; with options (resnet20:shortcut=B), or "
    "files of models (NET.toml).",
)
@click.option("--folds", type=click.IntRange(min=2), help="Of cross-validation. Default: 5.")
@click.option("--test", is_flag=True, default=None, help="Measure on the test set instead.")
@click.option("--images", type=POSITIVE, metavar="N", help="Take so many of the training images.")
@click.option("--sizes", metavar="N,...", type=Numbers(), help="Of training sets. Default: all.")
@click.option("--seeds", type=POSITIVE, help="Do it all so many times. Default: 1.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="The first one. Default: 0.")
@click.option("--epochs", type=POSITIVE, help="Of networks. Default: 1,000 steps, 10 to 100.")
@click.option("--budget", metavar="TIME", help="At most 30s, 10m or 1h for each fit.")
@click.option(
    "--optimizers", metavar="NAME,...", help="Compare these on the one network of --models."
)
@click.option("--image-size", metavar="N|HxW", type=Size("N or HxW", (1, 2)), help="As for train.")
@data_dir
@image_shape
@pictures
@click.option("--out", metavar="DIR", help="Default: runs/compare-<data>, numbered.")
@click.option("--resume", is_flag=True, default=None, help="Go on with what lies in --out.")
@click.option("-j", "--jobs", type=POSITIVE, help="Fits at a time, in processes. Default: 1.")
@click.option("--threads", type=POSITIVE, help="Of each fit. Default: cores / jobs.")
@click.option("--backend", type=click.Choice(["loky", "dask", "ray"]), help="Default: here.")
@click.option("--address", metavar="HOST:PORT", help="Of the cluster.")
@as_json
@click.option("--quiet", is_flag=True, default=None, help="No progress, only the result.")
@debug
def compare(as_json: bool, pipeline: str | None, **options: Any) -> None:
    """Train models on identical splits, and tell which differ: figures, tests, a page to read.

    FILE.toml may hold the options, under the same names; flags override it.
    """
    from fastcnn.commands.compare import compare as run
    from fastcnn.compare.report.terminal import terminal_text

    _print(run(pipeline, **options), as_json, terminal_text)


@main.command(epilog=EPILOG)
@click.argument("model")
@click.option("--data", metavar="NAME|PATH", help="Default: what the model was trained on.")
@click.option(
    "--part",
    type=click.Choice(["test", "validation", "train", "all"]),
    help="Default: test, or validation if there is no test set. Data with neither are split as in "
    "training.",
)
@views
@metrics
@data_dir
@image_shape
@pictures
@threads
@backend
@as_json
@debug
def evaluate(as_json: bool, model: str, **options: Any) -> None:
    """Loss, accuracy and metrics of MODEL (a model file or run folder), class by class."""
    from fastcnn.commands.evaluate import evaluate as run
    from fastcnn.commands.text import evaluate_text

    _print(run(model, **options), as_json, evaluate_text)


@main.command(epilog=EPILOG)
@click.argument("model")
@click.argument("files", metavar="IMAGE|FOLDER|ARCHIVE...", nargs=-1, required=True)
@click.option("--top", type=POSITIVE, default=3, show_default=True, help="Classes per picture.")
@click.option("--csv", "table", metavar="FILE", help="Write a table; - is stdout.")
@pictures
@views
@threads
@backend
@as_json
@debug
def predict(
    as_json: bool, model: str, files: tuple[str, ...], table: str | None, **options: Any
) -> None:
    """What MODEL (a model file or run folder) sees on pictures, in folders and archives of them."""
    from fastcnn.commands.predict import predict as run
    from fastcnn.commands.predict import predict_csv, write_csv
    from fastcnn.commands.text import predict_text

    if as_json and table == "-":
        raise click.UsageError("--json and --csv - both write to stdout")
    results = run(model, files, **options)
    if table == "-":
        say(predict_csv(results).rstrip("\n"))
        return
    if table is not None:
        write_csv(results, table)
    _print(results, as_json, predict_text)


@main.command(epilog=EPILOG)
@click.argument("model", metavar="MODEL|NAME|FILE.toml")
@click.option(
    "--input-shape",
    metavar="HxWxC",
    type=Size("HxWxC", (3,)),
    help="Default: what the model was made for.",
)
@click.option("--classes", type=POSITIVE, help="Default: what the model was made for.")
@click.option("--plot", metavar="FILE.png", help="Also draw the layers into this picture.")
@click.option("--kernels", is_flag=True, help="Also time the kernels that compute each layer.")
@click.option("--plan", is_flag=True, help="Also list the steps of training and of prediction.")
@click.option(
    "--batch-size",
    type=POSITIVE,
    default=128,
    show_default=True,
    help="For --kernels and --plan.",
)
@threads
@precision
@debug
def summary(model: str, **options: Any) -> None:
    """Layers of a model file, run folder, built-in model or TOML file."""
    from fastcnn.commands.summary import summary as run

    say(run(model, **options))


@main.command(epilog=EPILOG)
@click.option("--data", metavar="NAME|PATH", default="digits", show_default=True)
@click.option(
    "--augment",
    "names",
    metavar="NAME[:option=value,...]",
    multiple=True,
    help="What to do to images; may be given more than once, and is done in this order.",
)
@click.option("--fill", default="reflect", show_default=True, help="What lies beyond the edge.")
@click.option("--images", type=POSITIVE, default=6, show_default=True, help="Rows of the sheet.")
@click.option("--columns", type=POSITIVE, default=10, show_default=True, help="Variants of each.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@data_dir
@pictures
@click.option("--out", metavar="FILE.png", default="augmented.png", show_default=True)
@debug
def augment(**options: Any) -> None:
    """Draw a sheet of augmented samples, to look at before training."""
    from fastcnn.commands.augment import augment as run

    say(run(**options))


@main.command(epilog=EPILOG)
@debug
def models() -> None:
    """Built-in and installed models, classical baselines, and recipes for `fastcnn train`."""
    from fastcnn.commands.recipes import recipe_list
    from fastcnn.commands.summary import baseline_list, model_list
    from fastcnn.commands.text import models_text

    say(models_text(model_list(), baseline_list(), recipe_list()))


@main.command(epilog=EPILOG)
@click.argument("kinds", metavar="[KIND]...", nargs=-1)
@as_json
@debug
def plugins(as_json: bool, kinds: tuple[str, ...]) -> None:
    """All layers, losses, optimizers, callbacks, ..., built in or installed, with their options.

    KIND: layers, activations, losses, optimizers, schedules, callbacks, metrics, ...
    """
    from fastcnn.commands.plugins import plugins as run
    from fastcnn.commands.text import plugins_text

    _print(run(kinds), as_json, plugins_text)


@main.command(epilog=EPILOG)
@data_dir
@as_json
@debug
def doctor(as_json: bool, **options: Any) -> None:
    """Instruction set, threads, kernels, versions, data; and a check of the kernels."""
    from fastcnn.commands.doctor import doctor as run
    from fastcnn.commands.text import doctor_text

    report = run(**options)
    _print(report, as_json, doctor_text)
    if not report["ok"]:
        sys.exit(1)


def _print(results: Any, as_json: bool, text: Any) -> None:
    """JSON is ASCII, in which every name can be read back."""
    say(json.dumps(results, indent=2) if as_json else text(shown(results)))


if __name__ == "__main__":
    from fastcnn.__main__ import main as start

    start()
