"""Gradient clipping, and the two passes over all gradients that it shares with some optimizers."""

from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.options import number
from fastcnn.errors import OptionError
from fastcnn.kernels.checks import square_sum_count

LIMITS = ("clipvalue", "clipnorm", "global_clipnorm")


def limit_options(options: dict[str, Any]) -> dict[str, float | None]:
    """The three limits, checked: at most one is set."""
    limits = {k: None if options[k] is None else number(k, options[k]) for k in LIMITS}
    if sum(limit is not None for limit in limits.values()) > 1:
        raise OptionError(f"only one of {', '.join(LIMITS)} can be set, not {limits}")
    return limits


def clip(build: Builder, penalties: np.ndarray, limits: dict[str, float | None]) -> np.ndarray:
    """Clip the gradient, with the penalties' slope in it; returns the penalties still to do."""
    kind = next((k for k in LIMITS if limits[k] is not None), None)
    if kind is None:
        return penalties
    penalties = add_penalties(build, penalties)
    params: dict[str, Any] = {"limit": limits[kind]}
    g = build.store.gradients
    if kind == "clipvalue":
        build.step("clip_value", params, g=g)
        return penalties
    params["together"] = int(kind == "global_clipnorm")
    squares = square_sums(build, g)
    build.step("clip_norm", params, g=g, bounds=build.store.bounds, squares=squares)
    return penalties


def add_penalties(build: Builder, penalties: np.ndarray) -> np.ndarray:
    """Add the slope of the penalties to the gradient; returns the table without l1 and l2."""
    rest = penalties.copy()
    rest[:, :2] = 0
    if penalties[:, :2].any():
        store = build.store
        p, g = store.values, store.gradients
        build.step("penalty_gradient", p=p, g=g, bounds=store.bounds, penalties=penalties)
    return rest


def square_sums(build: Builder, values: np.ndarray) -> np.ndarray:
    """Append the sums of squares, by pieces of each parameter; see the kernel `square_sums`."""
    bounds = build.store.bounds
    squares = build.array((square_sum_count(bounds),), "float64", 0)
    build.step("square_sums", p=values, bounds=bounds, squares=squares)
    return squares
