"""A small kit for charts as SVG text: scales, axes, points, lines, bands.

Colours are classes and CSS variables of the page (`fastcnn/compare/report/templates/page.css`), so
a chart follows light and dark. Each series has a colour, a marker and a dash of its own: nothing is
told by colour alone.
"""

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 14, 50
MARKERS = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",  # circle
    "M-4 -4H4V4H-4z",  # square
    "M0 -5.5L5 4H-5z",  # triangle
    "M0 -6L5 0L0 6L-5 0z",  # diamond
    "M0 5.5L5 -4H-5z",  # triangle, point down
    "M-1.6 -5H1.6V-1.6H5V1.6H1.6V5H-1.6V1.6H-5V-1.6H-1.6z",  # plus
)
COLORS = 8
DASHES = ("", "7 3", "2 3", "9 3 2 3")


class Scale:
    """Values to places, from `start` to `end`; logarithmic if asked for.

    ticks: the values that are marked.
    """

    def __init__(
        self,
        values: Sequence[float],
        start: float,
        end: float,
        log: bool = False,
        exact: Sequence[float] = (),
    ) -> None:
        low, high = min(values), max(values)
        self.log = log
        if log:
            low, high = low / 1.25, high * 1.25
        else:
            pad = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
            low, high = (low - pad if low != 0 else 0.0), high + pad
        self._low, self._high = self._move(low), self._move(high)
        self._start, self._end = start, end
        self.ticks = list(exact) or (log_ticks(low, high) if log else linear_ticks(low, high))

    def _move(self, value: float) -> float:
        return math.log(value) if self.log else value

    def __call__(self, value: float) -> float:
        part = (self._move(value) - self._low) / ((self._high - self._low) or 1)
        return round(self._start + part * (self._end - self._start), 1)


def linear_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten; with 2 and 5 times these where there are few; multiples in a small range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ticks = [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]
        if len(ticks) >= 3:
            return ticks
    return linear_ticks(low, high, most=4)


class Chart:
    """Axes and what is drawn on them; `text()` is the whole picture.

    title, description: read out by screen readers instead of the picture.
    """

    def __init__(self, name: str, title: str, description: str, height: int = HEIGHT) -> None:
        self.name, self.title, self.description, self.height = name, title, description, height
        self.parts: list[str] = []

    def axes(self, x: Scale, y: Scale, x_title: str, y_title: str, x_text, y_text) -> None:  # type: ignore[no-untyped-def]
        self.x, self.y = x, y
        bottom, right = self.height - BOTTOM, WIDTH - RIGHT
        for value in y.ticks:
            place = y(value)
            self.add(f'<path class="grid" d="M{LEFT} {place}H{right}"/>')
            self.label(LEFT - 8, place + 4, y_text(value), "end")
        for value in x.ticks:
            self.add(f'<path class="tick" d="M{x(value)} {bottom}v5"/>')
            self.label(x(value), bottom + 19, x_text(value), "middle")
        self.add(f'<path class="axis" d="M{LEFT} {bottom}H{right}"/>')
        self.label((LEFT + right) / 2, self.height - 8, x_title, "middle")
        middle = (TOP + bottom) / 2
        turned = f'transform="rotate(-90 14 {middle})" '
        self.add(f'<text {turned}x="14" y="{middle}" text-anchor="middle">{escape(y_title)}</text>')

    def add(self, element: str) -> None:
        self.parts.append(element)

    def label(self, x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> None:
        style = f' class="{kind}"' if kind else ""
        self.add(f'<text{style} x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')

    def line(self, points: Sequence[tuple[float, float]], series: int, faint: bool = False) -> None:
        """points: values, not places."""
        path = "M" + "L".join(f"{self.x(x)} {self.y(y)}" for x, y in points)
        kind = "line faint" if faint else "line"
        self.add(f'<path class="{kind} {color(series)}" {dash(series)} d="{path}"/>')

    def band(self, points: Sequence[tuple[float, float, float]], series: int) -> None:
        """points: (x, low, high)."""
        upper = [f"{self.x(x)} {self.y(high)}" for x, _, high in points]
        lower = [f"{self.x(x)} {self.y(low)}" for x, low, _ in reversed(points)]
        path = "M" + "L".join(upper + lower) + "z"
        self.add(f'<path class="band {color(series)}" d="{path}"/>')

    def bar(self, x: float, low: float, high: float, series: int) -> None:
        """An interval, upright."""
        path = f"M{self.x(x)} {self.y(low)}V{self.y(high)}"
        self.add(f'<path class="bar {color(series)}" d="{path}"/>')

    def marker(self, x: float, y: float, series: int, note: str, hollow: bool = False) -> None:
        """note: shown where the pointer rests."""
        place = f'transform="translate({self.x(x)} {self.y(y)})"'
        kind = "marker hollow" if hollow else "marker"
        shape = MARKERS[series % len(MARKERS)]
        head = f"<title>{escape(note)}</title>"
        self.add(f'<path class="{kind} {color(series)}" {place} d="{shape}">{head}</path>')

    def text(self) -> str:
        names = f"{self.name}-title {self.name}-description"
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-labelledby="{names}">'
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-description">{escape(self.description)}</desc>'
            f"{''.join(self.parts)}</svg>"
        )


def color(series: int) -> str:
    return f"c{series % COLORS}"


def dash(series: int) -> str:
    pattern = DASHES[(series // COLORS) % len(DASHES)]
    return f'stroke-dasharray="{pattern}"' if pattern else ""


def key(series: int) -> str:
    """The sign of a series, for legends; the name stands beside it."""
    shape = f'<path class="marker {color(series)}" d="{MARKERS[series % len(MARKERS)]}"/>'
    line = f'<path class="line {color(series)}" {dash(series)} d="M-13 0H13"/>'
    return f'<svg class="key" viewBox="-14 -8 28 16" aria-hidden="true">{line}{shape}</svg>'
