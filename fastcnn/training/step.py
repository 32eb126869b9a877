"""One update of a model's weights, and one batch that is only measured."""

from typing import Any

import numpy as np

from fastcnn.engine.plan import Plan, Source
from fastcnn.kernels.threads import resolve_threads
from fastcnn.training.adapting import check_adapted
from fastcnn.training.diverged import diverged
from fastcnn.training.feed import grown
from fastcnn.training.history import Progress
from fastcnn.training.scores import scores


def update(model: Any, plan: Plan, order: np.ndarray, threads: int) -> dict[str, float]:
    """By the loss of these samples of what the plan is bound to; returns the sums over them."""
    optimizer, count = model.optimizer, len(order)
    plan.state[:] = model.seed, optimizer.iterations
    with model.store.working():
        optimizer.step(
            run=lambda: plan.run(order, threads),
            loss=lambda: plan.sums()["loss"] / count,
        )
    return plan.sums()


def train_on_batch(model: Any, source: Source) -> dict[str, Any]:
    """See Model.train_on_batch."""
    optimizer = model.optimizer
    optimizer.check_endless()
    optimizer.learning_rate_scale = 1.0  # callbacks are for fit
    model.training_weights = None
    plan = batch_plan(model, "train", source)
    order, penalty = np.arange(len(source)), model.penalty()
    with model.store.training():
        sums = update(model, plan, order, resolve_threads(model.threads))
    if not np.isfinite(sums["loss"]):
        where = f"step {optimizer.iterations}"
        raise diverged(model, source, sums["loss"], where, optimizer.rate)
    return figures(plan, source, sums, penalty)


def test_on_batch(model: Any, source: Source) -> dict[str, Any]:
    """See Model.test_on_batch."""
    plan = batch_plan(model, "evaluate", source)
    plan.run_from(0, resolve_threads(model.threads))
    return figures(plan, source, plan.sums(), model.penalty())


def batch_plan(model: Any, purpose: str, source: Source) -> Plan:
    """A plan for a batch of this size, or of a larger one that came before."""
    key = purpose, bool(source.weights)
    if key not in model.batch_sizes:
        check_adapted(model)
    model.batch_sizes[key] = size = grown(model.batch_sizes.get(key, 0), len(source))
    plan = model._plan(purpose, size, key[1])
    plan.bind(source)
    return plan


def figures(plan: Plan, source: Source, sums: dict[str, float], penalty: float) -> dict[str, Any]:
    progress = Progress()
    progress.add(len(source), sums, plan.rows(len(source)))
    logs: dict[str, Any] = progress.logs()
    logs["loss"] += penalty
    order = np.arange(len(source))
    return logs | scores(plan.heads, progress, source.targets, order, only_scalars=False)
