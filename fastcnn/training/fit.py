"""The training loop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastcnn.engine.augmenter import Augment
from fastcnn.engine.options import count
from fastcnn.engine.plan import Plan
from fastcnn.errors import OptionError
from fastcnn.kernels.threads import resolve_threads
from fastcnn.training.callback_list import CallbackList, make_callbacks
from fastcnn.training.diverged import diverged
from fastcnn.training.fit_data import Feed, make_feed
from fastcnn.training.history import History
from fastcnn.training.progress import progress_callbacks
from fastcnn.training.scores import scores
from fastcnn.training.step import update
from fastcnn.training.swap import swap_back, swap_in


def fit(
    model: Any,
    x: Any,
    y: Any,
    *,
    epochs: int,
    initial_epoch: int | None,
    callbacks: Sequence[Any] | None,
    verbose: int,
    augment: Any,
    **data: Any,
) -> History:
    """See Model.fit; data: its options that say what is trained on and measured."""
    if model.optimizer is None:
        model.compile()
    last = _last_epoch(model, count("epochs", epochs), initial_epoch)
    made = make_callbacks(callbacks)
    made += progress_callbacks(verbose, made)
    progress, goes_on = model.progress, initial_epoch == model.progress.epoch
    begun = progress.epoch if initial_epoch is None else initial_epoch
    feed, validate = make_feed(model, x, y, Augment.of(augment), last - begun, **data)
    if initial_epoch is not None and not goes_on:
        progress.epoch = initial_epoch
        progress.begin_epoch()
    model.stop_training, model.stop_reason = False, ""
    model.remember(feed.source)
    model.callbacks = CallbackList(made, model.callbacks.states() if goes_on else ())
    loop = Loop(model, feed, last, goes_on, model.callbacks, validate)
    with model.store.training():
        return loop.run()


def _last_epoch(model: Any, epochs: int, initial_epoch: Any) -> int:
    """How many epochs will be done at the end, counted from `compile` or by `initial_epoch`."""
    if initial_epoch is None:
        return model.progress.epoch + epochs
    if count("initial_epoch", initial_epoch) > epochs:
        raise OptionError(
            f"initial_epoch ({initial_epoch}) lies behind the last epoch, epochs={epochs}: with "
            "initial_epoch, epochs is a number of epochs in all"
        )
    return epochs


@dataclass
class Loop:
    """Everything one call of `fit` needs. `run` reads as the story of training.

    epochs: the number of the last epoch, from 1.
    goes_on: with the training that was before, its callbacks' states and its own weights;
        else it begins anew, from the weights that the model has.
    """

    model: Any
    feed: Feed
    epochs: int
    goes_on: bool
    callbacks: CallbackList
    validate: Callable[[], dict[str, float]] | None
    history: History = field(default_factory=History)  # of this call
    rate: float = 0.0  # of the last batch

    def run(self) -> History:
        logs: dict[str, Any] = {}
        self.threads, self.progress = resolve_threads(self.model.threads), self.model.progress
        broken = self._begin()
        try:
            self.callbacks.begin(self.model, self._params(), logs)
            while self.progress.epoch < self.epochs and not self.should_stop():
                if not self.feed.ready():
                    break
                if not broken:
                    self.callbacks.call("on_epoch_begin", self.progress.epoch, {})
                broken = False
                logs = self._epoch(self.progress.epoch)
        finally:  # a progress bar must let go of the terminal, the best weights come back
            self._use_averages()
            self.callbacks.end(logs)
        return self.history

    def should_stop(self) -> bool:
        return self.model.stop_training

    def _begin(self) -> bool:
        """Whether the callbacks have seen the beginning of the first epoch."""
        progress, feed = self.progress, self.feed
        if self.goes_on:
            swap_back(self.model)
        else:
            self.model.training_weights = None
            progress.first_epoch = progress.epoch
        if not (feed.goes_on and progress.samples == feed.samples):
            progress.begin_epoch()  # what was broken off can't be gone on with
        progress.samples = feed.samples
        epochs = self.epochs - progress.epoch
        steps = None if feed.steps is None else epochs * feed.steps - progress.batch
        self.model.optimizer.begin_training(steps, feed.steps, self.goes_on)
        return self.goes_on and progress.batch > 0

    def _params(self) -> dict[str, Any]:
        self.params = {
            "epochs": self.epochs,
            "first_epoch": self.progress.first_epoch,
            "steps": self.feed.steps,
            "samples": self.feed.samples or None,
            "validation": self.validate is not None,
        }
        return self.params

    def _epoch(self, epoch: int) -> dict[str, Any]:
        started = time.perf_counter()
        for plan, order, last in self.feed.batches(epoch, self.progress):
            plan.epoch = epoch
            if last:
                self.params["steps"] = self.progress.batch + 1
            if self._batch(plan, order):
                self.progress.begin_epoch()  # its sums are no numbers either
                return {}
            if self.should_stop() and not last:
                return self.progress.logs()  # can be resumed in the middle
        logs: dict[str, Any] = self.progress.logs()
        logs["loss"] += self.model.penalty()
        if self.feed.plan is not None:
            logs |= scores(self.feed.plan.heads, self.progress, *self.feed.measured())
        logs["seconds"] = time.perf_counter() - started
        return self._finish(epoch, logs)

    def _finish(self, epoch: int, logs: dict[str, Any]) -> dict[str, Any]:
        """Validate, and tell callbacks, with averaged weights if a callback keeps them."""
        self._use_averages()
        if self.validate is not None:
            logs |= self.validate()
        logs["learning_rate"] = self.rate
        self.history.append(epoch, logs)
        self.model.history.append(epoch, logs)
        self.progress.epoch += 1
        self.progress.begin_epoch()
        self.callbacks.call("on_epoch_end", epoch, logs)
        swap_back(self.model)
        return logs

    def _batch(self, plan: Plan, order: np.ndarray) -> bool:
        """Whether training diverged, and a callback stopped it for that."""
        batch, optimizer = self.progress.batch, self.model.optimizer
        if self.callbacks:
            self.callbacks.call("on_batch_begin", batch, self.progress.logs())
        optimizer.learning_rate_scale = self.callbacks.learning_rate_scale
        self.rate = optimizer.rate
        sums = update(self.model, plan, order, self.threads)
        self.progress.add(len(order), sums, plan.rows(len(order)))
        if self.callbacks:
            self.callbacks.call("on_batch_end", batch, self.progress.logs())
        broke = not np.isfinite(sums["loss"])
        if broke and not self.should_stop():
            where = f"epoch {self.progress.epoch + 1}, batch {batch + 1}"
            raise diverged(self.model, self.feed.source, sums["loss"], where, self.rate)
        return broke

    def _use_averages(self) -> None:
        weights = self.callbacks.averaged_weights()
        if weights is not None:
            swap_in(self.model, weights)
