"""Figures of outputs that a model gave: what `evaluate` does without a forward pass."""

from typing import Any

from fastcnn.engine.symbolic import Input
from fastcnn.layers import Activation
from fastcnn.model import Model


def evaluate_outputs(model: Model, outputs: Any, y: Any, sample_weight: Any = None) -> Any:
    """What `model.evaluate` would give if these were the model's outputs (N, ...)."""
    arrays = outputs if isinstance(outputs, list) else [outputs]
    inputs = [Input(array.shape[1:], data_format=model.data_format) for array in arrays]
    names = zip(inputs, model.output_names, strict=True)
    ends = [Activation("linear", name=name)(x) for x, name in names]
    options: dict[str, Any] = {"backend": model.backend, "dtype": model.dtype}
    scored = Model(inputs, ends, threads=model.threads, name=model.name, **options)
    scored.losses, scored.loss_weights = model.losses, model.loss_weights
    scored.metrics = model.metrics
    figures = scored.evaluate(outputs, y, sample_weight=sample_weight)
    figures["loss"] += model.penalty()
    return figures
