"""Why a loss is no number any more: the likely cause, and what to do about it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastcnn.engine.head import Head
from fastcnn.engine.plan import Source
from fastcnn.errors import DivergedError
from fastcnn.training.setup_check import faults

LOOKED_AT = 1000  # samples
WILD_INPUT = 20.0  # a number of this size after scaling is no pixel of 0..1 and no z-score
WILD_TARGET = 1000.0


def diverged(model: Any, source: Source, loss: float, where: str, rate: float) -> DivergedError:
    """source: what was trained on, or a part of it."""
    cause = likely_cause(model._heads(False), source, rate)
    return DivergedError(f"the loss became {loss} in {where}: {cause}")


def likely_cause(heads: Sequence[Head], source: Source, rate: float) -> str:
    """What to change: the set-up before the scale of the data, that before the learning rate."""
    found = [head.loss.fault for head in heads if getattr(head.loss, "fault", "")]
    found = found or [fault.text for fault in faults(heads, source.targets)]
    found = found or list(_wild_data(heads, source))
    found.append(f"try a smaller learning rate than {rate:g}")
    return "; or ".join(found[:1] + found[-1:]) if len(found) > 1 else found[0]


def _wild_data(heads: Sequence[Head], source: Source) -> Iterator[str]:
    for images, pixels in zip(source.images, source.preprocessing, strict=True):
        scale, offset = pixels.factors(images.dtype)
        most = float(np.abs(images[:LOOKED_AT] * scale + offset).max())
        if most > WILD_INPUT:
            yield (
                f"the inputs go up to {most:g}: bring them to about 0..1 or -1..1, e.g. by a first "
                "layer Rescaling(1 / 255) or Normalization"
            )
    for head, targets in zip(heads, source.targets, strict=True):
        most = float(np.abs(targets).max()) if targets.ndim > 1 else 0.0
        if most > WILD_TARGET:
            yield f"the targets of {head.name!r} go up to {most:g}: scale them to about -1..1"
