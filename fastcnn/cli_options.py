"""Options that several commands share."""

from typing import Any

import click


class Size(click.ParamType):
    """ "32" or "32x48" (height x width), or three numbers for height x width x channels."""

    def __init__(self, name: str, counts: tuple[int, ...]) -> None:
        self.name = name
        self.counts = counts

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().split("x")
        if len(parts) not in self.counts or not all(p.isdecimal() and int(p) > 0 for p in parts):
            self.fail(f"{value!r} is not of the form {self.name}", param, ctx)
        numbers = tuple(map(int, parts))
        return numbers * 2 if len(numbers) == 1 else numbers


class Numbers(click.ParamType):
    """ "500,2000,10000": whole numbers above 0."""

    name = "N,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> list[int]:
        if isinstance(value, list):
            return value
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is not of the form N,N,...", param, ctx)
        return [int(part) for part in parts]


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta["fastcnn.debug"] = value


POSITIVE = click.IntRange(min=1)
debug = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_set_debug,
    is_eager=True,
    help="Show the traceback of an error.",
)
threads = click.option("--threads", type=POSITIVE, help="Default: all cores.")
backend = click.option(
    "--backend",
    type=click.Choice(["native", "numba", "reference"]),
    help="Maker of the kernels. Default: FASTCNN_BACKEND, else native.",
)
precision = click.option(
    "--precision",
    type=click.Choice(["float32", "bf16"]),
    help="Of the factors in convolutions and dense layers. Default: that of the model file, else "
    "FASTCNN_PRECISION, else float32.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
metrics = click.option(
    "--metrics",
    metavar="NAME,...",
    help="f1, auc, top_k:k=3, precision:average=micro, ...",
)
data_dir = click.option(
    "--data-dir", metavar="DIR", help="Where named sets lie. Also: FASTCNN_DATA."
)


def pictures(command: Any) -> Any:
    """Options of how pictures are read."""
    for option in reversed(PICTURES):
        command = option(command)
    return command


PICTURES = (
    click.option(
        "--background",
        metavar="COLOUR|R,G,B",
        help="What transparent pictures are drawn onto: white (default), black, grey, or 0 to 255 "
        "each.",
    ),
    click.option(
        "--max-pixels",
        metavar="N",
        type=POSITIVE,
        help="Refuse larger pictures. Default: 180 million.",
    ),
    click.option(
        "--skip-damaged",
        is_flag=True,
        default=None,
        help="Leave damaged pictures out, and say so.",
    ),
)
image_shape = click.option(
    "--image-shape",
    metavar="HxW[xC]",
    type=Size("HxW or HxWxC", (2, 3)),
    help="Of the pixels in a line of a CSV file. Default: a square, grey or RGB.",
)
views = click.option(
    "--views",
    metavar="OPTION=VALUE,...|none",
    help="Average the outputs for several views of each image: flip=true,shift=1. Default: as the "
    "recipe of the run says.",
)
