"""Keras on TensorFlow: train_on_batch. Modes: graph, xla (jit_compile). See serve.py."""

import math
import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from common import BATCHES, Net, random_data
from serve import Run, repeat, serve

LAYERS = {
    "conv2d": keras.layers.Conv2D,
    "dense": keras.layers.Dense,
    "max_pooling2d": keras.layers.MaxPooling2D,
    "average_pooling2d": keras.layers.AveragePooling2D,
    "flatten": keras.layers.Flatten,
    "global_average_pooling2d": keras.layers.GlobalAveragePooling2D,
    "dropout": keras.layers.Dropout,
    "batch_normalization": keras.layers.BatchNormalization,
    "activation": keras.layers.Activation,
}
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build(net: Net, xla: bool) -> keras.Model:
    image = keras.Input(net.input)
    model = keras.Model(image, stack(net.layers, image))
    options = dict(net.optimizer)
    model.compile(
        OPTIMIZERS[options.pop("name")](**options),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=xla,
    )
    return model


def stack(specs: list[dict[str, Any]], x: Any) -> Any:
    for spec in specs:
        options = dict(spec)
        name = options.pop("name")
        if name == "residual":
            x = keras.layers.Add()([stack(spec["main"], x), stack(spec["shortcut"], x)])
            continue
        padding = options.get("padding")
        if isinstance(padding, int):
            options["padding"], x = padded(name, options, padding, x)
        x = LAYERS[name](**options)(x)
    return x


def padded(name: str, options: dict[str, Any], padding: int, x: Any) -> tuple[str, Any]:
    """Keras' word for this padding, or a layer of its own where it has none."""
    sizes, stride = x.shape[1:3], options.get("strides", 1)
    kernel = options["kernel_size" if name == "conv2d" else "pool_size"]
    wanted = [(size + 2 * padding - kernel) // stride + 1 for size in sizes]
    if wanted == [-(-size // stride) for size in sizes]:
        return "same", x
    return "valid", keras.layers.ZeroPadding2D(padding)(x) if padding else x


def multiply_adds(model: keras.Model) -> int:
    heavy = [layer for layer in model.layers if hasattr(layer, "kernel")]
    return sum(math.prod(x.kernel.shape) * math.prod(x.output.shape[1:-1]) for x in heavy)


def worker(net: Net, batch: int, threads: int, mode: str) -> tuple[Run, dict[str, Any]]:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = build(net, xla={"graph": False, "xla": True}[mode])
    images, labels = random_data(net, batch)
    labels = labels.astype(np.int32)
    done = 0

    def step() -> None:
        nonlocal done
        start = done % BATCHES * batch
        done += 1
        model.train_on_batch(images[start : start + batch], labels[start : start + batch])

    facts = {
        "version": f"Keras {keras.__version__} on TensorFlow {tf.__version__}",
        "parameters": sum(math.prod(w.shape) for w in model.trainable_weights),
        "multiply_adds": multiply_adds(model),
    }
    return repeat(step), facts


if __name__ == "__main__":
    serve(worker)
