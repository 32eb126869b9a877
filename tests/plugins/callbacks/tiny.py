"""A tiny net on images of three classes, for real runs in a blink."""

import numpy as np

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.callbacks import Callback

_random = np.random.default_rng(0)
LABELS = np.arange(48) % 3
IMAGES = (_random.integers(0, 99, (48, 6, 6, 1)) + 70 * LABELS[:, None, None, None]).astype(
    np.uint8
)
VALIDATION = (IMAGES[::-2], LABELS[::-2])
BATCH, STEPS = 8, 6  # images of a batch, batches of an epoch


def model(optimizer="adam", seed=1):
    made = Sequential(
        [
            L.Conv2D(4, 3, activation="relu"),
            L.BatchNormalization(momentum=0.8),
            L.Dropout(0.2),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ],
        seed=seed,
        threads=1,
    )
    made.compile(optimizer)
    return made


def fit(made, epochs, *callbacks, **options):
    """Until so many epochs are done: a training that was begun goes on."""
    options = {"batch_size": BATCH, "verbose": 0, "validation_data": VALIDATION, **options}
    options.setdefault("initial_epoch", made.progress.epoch)
    return made.fit(IMAGES, LABELS, epochs=epochs, callbacks=list(callbacks), **options)


def assert_same_weights(a, b):
    for key, value in a.items():
        assert np.array_equal(value, b[key]), key


class StopAfter(Callback):
    """As Ctrl-C would: the run stops after so many batches in all."""

    def __init__(self, steps):
        self.steps = steps

    def on_batch_end(self, batch, logs):
        if self.model.optimizer.iterations >= self.steps:
            self.model.stop_training = True


class Figures(Callback):
    """Puts figures of the test's choice in the place of those that were measured."""

    def __init__(self, name, values):
        self.name, self.values = name, list(values)

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.values[epoch]


class Weights(Callback):
    """Remembers the model's weights at the end of each epoch."""

    def on_train_begin(self, logs):
        self.epochs = []

    def on_epoch_end(self, epoch, logs):
        self.epochs.append(self.model.get_weights())


class Rates(Callback):
    """Remembers the learning rate of each batch, as the optimizer used it."""

    def on_train_begin(self, logs):
        self.batches = []

    def on_batch_end(self, batch, logs):
        optimizer = self.model.optimizer
        self.batches.append(optimizer.learning_rate * optimizer.learning_rate_scale)
