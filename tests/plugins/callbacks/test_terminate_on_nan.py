"""A calm end where training diverges."""

import numpy as np
import pytest

from fastcnn.callbacks import Callback, EarlyStopping
from fastcnn.errors import DivergedError
from tests.plugins.callbacks.tiny import Weights, assert_same_weights, fit, model

WILD = {"name": "sgd", "learning_rate": 1e30}


class Explode(Callback):
    def on_epoch_begin(self, epoch, logs):
        if epoch == 2:
            self.model.optimizer.learning_rate = 1e30


def test_without_it_training_raises():
    with pytest.raises(DivergedError, match="smaller learning rate"):
        fit(model(WILD), 3)


def test_with_it_training_ends_and_the_broken_epoch_does_not_count():
    trained = model(WILD)
    history = fit(trained, 3, "terminate_on_nan").history
    assert history == {} and trained.progress.epoch == trained.progress.batch == 0
    assert trained.stop_reason.startswith("the loss became")


def test_the_best_weights_come_back():
    trained, weights = model({"name": "sgd", "learning_rate": 0.01}), Weights()
    fit(trained, 9, Explode(), "terminate_on_nan", EarlyStopping(patience=9), weights)
    assert trained.progress.epoch == 2
    best = int(np.argmin(trained.history.history["val_loss"]))
    assert_same_weights(trained.get_weights(), weights.epochs[best])
