"""One batch to learn from, where training takes them one by one."""

from dataclasses import replace
from typing import Any

from fastcnn.data.batches import with_targets
from fastcnn.engine.plan import Source


def training_batch(model: Any, name: str, x: Any, y: Any, weights: Any = None) -> Source:
    """Its checked samples. The first ones decide what the inputs mean.

    Later ones may hold what the first ones did not, unless that looks like another scale of bytes.
    """
    before = [known for known in model._remembered() if known is not None and known.seen]
    if len(before) < max(1, len(model.readers)):
        source = model._training_source(*model._in_order(x, with_targets(y), weights))
        model.remember(source)
        return source
    open_ended = [replace(known, seen=None) for known in before]
    source = model._batch(name, x, y, weights, open_ended)
    pairs = list(zip(before, source.images, strict=True))
    for number, (known, images) in enumerate(pairs):
        fault = known.fault(images, only_bytes=True) if model.check_range else None
        if fault is not None:
            model._out_of_range(name, number, fault)
    source.preprocessing = [known.widened(images) for known, images in pairs]
    model.agree(source)
    if any(a is not b for a, b in zip(source.preprocessing, before, strict=True)):
        model.remember(source)
    return source
