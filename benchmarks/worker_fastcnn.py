"""fastcnn: `fit` itself, with shuffling and history, on float images; the mode is the backend."""

import time
from typing import Any

from common import Net, random_data
from serve import Run, serve

from fastcnn import Input, Model, __version__
from fastcnn.callbacks import Callback
from fastcnn.commands.versions import maker_in_use
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


def build(net: Net, threads: int, backend: str | None = None) -> Model:
    image = Input(net.input)
    scores = stack([*net.layers, {"name": "softmax"}], image)
    model = Model(image, scores, threads=threads, backend=backend)
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
    model = build(net, threads, mode)
    images, labels = random_data(net, batch)

    def run(limit: float, steps: float) -> tuple[int, float]:
        watch = Stopwatch(limit, steps)
        model.fit(images, labels, batch_size=batch, epochs=10**9, verbose=0, callbacks=[watch])
        return watch.steps, watch.seconds

    facts = {
        "version": f"fastcnn {__version__} ({maker_in_use(mode)})",
        "parameters": sum(model.store.value(key).size for key in model.store.trainable),
        "multiply_adds": sum(
            node.layer.multiply_adds(*node.input_shapes) for node in model.graph.nodes[1:]
        ),
    }
    return run, facts


if __name__ == "__main__":
    serve(worker)
