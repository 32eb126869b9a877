"""A step length along a direction that satisfies the strong Wolfe conditions."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """f(t) and f'(t), t the distance along the direction."""

    t: float
    value: float
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    first: float,
    *,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    evaluations: int = 25,
) -> Point:
    """A point with f(t) <= f(0) + decrease t f'(0) and |f'(t)| <= curvature |f'(0)|

    start: at t = 0, with a negative slope; first: the first t to try. After so many evaluations the
    best point that satisfies the first condition, or `start` if there was none.
    (Nocedal and Wright, "Numerical Optimization", 2006, algorithms 3.5 and 3.6: `low` is the best
    point so far, and a good one lies between it and `high`.)
    """
    low, high, t = start, None, first
    for _ in range(evaluations):
        point = evaluate(t)
        enough = point.value <= start.value + decrease * t * start.slope  # not if it is a NaN
        if not enough or point.value >= low.value:
            high = point
        else:
            if abs(point.slope) <= -curvature * start.slope:
                return point
            rises = point.slope >= 0 if high is None else point.slope * (high.t - low.t) >= 0
            if rises:
                high = low
            low = point
        t = 2 * t if high is None else _between(low, high)
    return low


def _between(low: Point, high: Point) -> float:
    """Where the parabola through both values and the slope of `low` is lowest, not near an end."""
    width = high.t - low.t
    bend = high.value - low.value - low.slope * width
    part = -low.slope * width / (2 * bend) if bend > 0 and math.isfinite(bend) else 0.5
    return low.t + min(max(part, 0.1), 0.9) * width
