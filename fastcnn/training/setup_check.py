"""Set-ups that cannot learn: the end of a network against its loss and the targets.

What each of them gives or expects is said where it is defined; see engine/expected.py.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.engine.expected import Expected, Interval, Values, end_of, values_of
from fastcnn.engine.head import Head
from fastcnn.errors import OptionError, SetupWarning, warn

SLACK = 1e-6  # of the length of an interval: rounding is no fault
MAX_CLASSES = 1000  # whole numbers below it may be meant as class numbers
SUM_SLACK = 0.01  # of targets that sum to 1
UNIT_SOFTMAX = (
    '1 unit with activation="sigmoid" and the loss binary_crossentropy, or an output for each class'
)


@dataclass(frozen=True)
class Fault:
    """What is wrong or suspicious; certain: nothing right can come of it."""

    text: str
    certain: bool = False


@dataclass(frozen=True)
class Case:
    """An output, its loss and the targets, which are class numbers (N,) or (N, K)."""

    head: Head
    targets: np.ndarray | None = None

    @property
    def expected(self) -> Expected:
        return self.head.loss.expected

    @property
    def values(self) -> Values | None:
        return values_of(self.head.node)

    @property
    def loss(self) -> str:
        return self.head.loss.name

    @property
    def end(self) -> str:
        """The activation, or "linear"."""
        layer: Any = end_of(self.head.node).layer
        function = getattr(layer, "function", layer)
        known = function.registered_name
        return known if getattr(layer, "is_activation", False) or self._is_softmax else "linear"

    @property
    def _is_softmax(self) -> bool:
        return self.values is not None and self.values.relative

    @property
    def outputs(self) -> str:
        return f"the outputs of {self.head.name!r} ({self.end})"

    @property
    def units(self) -> int:
        shape = self.head.node.shape
        return shape[0] if self.expected.targets_sum_to_one else math.prod(shape)

    @property
    def remedy(self) -> str:
        """An end that this loss can take, and its option for logits."""
        wanted, loss = self.expected, self.head.loss
        if wanted.sums_to_one:
            end = 'activation="softmax"'
        elif wanted.outputs[1] == 1:
            end = 'activation="sigmoid"'
        else:
            end = 'activation="softplus"' if wanted.outputs[0] == 0 else "a linear layer"
        if getattr(loss, "from_logits", True):
            return f"end with {end}"
        linear = "" if self.end == "linear" else "end with a linear layer and "
        return f"end with {end}, or {linear}give the loss from_logits=True"

    @property
    def dense(self) -> np.ndarray | None:
        """(N, channels, places), or None where targets are class numbers."""
        if self.targets is None or self.targets.ndim == 1 or not len(self.targets):
            return None
        return self.targets.reshape(len(self.targets), self.head.node.shape[0], -1)


def check_ends(heads: Sequence[Head]) -> None:
    """Raise for what cannot learn whatever the targets are, whose faults it may explain."""
    for fault in faults(heads, [None] * len(heads)):
        if fault.certain:
            raise OptionError(fault.text)


def check_setup(heads: Sequence[Head], targets: Sequence[np.ndarray]) -> None:
    """Raise for what cannot learn, warn of what is suspicious."""
    found = faults(heads, targets)
    for fault in found:
        if fault.certain:
            raise OptionError(fault.text)
    for fault in found:
        warn(fault.text, SetupWarning)


def faults(heads: Sequence[Head], targets: Sequence[np.ndarray | None]) -> list[Fault]:
    """Of all outputs that count in the loss."""
    pairs = zip(heads, targets, strict=True)
    cases = [Case(head, array) for head, array in pairs if head.weight]
    return [fault for case in cases for rule in RULES for fault in rule(case)]


def constant_outputs(case: Case) -> Iterator[Fault]:
    values, channels = case.values, case.head.node.shape[0]
    if values is None:
        return
    if values.relative and channels == 1:
        always = 1 if values.sums_to_one else 0
        yield Fault(
            f"{case.outputs} are always {always}: {case.end} compares units, and there is only 1; "
            f"use {'a linear layer' if case.expected.reaches_targets else UNIT_SOFTMAX}",
            certain=True,
        )
    if values.flat:
        text = f"{case.outputs} have slope 0 everywhere, so nothing is learned"
        yield Fault(f"{text}: end with another activation", certain=True)


def too_few_units(case: Case) -> Iterator[Fault]:
    if case.units < case.expected.units:
        remedy = UNIT_SOFTMAX if case.expected.targets_sum_to_one else "mean_squared_error"
        yield Fault(
            f"the loss {case.loss} compares the units of a sample, and {case.head.name!r} has only "
            f"{case.units}: use {remedy}",
            certain=True,
        )


def outputs_out_of_range(case: Case) -> Iterator[Fault]:
    values, wanted = case.values, case.expected
    if values is None or values.flat:
        return
    if not values.within(wanted.outputs) or (wanted.divides and values.stops and values.high > 1):
        kind = "probabilities" if wanted.sums_to_one else "numbers"
        low, high = wanted.outputs if not wanted.sums_to_one else (0.0, 1.0)
        yield Fault(
            f"the loss {case.loss} takes {kind} {_between(low, high)}, but {case.outputs} lie "
            f"{_between(values.low, values.high)}: {case.remedy}",
            certain=wanted.strict,
        )
    elif wanted.sums_to_one and not values.sums_to_one:
        text = f"{case.outputs} do not sum to 1: {case.remedy}"
        if values.high == 1:
            text += ", or, if a sample may have several classes, take the loss binary_crossentropy"
        yield Fault(f"the loss {case.loss} takes probabilities of classes, but {text}")


def logits_in_a_cage(case: Case) -> Iterator[Fault]:
    """Scores that cannot become as large or small as the loss wants them."""
    values, wanted = case.values, case.expected
    if values is None:
        return
    reach = wanted.reach or (math.inf, -math.inf)
    narrow = values.high - values.low < wanted.spread or (wanted.spread > 0 and values.stops)
    if values.low > reach[0] or values.high < reach[1] or narrow:
        yield Fault(
            f"the loss {case.loss}{_options(case)} takes scores of any size, but {case.outputs} "
            f"lie {_between(values.low, values.high)}: end with a linear layer"
            + (", or give the loss from_logits=False" if _options(case) else "")
        )


def yes_or_no_of_a_softmax(case: Case) -> Iterator[Fault]:
    values = case.values
    if case.expected.one_by_one and values and values.sums_to_one and case.units > 1:
        yield Fault(
            f"the loss {case.loss} takes each output as a yes or no of its own, but {case.outputs} "
            "sum to 1: use categorical_crossentropy where a sample has one class, or "
            'activation="sigmoid" where it may have several'
        )


def targets_out_of_range(case: Case) -> Iterator[Fault]:
    dense, (low, high) = case.dense, case.expected.targets
    if dense is None:
        return
    least, most = float(dense.min()), float(dense.max())
    if least < low - SLACK or most > high + SLACK:
        yield Fault(
            f"the loss {case.loss} takes targets {_between(low, high)}, but those of "
            f"{case.head.name!r} lie {_between(least, most)}{_how_to_bring(case, least, most)}",
            certain=True,
        )
        return
    known = case.expected.target_values
    if known and not np.isin(dense, known).all():
        odd = float(dense[~np.isin(dense, known)][0])
        allowed = " or ".join(f"{value:g}" for value in known if value)
        yield Fault(f"the loss {case.loss} takes the targets {allowed}, but there is a {odd:g}")


def targets_of_classes(case: Case) -> Iterator[Fault]:
    dense = case.dense
    if dense is None or not case.expected.targets_sum_to_one or case.units == 1:
        return
    sums = dense.sum(axis=1, dtype=np.float64)
    wrong = abs(sums - 1) > SUM_SLACK
    if wrong.any():
        number, place = (int(k) for k in np.argwhere(wrong)[0])
        yield Fault(
            f"the loss {case.loss} takes targets that sum to 1, but those of sample {number} sum "
            f"to {sums[number, place]:g} ({int(wrong.any(axis=1).sum())} of {len(sums)} samples): "
            'where a sample may have several classes or none, use activation="sigmoid" and the '
            "loss binary_crossentropy"
        )


def targets_out_of_reach(case: Case) -> Iterator[Fault]:
    values, dense = case.values, case.dense
    if values is None or dense is None or not case.expected.reaches_targets or values.flat:
        return
    least, most = float(dense.min()), float(dense.max())
    slack = SLACK * max(1.0, most - least)
    if least < values.low - slack or most > values.high + slack:
        yield Fault(
            f"{case.outputs} lie {_between(values.low, values.high)}, the targets "
            f"{_between(least, most)}, which they can't reach: scale the targets, or end with a "
            "linear layer"
        )


def percentages_of_nothing(case: Case) -> Iterator[Fault]:
    if case.expected.relative_to_targets and case.dense is not None:
        zeros = int((case.dense == 0).sum())
        if zeros:
            text = f"the loss {case.loss} divides by the targets, of which {zeros} are 0"
            yield Fault(f"{text}: these count 10,000,000 times as much as others of size 1")


RULES: Sequence[Callable[[Case], Iterator[Fault]]] = (
    constant_outputs,
    too_few_units,
    outputs_out_of_range,
    logits_in_a_cage,
    yes_or_no_of_a_softmax,
    targets_out_of_range,
    targets_of_classes,
    targets_out_of_reach,
    percentages_of_nothing,
)


def _options(case: Case) -> str:
    return " with from_logits=True" if getattr(case.head.loss, "from_logits", False) else ""


def _how_to_bring(case: Case, least: float, most: float) -> str:
    """What to do with targets out of range, where what they are can be told."""
    low, high = case.expected.targets
    if high != 1:
        return ""
    if least >= 0 and most == 255:
        return ": divide them by 255"
    if least == -1 and most <= 1:
        return ": use (targets + 1) / 2" + (", or the loss hinge" if case.units == 1 else "")
    there = np.unique(np.asarray(case.targets))
    if case.units == 1 and least >= 0 and most < MAX_CLASSES and (there == there.round()).all():
        values = len(there)
        if values == 2:
            return f": write 0 and 1 for {least:g} and {most:g}"
        return (
            f": for {values} classes take {int(most) + 1} units, "
            'activation="softmax" and the loss sparse_categorical_crossentropy'
        )
    return f": bring them to {low:g}..{high:g}"


def _between(low: float, high: float) -> str:
    bounds: Interval = low, high
    if math.isinf(low) and math.isinf(high):
        return "anywhere"
    if math.isinf(bounds[1]):
        return f"from {low:g} up"
    return f"up to {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"
