"""Averages of a model's weights over the steps of training."""

from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback, State


class WeightAverage(Callback):
    """Base of callbacks that keep an average of all weights and let it take the weights' place.

    The average is in place while the model is validated, while callbacks run at the end of an epoch
    (so files that they save hold it), and after training; training itself goes on from its own
    weights. Moving averages of batch normalisation are averaged like the weights.
    """

    average: dict[str, np.ndarray] | None = None
    averaged = 0  # how many weights went into the average

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.average, self.averaged = None, 0

    def include(self, share: float) -> None:
        """average += share (weights - average); the first weights are the first average."""
        store = self.model.store
        self.averaged += 1
        if self.average is None:
            self.average = {key: value.copy() for key, value in store.items()}
            return
        for key, value in store.items():
            difference = value - self.average[key]
            difference *= share
            self.average[key] += difference

    def averaged_weights(self) -> dict[str, np.ndarray] | None:
        return self.average

    def state_dict(self) -> State:
        return {"average": self.average, "averaged": self.averaged}

    def load_state(self, state: State) -> None:
        average = state["average"]
        if average is not None:
            self.model.store.check(average)
            average = {key: array.copy() for key, array in average.items()}
        self.average, self.averaged = average, int(state["averaged"])
