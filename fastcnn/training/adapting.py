"""Layers that adapt to the training data, before `fit` begins."""

from typing import Any

import numpy as np

from fastcnn import rng
from fastcnn.engine.adapting_layer import AdaptingLayer
from fastcnn.engine.graph import Node
from fastcnn.engine.plan import Source
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.errors import OptionError

SAMPLES = 5000  # that layers adapt to, at most, taken by chance


def adapt_layers(model: Any, source: Source) -> None:
    """Let layers that read an input of the model, and have seen no data, adapt to the samples."""
    inputs = model.graph.inputs
    for node in model.graph.nodes:
        layer = node.layer
        if isinstance(layer, AdaptingLayer) and layer.needs_data() and node.inputs[0] in inputs:
            number = inputs.index(node.inputs[0])
            pixels = source.preprocessing[number]
            layer.take(_samples(source.images[number], pixels, node.inputs[0], model.seed))


def check_adapted(model: Any) -> None:
    """Where batches come one by one, layers can't adapt to all of the data."""
    for node in model.graph.nodes:
        if isinstance(node.layer, AdaptingLayer) and node.layer.needs_data():
            raise OptionError(
                f"layer {node.name!r} has seen no data yet: call its adapt(x) before training on "
                "single batches"
            )


def _samples(images: np.ndarray, pixels: Preprocessing, node: Node, seed: int) -> np.ndarray:
    """Some of images (N, H, W, C), as the model gets them: (n, *node.shape)."""
    chosen = np.sort(rng.permutation(seed, 0, len(images))[:SAMPLES])
    scale, offset = pixels.factors(images.dtype)
    x = images[chosen] * scale + offset
    return np.moveaxis(x, -1, 1).reshape(len(x), *node.shape)
