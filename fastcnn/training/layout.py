"""Where the boxes of a graph lie: ranks from top to bottom, branches side by side.

The usual three steps for layered graphs (Sugiyama et al. 1981): a rank for each box, an order in
each rank with few crossings, and places that keep lines straight. Lines that pass a rank take part
as boxes without width ("bends").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 12
BEND = 0.35  # room that a passing line needs, in widths of a box


@dataclass(eq=False)
class Place:
    """A box (number: which), or a bend of a line (number None)."""

    number: int | None
    rank: int
    x: float = 0.0
    above: list["Place"] = field(default_factory=list)
    below: list["Place"] = field(default_factory=list)

    @property
    def room(self) -> float:
        return 1.0 if self.number is not None else BEND


@dataclass
class Layout:
    """boxes: one for each node; lines: from box to box, through bends."""

    boxes: list[Place]
    lines: list[list[Place]]
    ranks: list[list[Place]]


def lay_out(reads: Sequence[Sequence[int]]) -> Layout:
    """reads: for each node the numbers of the nodes above it, which stand before it."""
    boxes: list[Place] = []
    for number, sources in enumerate(reads):
        rank = 1 + max((boxes[k].rank for k in sources), default=-1)
        boxes.append(Place(number, rank))
    _pull_inputs_down(boxes, reads)
    lines = [
        _line(boxes[k], box) for box, sources in zip(boxes, reads, strict=True) for k in sources
    ]
    ranks: list[list[Place]] = [[] for _ in range(1 + max(box.rank for box in boxes))]
    for place in dict.fromkeys([*boxes, *(place for line in lines for place in line)]):
        ranks[place.rank].append(place)
    _order(ranks)
    _straighten(ranks)
    return Layout(boxes, lines, ranks)


def _pull_inputs_down(boxes: list[Place], reads: Sequence[Sequence[int]]) -> None:
    """What reads nothing stands just above its first reader."""
    for box in (box for box, sources in zip(boxes, reads, strict=True) if not sources):
        readers = [boxes[k].rank for k, read in enumerate(reads) if box.number in read]
        box.rank = min(readers, default=1) - 1


def _line(start: Place, end: Place) -> list[Place]:
    """Start, bends and end; linked to each other."""
    bends = [Place(None, rank) for rank in range(start.rank + 1, end.rank)]
    line = [start, *bends, end]
    for upper, lower in pairwise(line):
        upper.below.append(lower)
        lower.above.append(upper)
    return line


def _order(ranks: list[list[Place]]) -> None:
    """Sort each rank by the mean place of its neighbours, downwards and upwards in turns."""
    for rank in ranks:
        _number(rank)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for rank in ranks if downwards else reversed(ranks):
            rank.sort(key=_mean_of("above" if downwards else "below"))
            _number(rank)


def _number(rank: list[Place]) -> None:
    for k, place in enumerate(rank):
        place.x = k - (len(rank) - 1) / 2


def _mean_of(side: str) -> Callable[[Place], float]:
    def mean(place: Place) -> float:
        neighbours: list[Place] = getattr(place, side)
        return sum(n.x for n in neighbours) / len(neighbours) if neighbours else place.x

    return mean


def _straighten(ranks: list[list[Place]]) -> None:
    """Move places towards their neighbours as far as the room between them allows."""
    for sweep in range(SWEEPS):
        mean = _mean_of("above" if sweep % 2 == 0 else "below")
        for rank in ranks if sweep % 2 == 0 else reversed(ranks):
            _spread(rank, [mean(place) for place in rank])


def _spread(rank: list[Place], wanted: list[float]) -> None:
    """The places nearest to the wanted ones that keep order and room (isotonic regression)."""
    gaps = [0.0]
    for left, right in pairwise(rank):
        gaps.append(gaps[-1] + (left.room + right.room) / 2)
    groups: list[tuple[float, int]] = []  # mean, size
    for want, gap in zip(wanted, gaps, strict=True):
        mean, size = want - gap, 1
        while groups and groups[-1][0] > mean:
            before, count = groups.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        groups.append((mean, size))
    means = [mean for mean, size in groups for _ in range(size)]
    for place, mean, gap in zip(rank, means, gaps, strict=True):
        place.x = mean + gap
