"""Mean squared error."""

from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.tensor import Tensor
from fastcnn.plugins.registry import losses


@losses.register("mean_squared_error")
class MeanSquaredError:
    """loss = mean over k of (y[k] - t[k])^2; the mean over the batch is minimised.

    Targets are (N, K), or (N,) for one output.
    """

    classifies = False  # no accuracy; targets are no class numbers
    joins_softmax = False
    targets = "dense"
    name = "mean_squared_error"

    def prepare(self, targets: np.ndarray) -> np.ndarray:
        """Targets as they are."""
        return targets

    def emit(
        self,
        build: Builder,
        y: Tensor,
        targets: Any,
        loss: np.ndarray,
        correct: np.ndarray,
        joined: bool,
    ) -> None:
        """Append the kernel, and the slope of the activation that produced y."""
        arguments: dict[str, Any] = {"predictions": build.flat(y), "targets": build.flat(targets)}
        if build.training:
            y.gradient = build.tensor(y.sample)
            arguments["dpredictions"] = build.flat(y.gradient)
        build.step("mean_squared_error", order=build.order, loss=loss, **arguments)
        build.slope_of_output(y)
