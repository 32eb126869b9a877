"""The loop and its callbacks: order of the hooks, errors, states, and what `fit` takes."""

import numpy as np
import pytest

from fastcnn import load_model
from fastcnn.callbacks import Callback, EarlyStopping, LambdaCallback
from fastcnn.errors import ModelFileError, OptionError
from fastcnn.training.callback_list import CallbackList, make_callbacks
from fastcnn.training.callback_state import states_from_plain, states_to_plain
from tests.plugins.callbacks.tiny import STEPS, StopAfter, assert_same_weights, fit, model

HOOKS = ("train_begin", "train_end", "epoch_begin", "epoch_end", "batch_begin", "batch_end")


def recorder(log, name=""):
    def hook(what):
        return lambda *arguments: log.append((name, what, *arguments[:-1]))

    return LambdaCallback(**{f"on_{what}": hook(what) for what in HOOKS})


def batches(first, last):
    pairs = ([("", "batch_begin", k), ("", "batch_end", k)] for k in range(first, last))
    return [entry for pair in pairs for entry in pair]


def test_the_six_hooks_in_their_order():
    log = []
    fit(model(), 2, recorder(log))
    expected = [("", "train_begin")]
    for epoch in range(2):
        expected += [("", "epoch_begin", epoch), *batches(0, STEPS), ("", "epoch_end", epoch)]
    assert log == [*expected, ("", "train_end")]


def test_a_run_that_goes_on_within_an_epoch_does_not_begin_it_again():
    trained, log = model(), []
    fit(trained, 1, StopAfter(2))
    fit(trained, 1, recorder(log))
    ends = [("", "epoch_end", 0), ("", "train_end")]
    assert log == [("", "train_begin"), *batches(2, STEPS), *ends]


def test_callbacks_run_as_given_but_those_that_save_last():
    log = []
    saver, other = recorder(log, "saver"), recorder(log, "other")
    saver.runs_last = True
    fit(model(), 1, saver, other)
    for what in HOOKS:
        named = [name for name, hook, *_ in log if hook == what]
        assert named == ["other", "saver"] * (len(named) // 2)


def test_hooks_see_the_figures_and_the_training():
    seen = {}

    class Look(Callback):
        def on_batch_end(self, batch, logs):
            seen["batch"] = set(logs)

        def on_epoch_end(self, epoch, logs):
            seen["epoch"], seen["params"] = set(logs), self.params

    fit(model(), 1, Look())
    assert seen["batch"] == {"loss", "accuracy"}
    assert seen["epoch"] >= {"loss", "accuracy", "val_loss", "seconds", "learning_rate"}
    assert seen["params"] == {
        **{"epochs": 1, "first_epoch": 0, "steps": STEPS, "samples": 48, "validation": True}
    }


class Fail(Callback):
    def __init__(self, hook):
        def fail(*arguments):
            raise RuntimeError(f"in {hook}")

        setattr(self, hook, fail)


@pytest.mark.parametrize("hook", [f"on_{what}" for what in HOOKS])
def test_an_error_in_a_callback_ends_all_and_leaves_a_good_model(hook, tmp_path):
    straight = model()
    fit(straight, 3)
    trained, log = model(), []
    fit(trained, 1)
    with pytest.raises(RuntimeError, match=f"in {hook}"):
        fit(trained, 3, recorder(log), Fail(hook))
    assert log[-1] == ("", "train_end") and trained.stop_training is False
    trained.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m", threads=1)
    fit(loaded, 3)
    assert_same_weights(straight.get_weights(), loaded.get_weights())


def test_an_error_at_the_beginning_keeps_the_states_of_before():
    trained = model()
    fit(trained, 2, EarlyStopping(patience=5))
    before = trained.callbacks.states()
    with pytest.raises(RuntimeError):
        fit(trained, 3, EarlyStopping(patience=5), Fail("on_train_begin"))
    assert trained.callbacks.states() == before


# ---- what fit takes


def test_names_tables_and_objects():
    mine = Callback()
    made = make_callbacks(["ema", {"name": "early_stopping", "patience": 3}, mine])
    names = [callback.registered_name for callback in made]
    assert names == ["ema", "early_stopping", ""] and made[2] is mine


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("ema", "must be a list"),
        (["emma"], "unknown callback 'emma'; did you mean 'ema'"),
        ([{"name": "ema", "dekay": 1}], "did you mean 'decay'"),
        ([len], "callback must be a name"),
        ([None], "callback must be a name"),
        ([{}], "needs a 'name'"),
        ([EarlyStopping()] * 2, "given twice"),
    ],
)
def test_what_is_no_callback(values, words):
    with pytest.raises(OptionError, match=words):
        make_callbacks(values)


# ---- states


class Counter(Callback):
    """An own callback, not registered, with numbers and arrays of its own."""

    def __init__(self, start=0):
        self.start = start

    def on_train_begin(self, logs):
        self.count, self.trace = self.start, np.zeros(0)

    def on_batch_end(self, batch, logs):
        self.count += 1
        self.trace = np.append(self.trace, logs["loss"])

    def state_dict(self):
        return {"count": self.count, "nested": [{"trace": self.trace}, None, "text"]}

    def load_state(self, state):
        self.count, self.trace = state["count"], state["nested"][0]["trace"]


def test_own_callbacks_are_resumed_by_name_and_position(tmp_path):
    trained = model()
    fit(trained, 1, Counter(), Counter(100))
    trained.save(tmp_path / "m")
    loaded, first, second = load_model(tmp_path / "m", threads=1), Counter(), Counter(100)
    fit(loaded, 2, EarlyStopping(), first, second)
    assert (first.count, second.count) == (2 * STEPS, 100 + 2 * STEPS)
    assert len(first.trace) == 2 * STEPS


def test_states_go_through_plain_json_and_arrays():
    states = [("a", {"x": np.arange(3), "n": np.float32(0.5), "l": (1, None, {"y": np.ones(2)})})]
    plain, arrays = states_to_plain(states)
    assert sorted(arrays) == ["callbacks/0/l/2/y", "callbacks/0/x"]
    (name, state), *rest = states_from_plain(plain, arrays)
    assert name == "a" and not rest and state["n"] == 0.5 and state["l"][:2] == [1, None]
    assert np.array_equal(state["l"][2]["y"], np.ones(2))


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array(["text"]), {"array": 1}, b"x"])
def test_states_that_a_file_can_not_hold(value):
    with pytest.raises(OptionError, match="the state of the callback 'mine' may hold"):
        states_to_plain([("mine", {"x": value})])


def test_a_state_that_does_not_fit_is_an_error_that_names_the_callback():
    class Strange(Counter):
        def load_state(self, state):
            self.count = state["other"]

    trained = model()
    fit(trained, 1, Strange())
    with pytest.raises(ModelFileError, match=r"state of the callback 'Strange'.*other"):
        fit(trained, 2, Strange())


def test_a_missing_array_is_an_error():
    with pytest.raises(ModelFileError, match="lacks the array"):
        states_from_plain([{"name": "a", "state": {"x": {"array": "gone"}}}], {})


def test_compile_forgets_states():
    trained = model()
    fit(trained, 1, EarlyStopping())
    assert [name for name, _ in trained.callbacks.states()] == ["early_stopping"]
    trained.compile()
    assert trained.callbacks.states() == CallbackList().states() == []
