"""fastcnn: `fit` itself, with shuffling and history, on float images; or `predict`."""

import time
from itertools import cycle
from typing import Any

import numpy as np
from common import Net, random_data
from serve import Run, repeat, serve

from fastcnn import Input, Model, __version__
from fastcnn.callbacks import Callback
from fastcnn.commands.versions import maker_in_use
from fastcnn.engine.plan import Source
from fastcnn.layers import Add
from fastcnn.plugins.registry import layers, make


class Stopwatch(Callback):
    """Ends `fit` at a number of seconds or steps; training can go on from there."""

    def __init__(self, limit: float, most: float) -> None:
        self.limit, self.most = limit, most
        self.steps, self.seconds = 0, 0.0

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.start = time.perf_counter()

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        self.steps += 1
        self.seconds = time.perf_counter() - self.start
        self.model.stop_training = self.steps >= self.most or self.seconds >= self.limit


def build(net: Net, threads: int, backend: str | None = None, precision: str = "float32") -> Model:
    image = Input(net.input)
    scores = stack([*net.layers, {"name": "softmax"}], image)
    model = Model(image, scores, threads=threads, backend=backend, precision=precision)
    model.compile(net.optimizer, "sparse_categorical_crossentropy")
    return model


def stack(specs: list[dict[str, Any]], x: Any) -> Any:
    """The output of these layers, one after the other, on a symbolic tensor."""
    for spec in specs:
        if spec["name"] == "residual":
            x = Add()([stack(spec["main"], x), stack(spec["shortcut"], x)])
            continue
        options = dict(spec)
        trainable = options.pop("trainable", True)
        layer = make(layers, options)
        layer.trainable = trainable
        x = layer(x)
    return x


def worker(net: Net, batch: int, threads: int, mode: str) -> tuple[Run, dict[str, Any]]:
    """mode: a backend, or one with "+bf16", to train; "predict", or "plan" for the program behind
    it alone."""
    training = mode not in ("predict", "plan")
    backend, _, precision = mode.partition("+")
    model = build(net, threads, backend if training else "native", precision or "float32")
    images, labels = random_data(net, batch)
    if not training:
        call = predicting if mode == "predict" else running
        return repeat(call(model, images, batch, threads)), facts_of(model)

    def run(limit: float, steps: float) -> tuple[int, float]:
        watch = Stopwatch(limit, steps)
        model.fit(images, labels, batch_size=batch, epochs=10**9, verbose=0, callbacks=[watch])
        return watch.steps, watch.seconds

    return run, facts_of(model)


def facts_of(model: Model) -> dict[str, Any]:
    return {
        "version": f"fastcnn {__version__} ({maker_in_use(model.backend)})",
        "parameters": sum(model.store.value(key).size for key in model.store.trainable),
        "multiply_adds": sum(
            node.layer.multiply_adds(*node.input_shapes) for node in model.graph.nodes[1:]
        ),
    }


def predicting(model: Model, images: np.ndarray, batch: int, threads: int) -> Any:
    parts = cycle(np.split(images, len(images) // batch))
    return lambda: model.predict(next(parts))


def running(model: Model, images: np.ndarray, batch: int, threads: int) -> Any:
    model.predict(images[:batch])
    plan = model._plan("predict", batch)
    plan.bind(Source([images]))
    starts = cycle(range(0, len(images), batch))
    return lambda: plan.run_from(next(starts), threads)


if __name__ == "__main__":
    serve(worker)
