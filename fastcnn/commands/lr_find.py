"""`fastcnn lr-find`: a learning-rate range test with a picture."""

from pathlib import Path
from typing import Any

from fastcnn.commands.train import TrainOptions, prepare
from fastcnn.errors import OptionError
from fastcnn.kernels.threads import resolve_threads
from fastcnn.plugins.registry import callbacks, make
from fastcnn.training.lr_curve import draw_lr_curve
from fastcnn.training.model_file import write_atomically
from fastcnn.training.progress import UNLIMITED


def lr_find(min_lr: float, max_lr: float, steps: int, out: str, **options: Any) -> dict[str, Any]:
    """The sweep of the callback lr_finder on the training images; other options as for train."""
    resolve_threads(options.get("threads"))
    finder = make(
        callbacks, {"name": "lr_finder", "min_lr": min_lr, "max_lr": max_lr, "steps": steps}
    )
    if Path(out).suffix.lower() != ".png":
        raise OptionError(f"--out {out}: the picture is a .png file")
    made = prepare(TrainOptions(**{"validation": 0.0, **options}))  # nothing is measured
    model = made.model
    model.fit(
        made.data.training.images,
        made.data.training.labels,
        batch_size=options.get("batch_size") or made.chosen.batch_size,
        epochs=UNLIMITED,
        verbose=0,
        callbacks=[finder],
    )
    suggestion = finder.suggestion
    assert model.optimizer is not None
    title = f"{model.name} on {made.data.dataset.name}, {model.optimizer.registered_name}"
    picture = draw_lr_curve(finder.rates, finder.losses, finder.smoothed, suggestion, title)
    write_atomically(Path(out), lambda temporary: temporary.write_bytes(picture))
    return {
        "suggestion": suggestion,
        "rates": finder.rates,
        "losses": finder.losses,
        "smoothed": finder.smoothed,
        "stopped": model.stop_reason,
        "model": model.name,
        "data": made.data.dataset.name,
        "optimizer": model.optimizer.registered_name,
        "picture": out,
    }
