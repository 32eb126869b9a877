"""Several views of the same images, whose outputs are averaged: test-time augmentation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.arguments import checked
from fastcnn.engine.augmentation import Augmentation, Records
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.options import count
from fastcnn.errors import OptionError


class Views:
    """Outputs become the weighted mean of those of several views of each image.

    flip: the image and its mirror image count alike.
    shift: the image counts half, the image moved by so many pixels up and left, and down and right,
        a quarter each. With both six views.
    fill, fill_value: beyond the edge, as in Augment.
    (Krizhevsky 2012, section 4.1; these views: Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a
    single GPU", section 3.5.)
    """

    @checked
    def __init__(
        self, flip: bool = False, shift: int = 0, fill: str = "reflect", fill_value: float = 0.0
    ) -> None:
        self.flip, self.shift = flip, count("shift of views", shift)
        self.weighted: list[tuple[float, Augment | None]] = [
            (weight, Augment([view], fill, fill_value)) for weight, view in self._views()
        ]

    @classmethod
    def of(cls, value: "Views | dict[str, Any]") -> "Views":
        """An object as it is, or one with these options."""
        if isinstance(value, Views):
            return value
        if not isinstance(value, dict):
            raise OptionError(f"views are a table like {{'flip': True}}, not {value!r}")
        return cls(**value)

    def _views(self) -> list[tuple[float, "View"]]:
        moves = {0: 0.5, -self.shift: 0.25, self.shift: 0.25} if self.shift else {0: 1.0}
        sides = (False, True) if self.flip else (False,)
        return [(w / len(sides), View(side, by)) for side in sides for by, w in moves.items()]


@dataclass
class View(Augmentation):
    """One view of every image, without chance: mirrored or not, moved down and right."""

    mirrored: bool
    by: int
    draws = 0

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        sides = np.array([-1.0 if self.mirrored else 1.0, 1.0])
        records.view(np.diag(sides), -self.by * sides)
