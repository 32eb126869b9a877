"""Metrics of an epoch or a data set, from the outputs that were collected batch by batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.engine.head import Head
from fastcnn.training.history import Progress


def scores(
    heads: Sequence[Head],
    progress: Progress,
    targets: Sequence[np.ndarray],
    order: np.ndarray,
    only_scalars: bool = True,
) -> dict[str, Any]:
    """{"f1": ...}, or {"digit_f1": ...} where there are several outputs.

    order: the numbers of the samples whose outputs `progress` holds.
    """
    figures = {}
    for head, wanted in zip(heads, targets, strict=True):
        prefix = f"{head.name}_" if len(heads) > 1 else ""
        for name, metric in head.metrics.items():
            if only_scalars and not getattr(metric, "scalar", True):
                continue
            y_pred = np.concatenate(progress.outputs[head.name])
            figures[prefix + name] = metric(wanted[order], y_pred)
    return figures
