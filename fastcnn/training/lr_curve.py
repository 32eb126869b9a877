"""A picture of the loss by learning rate."""

import io
from collections.abc import Sequence

from fastcnn.text import one_line
from fastcnn.training.curves import HELD_OUT, TRAINING
from fastcnn.training.figure import save_figure


def draw_lr_curve(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float,
    title: str,
) -> bytes:
    """PNG: loss of each batch, its smoothed course, and the suggested rate."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = Figure(figsize=(6, 3.8), layout="constrained")
    FigureCanvasAgg(picture)
    axes = picture.add_subplot()
    axes.set_title(one_line(title), fontsize=11, parse_math=False)
    axes.plot(rates, losses, ".", ms=3, c=TRAINING, alpha=0.5, label="batches")
    axes.plot(rates, smoothed, lw=1.5, c=TRAINING, label="smoothed")
    axes.axvline(suggestion, lw=1.2, c=HELD_OUT, label=f"suggestion {suggestion:.2g}")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    # The loss of rates that are too large would press everything else flat.
    low, high = min(losses), max(losses[: max(len(losses) // 4, 1)])
    axes.set_ylim(low - 0.1 * (high - low), high + 0.2 * (high - low))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    file = io.BytesIO()
    save_figure(picture, file, format="png", dpi=150)
    return file.getvalue()
