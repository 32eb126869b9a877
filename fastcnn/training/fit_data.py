"""What `fit` trains on and measures, from its arguments."""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastcnn.data.batches import (
    Batches,
    gives_batches,
    refuse_with_batches,
    sizes_of_arrays,
    with_targets,
)
from fastcnn.data.targets import hold_out
from fastcnn.data.weights import with_classes
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.plan import Source
from fastcnn.errors import OptionError
from fastcnn.training.adapting import adapt_layers
from fastcnn.training.feed import ArrayFeed, BatchFeed

BATCH_SIZE = 32
PARTS = (2, 3)  # x, y and perhaps weights

Validate = Callable[[], dict[str, float]] | None
Feed = ArrayFeed | BatchFeed


def make_feed(
    model: Any,
    x: Any,
    y: Any,
    augment: Augment | None,
    epochs: int,
    *,
    batch_size: int,
    steps_per_epoch: int | None,
    validation_data: Any,
    validation_split: float,
    validation_steps: int | None,
    shuffle: bool,
    sample_weight: Any,
    class_weight: Any,
) -> tuple[Feed, Validate]:
    """Batches to train on, and what measures the model after each epoch, if anything does.

    epochs: that are to come.
    """
    if validation_data is not None and validation_split:
        raise OptionError("give validation_data or validation_split, not both")
    if gives_batches(x):
        split = validation_split or None
        own = {"y": y, "sample_weight": sample_weight, "validation_split": split}
        refuse_with_batches(batch_size, BATCH_SIZE, **own)
        if class_weight == "balanced":
            raise OptionError('class_weight="balanced" needs all labels at once: give a dict')
        batches = Batches(x, steps_per_epoch, "training", "steps_per_epoch")
        feed = BatchFeed(model, batches, augment, class_weight)
        known = list(feed.source.preprocessing)
        return feed, _validation(model, validation_data, validation_steps, epochs, known)
    size = sizes_of_arrays(batch_size, steps_per_epoch, "steps_per_epoch", BATCH_SIZE)
    parts, held_out = hold_out(model._in_order(x, with_targets(y), sample_weight), validation_split)
    source = model._training_source(*parts)
    if class_weight is not None:
        output = model.graph.outputs[0].shape
        source.weights = with_classes(source, class_weight, output, model.dtype)
    known = list(source.preprocessing)
    if held_out is None:
        validate = _validation(model, validation_data, validation_steps, epochs, known)
    else:
        validate = _measuring(model, model._source("validation", *held_out, known))
    adapt_layers(model, source)
    return ArrayFeed(model, source, size, shuffle, augment), validate


def _validation(model: Any, data: Any, steps: Any, epochs: int, known: Any) -> Validate:
    """known: what the training data decided of the inputs."""
    if data is not None and gives_batches(data):
        batches = Batches(data, steps, "validation", "validation_steps")
        if batches.once and batches.steps is None and epochs > 1:
            raise OptionError(
                "validation_data is an iterator, which the first epoch would use up: give "
                "validation_steps, or a callable that makes an iterator for each epoch"
            )
        return _measuring(model, batches)
    if steps is not None:
        raise OptionError("validation_steps is for validation_data that gives batches")
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) not in PARTS:
        got = f"{len(data)} things" if isinstance(data, tuple | list) else type(data).__name__
        raise OptionError(
            "validation_data must be (x, y), (x, y, sample weights) or an iterator or callable of "
            f"such batches, not {got}"
        )
    return _measuring(model, model._batch("validation", *data, known=known))


def _measuring(model: Any, data: Source | Batches) -> Callable[[], dict[str, float]]:
    return partial(_measure, model, data)


def _measure(model: Any, data: Source | Batches) -> dict[str, float]:
    sources = model._sources(data) if isinstance(data, Batches) else [data]
    return {f"val_{name}": value for name, value in model._evaluate(sources, True).items()}
