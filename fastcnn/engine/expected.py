"""What numbers an output can give and a loss can take: the columns of one table, read by `fit`.

Activations and layers say what they give (`Values`), losses what they make sense of (`Expected`);
training/setup.py holds the one against the other and against the targets.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastcnn.engine.graph import Node

Interval = tuple[float, float]
ANYTHING: Interval = (-math.inf, math.inf)


@dataclass(frozen=True)
class Values:
    """The numbers that come out of an activation or a layer.

    low, high: bounds that they come near to.
    sums_to_one: those of all channels (or features) of a place sum to 1.
    relative: they say how channels compare, so that a single channel gives the same for any input.
    stops: they stand still, with slope 0, for a half-line of inputs.
    flat: the slope is 0 everywhere.
    """

    low: float = -math.inf
    high: float = math.inf
    sums_to_one: bool = False
    relative: bool = False
    stops: bool = False
    flat: bool = False

    @property
    def bounds(self) -> Interval:
        return self.low, self.high

    def within(self, interval: Interval) -> bool:
        return interval[0] <= self.low and self.high <= interval[1]


@dataclass(frozen=True)
class Expected:
    """What a loss makes sense of; by default everything.

    outputs: bounds beyond which its figures mean nothing; an error, if not `strict` a warning.
    divides: by the sum of the outputs, which must not be 0.
    sums_to_one: outputs are probabilities of classes, one of which is right.
    one_by_one: each output says yes or no by itself, whatever the others say.
    reach: numbers that outputs must be able to reach, or little can be learned.
    spread: the least distance between the lowest and the highest possible output.
    targets: bounds of dense targets. target_values: if only these mean something.
    targets_sum_to_one: those of a sample, over its channels or features.
    reaches_targets: outputs are meant to come near the targets.
    relative_to_targets: it divides by the targets, which should not be 0.
    units: the least number of outputs that says anything.
    """

    outputs: Interval = ANYTHING
    strict: bool = True
    divides: bool = False
    sums_to_one: bool = False
    one_by_one: bool = False
    reach: Interval | None = None
    spread: float = 0.0
    targets: Interval = ANYTHING
    target_values: tuple[float, ...] = ()
    targets_sum_to_one: bool = False
    reaches_targets: bool = False
    relative_to_targets: bool = False
    units: int = 1


PROBABILITIES: Interval = (0.0, 1.0)
OF_CLASSES = Expected(targets=PROBABILITIES, targets_sum_to_one=True, units=2)
CLASSES = replace(OF_CLASSES, outputs=(0.0, math.inf), divides=True, sums_to_one=True)
# Beyond about 5 a probability no longer changes much.
CLASS_LOGITS = replace(OF_CLASSES, spread=10.0)
YES_OR_NO = Expected(outputs=PROBABILITIES, one_by_one=True, targets=PROBABILITIES)
YES_OR_NO_LOGITS = Expected(reach=(-5.0, 5.0), one_by_one=True, targets=PROBABILITIES)
SIDES = Expected(
    reach=(-1.0, 1.0), one_by_one=True, targets=(-1.0, 1.0), target_values=(-1.0, 0.0, 1.0)
)
NUMBERS = Expected(reaches_targets=True)
COUNTS = Expected(outputs=(0.0, math.inf), targets=(0.0, math.inf), reaches_targets=True)


def values_of(node: "Node") -> Values | None:
    """The numbers that a node gives, if the layers at its end tell."""
    layer = node.layer
    if layer is None:
        return None
    if not layer.keeps_values:
        return layer.output_values
    (read,) = node.inputs
    values = values_of(read)
    # Over other channels than before, a sum over the channels is another one.
    moved = values is not None and values.relative and read.shape[0] != node.shape[0]
    return None if moved else values


def end_of(node: "Node") -> "Node":
    """The node whose layer decides what numbers this one gives."""
    while node.layer is not None and node.layer.keeps_values:
        (node,) = node.inputs
    return node
