"""A picture of loss and accuracy by epoch."""

import io

from fastcnn.text import one_line
from fastcnn.training.figure import save_figure

TRAINING, HELD_OUT = "#2a6fbb", "#d1662a"


def draw_curves(history: dict[str, list[float]], title: str, held_out: str) -> bytes:
    """PNG. held_out: what the `val_` figures were measured on, e.g. "test"."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figures = [name for name in ("loss", "accuracy") if name in history]
    picture = Figure(figsize=(5 * max(len(figures), 1), 3.6), layout="constrained")
    FigureCanvasAgg(picture)
    picture.suptitle(one_line(title), fontsize=11, parse_math=False)
    for place, name in enumerate(figures):
        axes = picture.add_subplot(1, len(figures), place + 1)
        _draw(axes, history[name], "training", TRAINING)
        if f"val_{name}" in history:
            _draw(axes, history[f"val_{name}"], held_out, HELD_OUT)
        _dress(axes, name, len(history[name]))
    file = io.BytesIO()
    save_figure(picture, file, format="png", dpi=150)
    return file.getvalue()


def _draw(axes, values, label, color) -> None:
    marker = "o" if len(values) <= 30 else None
    last = f"{label} ({values[-1]:.4f})"
    axes.plot(range(1, len(values) + 1), values, marker=marker, ms=3, lw=1.5, c=color, label=last)


def _dress(axes, name: str, epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.set_xlim(0.5, epochs + 0.5)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    if name == "loss":
        axes.set_ylim(bottom=0)
