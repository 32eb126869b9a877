"""`fit` once more: so many epochs more, or on with the training to a total."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model, optimizers
from fastcnn import layers as L
from fastcnn.callbacks import (
    SWA,
    CSVLogger,
    EarlyStopping,
    LRFinder,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TimeBudget,
)
from fastcnn.engine.callback import Callback
from fastcnn.errors import FastcnnError, OptionError
from tests.plugins.callbacks.tiny import BATCH, IMAGES, LABELS, STEPS, Figures, StopAfter, model


def fit(made, epochs, *callbacks, **options):
    options = {"batch_size": BATCH, "verbose": 0, **options}
    return made.fit(IMAGES, LABELS, epochs=epochs, callbacks=list(callbacks), **options)


def assert_same_bits(one, two):
    for key, value in one.get_weights().items():
        np.testing.assert_array_equal(value, two.get_weights()[key], err_msg=key)


class Epochs(Callback):
    """Numbers of the epochs that begin and end."""

    def __init__(self):
        self.begun, self.ended = [], []

    def on_epoch_begin(self, epoch, logs):
        self.begun.append(epoch)

    def on_epoch_end(self, epoch, logs):
        self.ended.append(epoch)


@pytest.mark.parametrize("parts", [[5], [2, 3], [0, 1, 4], [1, 1, 1, 1, 1]])
def test_every_call_trains_so_many_epochs_more(parts):
    whole, made, seen = model(), model(), Epochs()
    fit(whole, 5)
    for number, epochs in enumerate(parts):
        history = fit(made, epochs, seen)
        begun = sum(parts[:number])
        assert history.epoch == list(range(begun, begun + epochs))
        assert len(history.history.get("loss", [])) == epochs
    assert_same_bits(whole, made)
    assert made.progress.epoch == 5 and made.optimizer.iterations == 5 * STEPS
    assert made.history.epoch == seen.begun == seen.ended == list(range(5))
    assert made.history.history["loss"] == whole.history.history["loss"]


def test_no_epochs_change_nothing():
    made = model()
    fit(made, 2, "ema", EarlyStopping("loss"))
    weights = made.get_weights()
    assert fit(made, 0).history == {}
    for key, value in made.get_weights().items():
        np.testing.assert_array_equal(value, weights[key])


def test_another_size_of_batches():
    made = model()
    fit(made, 2)
    history = fit(made, 1, batch_size=16)
    assert history.epoch == [2] and made.optimizer.iterations == 2 * STEPS + 3
    assert fit(made, 1, batch_size=1000).history["loss"][0] > 0


@pytest.mark.parametrize("state", [True, False])
def test_a_loaded_model_trains_so_many_epochs_more(state, tmp_path):
    made = model()
    fit(made, 2)
    made.save(tmp_path / "m", training_state=state)
    loaded = load_model(tmp_path / "m", threads=1)
    history = fit(loaded, 3)
    assert history.epoch == ([2, 3, 4] if state else [0, 1, 2])
    if state:
        fit(made, 3)
        assert_same_bits(made, loaded)


def test_after_set_weights_training_begins_from_these():
    made, other = model(), model(seed=2)
    fit(made, 2, "ema")
    other.build((6, 6, 1))
    made.set_weights(other.get_weights())
    made.compile({"name": "sgd", "learning_rate": 1e-30})
    fit(made, 1)
    kernels = [m.get_weights()["dense/kernel"] for m in (made, other)]
    np.testing.assert_array_equal(*kernels)


# ---- on to a total


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("broken", [STEPS, STEPS + 2, 3 * STEPS - 1])
def test_initial_epoch_goes_on_with_all_bits(broken, saved, tmp_path):
    def callbacks():
        return "ema", EarlyStopping(patience=9, monitor="loss"), ReduceLROnPlateau("loss")

    whole, made, seen = model(), model(), Epochs()
    fit(whole, 4, *callbacks())
    fit(made, 4, *callbacks(), seen, StopAfter(broken))
    if saved:
        made.save(tmp_path / "m")
        made = load_model(tmp_path / "m", threads=1)
    history = fit(made, 4, *callbacks(), seen, initial_epoch=made.progress.epoch)
    assert_same_bits(whole, made)
    assert made.history.history["loss"] == whole.history.history["loss"]
    assert seen.begun == list(range(4)) and history.epoch == list(range(broken // STEPS, 4))


def test_a_broken_epoch_is_finished_first_and_counts():
    whole, made, seen = model(), model(), Epochs()
    fit(whole, 4)
    fit(made, 3, StopAfter(STEPS + 2))
    assert (made.progress.epoch, made.progress.batch) == (1, 2)
    fit(made, 3, seen)
    assert_same_bits(whole, made)
    assert seen.begun == seen.ended == [1, 2, 3]  # a fresh callback sees its beginning


def test_a_broken_epoch_of_other_data_begins_anew():
    made = model()
    fit(made, 3, StopAfter(STEPS + 2))
    images, labels = IMAGES[:20], LABELS[:20]
    history = made.fit(images, labels, batch_size=10, verbose=0)
    assert history.epoch == [1] and made.optimizer.iterations == STEPS + 2 + 2


def test_initial_epoch_of_another_number_is_that_of_the_first_epoch():
    """As in Keras, where it numbers epochs: those of a new training."""
    made, seen = model(), Epochs()
    assert fit(made, 5, seen, initial_epoch=3).epoch == [3, 4] == seen.begun
    assert fit(made, 2, seen, initial_epoch=0).epoch == [0, 1]
    assert made.history.epoch == [3, 4, 0, 1] and made.progress.epoch == 2
    assert fit(made, 2, initial_epoch=2).epoch == []


# ---- callbacks


def test_early_stopping_begins_anew_and_goes_on():
    made, stop = model(), EarlyStopping("loss", patience=1, min_delta=10)
    for _ in range(2):
        assert len(fit(made, 9, stop).epoch) == 2
    assert len(fit(made, 9, stop, initial_epoch=made.progress.epoch).epoch) == 0
    assert "no better" in made.stop_reason


def test_training_anew_begins_from_the_best_weights():
    made = model({"name": "sgd", "learning_rate": 1e-30})
    figures = Figures("loss", [1, 2, 2, 2])
    fit(made, 1)
    best = made.get_weights()["dense/kernel"]
    made.optimizer.learning_rate = 0.1
    fit(made, 3, figures, EarlyStopping("loss"), ModelCheckpoint("{epoch}", save_freq=10**6))
    made.optimizer.learning_rate = 1e-30
    fit(made, 1)
    assert not np.array_equal(best, made.get_weights()["dense/kernel"])


def test_start_of_a_training_and_not_of_all(tmp_path):
    made = model()
    fit(made, 4)
    early = EarlyStopping("loss", patience=0, min_delta=10, start_from_epoch=2)
    assert fit(made, 9, early).epoch == [4, 5, 6, 7]
    average = SWA()
    fit(made, 4, average)
    assert average.averaged == 1


def test_logs_and_checkpoints_are_numbered_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = model()
    for epochs in (2, 3):
        fit(made, epochs, CSVLogger("new.csv"), CSVLogger("all.csv", append=True))
        fit(made, 0, ModelCheckpoint("{epoch}.m"))
    fit(made, 1, ModelCheckpoint("{epoch}.m"))
    assert rows("new.csv") == [3, 4, 5] and rows("all.csv") == [1, 2, 3, 4, 5]
    assert [path.name for path in tmp_path.glob("*.m")] == ["6.m"]
    loaded = load_model("6.m", threads=1)
    fit(loaded, 9, CSVLogger("new.csv"), initial_epoch=6)
    assert rows("new.csv") == [7, 8, 9]


def test_a_log_goes_on_with_its_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = model()
    fit(made, 2)
    fit(made, 2, CSVLogger("log.csv"), ModelCheckpoint("{epoch}.m"))
    loaded = load_model("3.m", threads=1)
    fit(loaded, 5, CSVLogger("log.csv"), initial_epoch=3)
    assert rows("log.csv") == [3, 4, 5]


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [int(line.split(",")[0]) for line in file.read().splitlines()[1:]]


def test_the_finder_leaves_no_trace_between_two_calls():
    plain, made = model(), model()
    for part, trained in ((None, plain), (LRFinder(steps=20), made)):
        fit(trained, 2)
        if part is not None:
            fit(trained, 9, part)
        fit(trained, 2)
    assert_same_bits(plain, made)
    assert plain.history.epoch == made.history.epoch


def test_a_budget_is_for_each_call():
    made = model()
    for calls in (1, 2):
        fit(made, 9, TimeBudget(steps=8))
        assert made.optimizer.iterations == 8 * calls


def test_a_figure_that_came_later_is_no_number_before():
    made = model()
    fit(made, 1)
    fit(made, 1, validation_data=(IMAGES, LABELS))
    first, second = made.history.history["val_loss"]
    assert np.isnan(first) and second > 0
    assert [row["epoch"] for row in made.history.rows()] == [1, 2]


# ---- what fit takes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(({"epochs": value}, "epochs must be") for value in (2.5, -1, None, "3", True)),
        *(({"batch_size": value}, "batch_size must be") for value in (16.0, "32", None, 0, -4)),
        *(({"initial_epoch": value}, "initial_epoch must be") for value in (-1, 0.5, "1")),
        ({"initial_epoch": 3, "epochs": 2}, r"initial_epoch \(3\) lies behind"),
        ({"steps_per_epoch": 3}, "steps_per_epoch is for batches"),
        ({"validation_steps": 3}, "validation_steps is for"),
        ({"validation_data": IMAGES}, "validation_data must be"),
        ({"validation_data": (IMAGES,)}, "validation_data must be"),
    ],
    ids=str,
)
def test_wrong_options(options, words):
    made = model()
    with pytest.raises(OptionError, match=words) as error:
        made.fit(IMAGES, LABELS, verbose=0, **options)
    assert "\n" not in str(error.value) and made.optimizer.iterations == 0


def test_numpy_integers_are_whole_numbers():
    numbers = {"batch_size": np.int64(24), "epochs": np.uint8(2)}
    assert model().fit(IMAGES, LABELS, verbose=0, **numbers).epoch == [0, 1]


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_targets_are_needed(call):
    made = Sequential([L.Flatten(), L.Dense(3)], (6, 6, 1))
    made.compile(loss="mean_squared_error")
    with pytest.raises(FastcnnError, match="targets"):
        getattr(made, call)(IMAGES, None)


@pytest.mark.parametrize("batch_size", [1, 47])
def test_a_batch_of_one_sample(batch_size):
    """Batch norm's variance over one vector is 0."""
    made = Sequential([L.Flatten(), L.Dense(8), L.BatchNormalization(), L.Dense(3)], seed=1)
    made.compile("adam", {"name": "sparse_categorical_crossentropy", "from_logits": True})
    history = fit(made, 3, batch_size=batch_size).history["loss"]
    assert np.isfinite(history).all() and np.isfinite(made.predict(IMAGES)).all()


def test_one_optimizer_object_for_one_model_after_the_other():
    adam, losses = optimizers.Adam(0.01), []
    for _ in range(2):
        made = model(adam)
        losses.append(fit(made, 2).history["loss"])
    assert losses[0] == losses[1]
