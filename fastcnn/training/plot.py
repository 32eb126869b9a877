"""A picture of a model: layers as boxes, what they read as arrows."""

from pathlib import Path
from typing import Any

from fastcnn.engine.network import Network
from fastcnn.errors import OptionError
from fastcnn.text import one_line
from fastcnn.training.figure import save_figure
from fastcnn.training.layout import Layout, Place, lay_out
from fastcnn.training.model_file import write_atomically
from fastcnn.training.summary import Row, summary_rows

FORMATS = ("png", "svg", "pdf")
LETTER, HEIGHT, STEP = 0.075, 0.42, 0.8  # inches: width of a letter, height of a box, a rank
GAP = 0.3  # inches between boxes
HEAD = 0.07  # inches, of an arrow
INK = "#444444"
MIDDLE: Any = {"ha": "center", "va": "center", "parse_math": False}  # "$" begins no formula
LARGEST = 600  # inches: what a PNG of 100 dots an inch can hold
COLORS = {
    "conv": "#cfe2f3",
    "dense": "#fce0c4",
    "pool": "#d5ead0",
    "norm": "#e7e0f0",
    "input": "#ffffff",
    "merge": "#f6d5d8",
    "model": "#fff2cc",
    "other": "#eeeeee",
}


def draw_model(network: Network, title: str, path: str | Path) -> None:
    """Write a picture, in the format that the ending of the path names."""
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise OptionError(f"a picture ends with {', '.join('.' + f for f in FORMATS)}, not {path}")
    picture = _draw(summary_rows(network), title)
    write_atomically(path, lambda file: save_figure(picture, file, format=kind, dpi=100))


def _draw(rows: list[Row], title: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = {row.name: k for k, row in enumerate(rows)}
    layout = lay_out([[names[name.partition("[")[0]] for name in row.reads] for row in rows])
    texts = [_texts(row) for row in rows]
    width = max(LETTER * len(line) for pair in texts for line in pair) + 0.2
    low, high = (side(p.x for rank in layout.ranks for p in rank) for side in (min, max))
    across = (high - low) * (width + GAP) + width + 2 * GAP
    down = len(layout.ranks) * STEP + 0.5
    if down > LARGEST:
        raise OptionError(f"a picture of {len(layout.ranks):,} layers in a row is too large")
    picture = Figure(figsize=(across, down))
    FigureCanvasAgg(picture)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, across)
    axes.set_ylim(down, 0)
    axes.axis("off")
    axes.text(across / 2, 0.25, one_line(title), fontsize=11, **MIDDLE)

    def point(place: Place) -> tuple[float, float]:
        x = (place.x - low) * (width + GAP) + width / 2 + GAP
        return x, 0.5 + (place.rank + 0.5) * STEP - 0.08

    _lines(axes, layout, point)
    for row, pair, place in zip(rows, texts, layout.boxes, strict=True):
        _box(axes, row, pair, point(place), width)
    return picture


def _texts(row: Row) -> tuple[str, str]:
    """Name and kind, unless the name tells the kind; shape and parameters."""
    plain = row.kind.lower() in row.name.replace("_", "")
    parameters = "shared" if row.parameters is None else f"{row.parameters:,} parameters"
    counted = row.parameters is None or row.parameters > 0
    shape = " and ".join(row.shapes)
    title = row.name if plain else f"{row.name} ({row.kind})"
    title = one_line(title)
    return title, f"{shape}, {parameters}" if counted else shape


def _box(
    axes: Any, row: Row, texts: tuple[str, str], at: tuple[float, float], width: float
) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = at
    corner = (x - width / 2 + 0.05, y - HEIGHT / 2 + 0.05)
    style = "round,pad=0.05,rounding_size=0.08"
    color = COLORS[_kind(row)]
    box = FancyBboxPatch(
        corner, width - 0.1, HEIGHT - 0.1, boxstyle=style, fc=color, ec=INK, lw=0.8
    )
    axes.add_patch(box)
    axes.text(x, y - 0.09, texts[0], fontsize=8, **MIDDLE)
    axes.text(x, y + 0.1, texts[1], fontsize=7.5, color="#333333", **MIDDLE)


def _kind(row: Row) -> str:
    name = row.kind.lower()
    if name in ("model", "sequential"):
        return "model"
    if name in ("add", "multiply", "average", "maximum", "concatenate"):
        return "merge"
    return next((kind for kind in COLORS if kind in name), "other")


def _lines(axes: Any, layout: Layout, point: Any) -> None:
    """Smooth lines through the bends, an arrow at the end."""
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Curve

    for line in layout.lines:
        points, codes = _curve([point(place) for place in line])
        letters = {"M": Curve.MOVETO, "L": Curve.LINETO, "C": Curve.CURVE4}
        path = Curve(points, [letters[code] for code in codes])
        axes.add_patch(PathPatch(path, fc="none", ec=INK, lw=1))
        x, y = points[-1]
        head = [(x, y + HEAD), (x - HEAD / 2, y), (x + HEAD / 2, y)]
        axes.add_patch(Polygon(head, fc=INK, ec=INK, lw=0.5))


def _curve(places: list[tuple[float, float]]) -> tuple[list[tuple[float, float]], str]:
    """Points and what to do at each, M move, L straight, C curve: from box to box, past others."""
    (x, y), *others = places
    points, codes = [(x, y + HEIGHT / 2)], "M"
    for number, (to_x, to_y) in enumerate(others, 1):
        last = number == len(others)
        from_x, from_y = points[-1]
        top = to_y - HEIGHT / 2 - (HEAD if last else 0)
        middle = (from_y + top) / 2
        points += [(from_x, middle), (to_x, middle), (to_x, top)]
        codes += "CCC"
        if not last:
            points.append((to_x, top + HEIGHT))
            codes += "L"
    return points, codes
