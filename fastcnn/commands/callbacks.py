"""The callbacks of `fastcnn train`, from the model file, --callback and its short forms."""

from collections.abc import Iterable, Sequence
from typing import Any

from fastcnn.commands.named_options import named_options
from fastcnn.engine.callback import Callback
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks
from fastcnn.training.callback_list import make_callbacks
from fastcnn.training.callback_paths import absolute
from fastcnn.training.duration import seconds_of


def callback_tables(options: Any, of_model: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """[{"name": ..., option: ...}], checked; options of the command line replace the model file's.

    options: with `callback` (texts), `early_stopping`, `time_budget` and `ema`, None if not given.
    """
    texts = options.callback or ()
    tables = [absolute(named_options(text, "--callback", callbacks)) for text in texts]
    if options.early_stopping is not None:
        tables.append({"name": "early_stopping", "patience": options.early_stopping})
    if options.time_budget is not None:
        tables.append({"name": "time_budget", "seconds": seconds_of(options.time_budget)})
    if options.ema is not None:
        tables.append({"name": "ema", "decay": options.ema})
    given = {table["name"] for table in tables}
    named = [{"name": entry} if isinstance(entry, str) else dict(entry) for entry in of_model]
    tables = [*(table for table in named if table["name"] not in given), *tables]
    if "lr_finder" in (table["name"] for table in tables):
        raise OptionError("lr_finder trains nothing: use the command `fastcnn lr-find`")
    make_callbacks(tables)
    return tables


def limits_time(tables: Iterable[dict[str, Any]]) -> bool:
    """Whether something else than the number of epochs ends training."""
    return any(table["name"] == "time_budget" for table in tables)


def watchers(made: Iterable[Callback]) -> list[str]:
    """Names of the callbacks that decide by figures of the held-out images."""
    return [
        callback.registered_name
        for callback in made
        if _monitored(callback).startswith("val_") and getattr(callback, "save_best_only", True)
    ]


def _monitored(callback: Callback) -> str:
    figure = getattr(callback, "figure", None)
    return str(getattr(figure, "name", getattr(callback, "monitor", "")))
