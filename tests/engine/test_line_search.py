"""The strong Wolfe conditions, on functions of one variable."""

import math

import pytest

from fastcnn.engine.line_search import Point, strong_wolfe

FUNCTIONS = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far": (lambda t: (t / 1000 - 1) ** 2, lambda t: 2 * (t / 1000 - 1) / 1000),
    "steep": (lambda t: (1000 * t - 1) ** 2, lambda t: 2000 * (1000 * t - 1)),
    "wavy": (
        lambda t: (t - 3) ** 2 / 2 + 0.3 * math.sin(9 * t),
        lambda t: t - 3 + 2.7 * math.cos(9 * t),
    ),
    "wall": (
        lambda t: -t if t < 0.3 else math.nan,
        lambda t: -1 + 8 * t * t if t < 0.3 else math.nan,
    ),
    "quartic": (lambda t: t**4 - 2 * t, lambda t: 4 * t**3 - 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("first", [1e-3, 1.0, 50.0])
def test_conditions_hold(name, first):
    value, slope = FUNCTIONS[name]
    tried = []

    def evaluate(t):
        tried.append(t)
        return Point(t, value(t), slope(t))

    start = evaluate(0.0)
    found = strong_wolfe(evaluate, start, first, curvature=0.5)
    assert found.value <= start.value + 1e-4 * found.t * start.slope
    assert found.t in tried and found.t > 0
    if name != "wall":
        assert abs(found.slope) <= 0.5 * abs(start.slope)


def test_where_nothing_helps_it_gives_the_start():
    start = Point(0.0, 1.0, -1.0)
    assert strong_wolfe(lambda t: Point(t, 2.0, 1.0), start, 1.0, evaluations=9) == start
