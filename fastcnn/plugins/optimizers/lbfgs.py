"""Limited-memory BFGS, for small nets."""

from collections.abc import Callable

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.clipping import add_penalties
from fastcnn.engine.line_search import Point, strong_wolfe
from fastcnn.engine.memory import aligned_zeros
from fastcnn.engine.optimizer import Optimizer, Rate
from fastcnn.engine.options import positive
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.regularizer import penalty_value
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import optimizers


@optimizers.register("lbfgs")
class LBFGS(Optimizer):
    """p += t d,  d = -H g: H approximates the inverse Hessian from the last moves and changes of g

    t satisfies the strong Wolfe conditions; learning_rate is the first t that is tried. A step
    takes all samples in one batch (batch_size = N) and evaluates the loss two or more times, at
    most `evaluations` times while it looks for t. (Nocedal 1980.)

    Instead of the common options use kernel_regularizer; constraints are not taken.
    """

    slot_names = ("moves", "changes", "curvatures")

    def __init__(
        self, learning_rate: Rate = 1.0, history_size: int = 10, evaluations: int = 25
    ) -> None:
        super().__init__(learning_rate)
        self.history_size = positive("history_size", history_size)
        self.evaluations = positive("evaluations", evaluations)

    def reset(self, store: ParameterStore) -> None:
        """Newest pairs first: moves s, changes y of the gradient, curvatures s y (0: no pair)."""
        super().reset(store)
        size, pairs = store.values.size, self.history_size
        for name in ("moves", "changes"):
            self.slots[name] = aligned_zeros(pairs * size, store.dtype).reshape(pairs, size)
        self.slots["curvatures"] = np.zeros(pairs)

    def begin_training(
        self, steps: int | None, steps_per_epoch: int | None, goes_on: bool = False
    ) -> None:
        if steps_per_epoch not in (1, None):
            raise OptionError(
                f"lbfgs needs all samples in one batch, not in {steps_per_epoch}: "
                "set batch_size to their number"
            )
        super().begin_training(steps, steps_per_epoch, goes_on)

    def emit(self, build: Builder) -> None:
        """The plan ends with the gradient; `step` moves the parameters."""
        self._store, self._backend = build.store, build.backend
        if any(p.constraint for p in self._store.specs.values()):
            raise OptionError("lbfgs takes no constraints: use another optimizer")
        add_penalties(build, self.penalties(self._store))

    def step(self, run: Callable[[], object], loss: Callable[[], float]) -> None:
        rate, store = self.rate, self._store
        begin = store.values.copy()

        def evaluate(t: float) -> Point:
            store.values[...] = begin + t * direction
            run()
            value = loss() + penalty_value(store, self._backend)
            return Point(t, value, _dot(store.gradients, direction))

        direction = np.zeros(len(begin))
        value = evaluate(0.0).value
        gradient = store.gradients.copy()
        direction = self._direction(gradient)
        start = Point(0.0, value, _dot(gradient, direction))
        if start.slope < 0:
            first = rate * self._scale(gradient)
            found = strong_wolfe(evaluate, start, first, evaluations=self.evaluations)
            evaluate(found.t)
            self._remember(store.values - begin, store.gradients - gradient, found.t > 0)
        self.iterations += 1

    def _direction(self, gradient: np.ndarray) -> np.ndarray:
        """-H g, by two loops over the pairs: from the newest to the oldest and back."""
        d = -gradient.astype(np.float64)
        pairs = [
            (s.astype(np.float64), y.astype(np.float64), sy)
            for s, y, sy in zip(*(self.slots[name] for name in self.slot_names), strict=True)
            if sy > 0
        ]
        parts = []
        for s, y, sy in pairs:
            parts.append(_dot(s, d) / sy)
            d -= parts[-1] * y
        if pairs:
            _, y, sy = pairs[0]
            d *= sy / _dot(y, y)
        for (s, y, sy), part in zip(reversed(pairs), reversed(parts), strict=True):
            d += (part - _dot(y, d) / sy) * s
        return d

    def _scale(self, gradient: np.ndarray) -> float:
        """Without any pair the direction has no length: move by 1 altogether, or less."""
        if self.slots["curvatures"][0] > 0:
            return 1.0
        return 1 / max(1.0, float(np.abs(gradient).sum(dtype=np.float64)))

    def _remember(self, move: np.ndarray, change: np.ndarray, moved: bool) -> None:
        """The newest pair, if the loss bends upwards along it; where no step helped, forget all."""
        curvature = _dot(move, change)
        if not moved:
            self.slots["curvatures"][...] = 0
        elif curvature > 1e-10 * _dot(change, change):
            for name, newest in zip(self.slot_names, (move, change, curvature), strict=True):
                self.slots[name][1:] = self.slots[name][:-1].copy()
                self.slots[name][0] = newest


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """In float64, in an order that BLAS threads can't change."""
    return float((a.astype(np.float64) * b).sum())
