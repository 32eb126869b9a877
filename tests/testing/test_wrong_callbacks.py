"""The checks find what is wrong with callbacks."""

import pytest

import fastcnn.testing
from fastcnn.engine.callback import Callback
from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found, entered


class Slower(Callback):
    """A smaller learning rate with every epoch of this training."""

    def on_train_begin(self, logs):
        self.learning_rate_scale, self.epochs = 1.0, 0

    def on_epoch_end(self, epoch, logs):
        self.epochs += 1
        self.learning_rate_scale = 0.8**self.epochs

    def state_dict(self):
        return {"epochs": self.epochs}

    def load_state(self, state):
        self.epochs = state["epochs"]
        self.learning_rate_scale = 0.8**self.epochs


class ForgetsState(Slower):
    """Does not save what it must know."""

    def state_dict(self):
        return {}

    def load_state(self, state):
        pass


class NeverBeginsAnew(Slower):
    """Goes on counting in the next training."""

    epochs = 0

    def on_train_begin(self, logs):
        pass


def test_a_right_callback_passes():
    with entered(registries.callbacks, Slower) as name:
        fastcnn.testing.check_callback(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (ForgetsState, "resumed after 8 steps"),
        (NeverBeginsAnew, "the same object in another training"),
    ],
)
def test_wrong_callbacks(cls, message):
    assert_found(registries.callbacks, cls, message)
