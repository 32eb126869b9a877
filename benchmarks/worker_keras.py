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
    "dropout": keras.layers.Dropout,
}
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build(net: Net, xla: bool) -> keras.Model:
    stack = [keras.Input(net.input)]
    for spec in net.layers:
        options = dict(spec)
        stack.append(LAYERS[options.pop("name")](**options))
    model = keras.Sequential(stack)
    options = dict(net.optimizer)
    model.compile(
        OPTIMIZERS[options.pop("name")](**options),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=xla,
    )
    return model


def multiply_adds(model: keras.Model) -> int:
    return sum(
        math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        for layer in model.layers
        if hasattr(layer, "kernel")
    )


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
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model),
    }
    return repeat(step), facts


if __name__ == "__main__":
    serve(worker)
