"""The callbacks of one training: their order, their state, and what they do together."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback, State
from fastcnn.errors import FastcnnError, ModelFileError, OptionError, told
from fastcnn.plugins.registry import callbacks as registry
from fastcnn.plugins.registry import make

SavedState = tuple[str, State]  # a callback's name, and its state


def make_callbacks(values: Sequence[Any] | None) -> list[Callback]:
    """Callbacks from names, {"name": ..., option: ...} and objects."""
    if values is None:
        return []
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise OptionError(f"callbacks must be a list, not {told(values)}")
    made = [make(registry, value) for value in values]
    if len({id(callback) for callback in made}) < len(made):
        raise OptionError("the same callback object was given twice")
    averaging = [_name(callback) for callback in made if _averages(callback)]
    if len(averaging) > 1:
        raise OptionError(f"{' and '.join(averaging)} would both replace the weights: give one")
    return made


class CallbackList:
    """Calls hooks in the given order, those that save the model last.

    states: of the callbacks of an earlier `fit` of this training. The k-th callback of a name takes
    the k-th state of that name; a callback that has none starts afresh.
    """

    def __init__(self, given: Sequence[Callback] = (), states: Sequence[SavedState] = ()) -> None:
        self.callbacks = sorted(given, key=lambda callback: callback.runs_last)
        self._states = list(states)
        self._begun: list[Callback] = []

    def __bool__(self) -> bool:
        return bool(self.callbacks)

    def begin(self, model: Any, params: dict[str, Any], logs: dict[str, Any]) -> None:
        for (name, number), callback in _numbered(self.callbacks):
            callback.model, callback.params = model, params
            self._begun.append(callback)  # before its hook: what failed half-way is ended too
            callback.on_train_begin(logs)
            states = [state for saved, state in self._states if saved == name]
            if number < len(states):
                _load(callback, states[number])

    def call(self, hook: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def end(self, logs: dict[str, Any]) -> None:
        """Every callback that was begun is ended, whatever another one raises."""
        with ExitStack() as stack:
            stack.callback(self._end_states)
            for callback in reversed(self._begun):
                stack.callback(callback.on_train_end, logs)

    def _end_states(self) -> None:
        """Keep the states, since the objects may serve another model from now on."""
        if len(self._begun) == len(self.callbacks):  # else the states of before were not all taken
            self._states = self.states()
        self._begun = []

    def states(self) -> list[SavedState]:
        """While training runs those of now, afterwards those of its end."""
        if not self._begun:
            return self._states
        found = [(_name(callback), callback.state_dict()) for callback in self._begun]
        return [(name, state) for name, state in found if state]

    @property
    def learning_rate_scale(self) -> float:
        return math.prod(callback.learning_rate_scale for callback in self.callbacks)

    def averaged_weights(self) -> dict[str, np.ndarray] | None:
        return next((c.averaged_weights() for c in self._begun if _averages(c)), None)


def _name(callback: Callback) -> str:
    return callback.registered_name or type(callback).__name__


def _averages(callback: Callback) -> bool:
    return type(callback).averaged_weights is not Callback.averaged_weights


def _numbered(callbacks: Sequence[Callback]) -> Iterator[tuple[tuple[str, int], Callback]]:
    """((name, how many of that name came before), callback)."""
    count: Counter[str] = Counter()
    for callback in callbacks:
        name = _name(callback)
        yield (name, count[name]), callback
        count[name] += 1


def _load(callback: Callback, state: State) -> None:
    try:
        callback.load_state(state)
    except FastcnnError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ModelFileError(
            f"the saved state of the callback {_name(callback)!r} does not fit it: "
            f"{type(error).__name__} {error}"
        ) from error
