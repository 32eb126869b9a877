"""Gradients against central differences, in float64."""

from collections.abc import Callable

import numpy as np

STEPS = (1e-6, 1e-7, 1e-5)  # the others count where a kink lies within the first one
RTOL = 1e-6  # of the gradient's norm, for directions of norm 1
ATOL = 1e-9
DIRECTIONS = 2
LISTED = 500  # numbers among which the wrong one is looked for


def check_gradient(
    name: str,
    value: Callable[[], float],
    at: np.ndarray,
    gradient: np.ndarray,
    mask: np.ndarray | None = None,
) -> None:
    """Compare the slopes along random directions with those that the gradient promises.

    at: what `value` depends on; it is changed and restored. mask: which of its numbers count.
    """
    assert gradient.shape == at.shape, f"{name}: gradient {gradient.shape}, not {at.shape}"
    assert np.isfinite(gradient).all(), f"{name}: the gradient is not finite"
    rng = np.random.default_rng(7)
    tolerance = ATOL + RTOL * float(np.linalg.norm(gradient))
    for _ in range(DIRECTIONS):
        direction = rng.normal(size=at.shape)
        if mask is not None:
            direction *= mask
        direction /= max(float(np.linalg.norm(direction)), 1e-300)
        promised = float((gradient * direction).sum())
        if not _agrees(value, at, direction, promised, tolerance):
            raise AssertionError(_where(name, value, at, gradient, mask))


def _agrees(
    value: Callable[[], float],
    at: np.ndarray,
    direction: np.ndarray,
    promised: float,
    tolerance: float,
) -> bool:
    return any(abs(slope(value, at, direction, h) - promised) <= tolerance for h in STEPS)


def slope(value: Callable[[], float], at: np.ndarray, direction: np.ndarray, h: float) -> float:
    """d value / d direction."""
    start = at.copy()
    at[...] = start + h * direction
    above = value()
    at[...] = start - h * direction
    below = value()
    at[...] = start
    return (above - below) / (2 * h)


def _where(
    name: str,
    value: Callable[[], float],
    at: np.ndarray,
    gradient: np.ndarray,
    mask: np.ndarray | None,
) -> str:
    """The message: the first numbers one by one, and the worst of them."""
    places = np.argwhere(np.ones(at.shape, bool) if mask is None else mask)[:LISTED]
    numeric = []
    for place in map(tuple, places):
        unit = np.zeros(at.shape)
        unit[place] = 1
        numeric.append(slope(value, at, unit, STEPS[0]))
    given = np.array([gradient[tuple(place)] for place in places])
    worst = int(np.abs(given - numeric).argmax())
    where = tuple(int(i) for i in places[worst])
    return (
        f"the gradient of {name} {at.shape} is wrong: {list(where)} is {given[worst]:.7g}, by "
        f"central differences {numeric[worst]:.7g}"
    )
