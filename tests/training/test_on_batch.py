"""`train_on_batch` and `test_on_batch`: one batch, its figures, and as many plans as are needed."""

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential
from fastcnn import layers as L
from fastcnn.engine.callback import Callback
from fastcnn.engine.plan import Plan
from fastcnn.errors import DataError, DivergedError, FastcnnError, OptionError, ShapeError
from tests.plugins.callbacks.tiny import IMAGES, LABELS, model

N = len(IMAGES)
WEIGHTS = np.linspace(0, 2, N)


def assert_same_bits(one, two):
    for key, value in one.get_weights().items():
        np.testing.assert_array_equal(value, two.get_weights()[key], err_msg=key)


def two_outputs():
    image, number = Input((6, 6, 1), name="image"), Input((2,), name="number")
    x = L.Concatenate()([L.Flatten()(image), number])
    outputs = [L.Dense(3, activation="softmax", name="a")(x), L.Dense(1, name="b")(x)]
    made = Model([image, number], outputs, seed=1)
    made.compile("sgd", {"a": "sparse_categorical_crossentropy", "b": "mean_squared_error"})
    return made


PAIRS = {"image": IMAGES, "number": np.ones((N, 2), np.float32)}
TARGETS = {"a": LABELS, "b": LABELS.astype(np.float32)}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch", [5, 8, 20, N])
def test_batches_one_by_one_are_an_epoch(batch, weighted):
    """Bits of weights, dropout, optimizer and schedule are those of fit without shuffling."""
    rate = {"name": "exponential", "initial_learning_rate": 0.01, "decay_steps": 3}
    options = {"name": "adam", "learning_rate": rate | {"decay_rate": 0.5}}
    whole, made = model(options), model(options)
    weights = WEIGHTS if weighted else None
    history = whole.fit(
        IMAGES, LABELS, batch_size=batch, shuffle=False, verbose=0, sample_weight=weights
    )
    seen, loss = 0, 0.0
    for k in range(0, N, batch):
        part = slice(k, k + batch)
        given = None if weights is None else weights[part]
        logs = made.train_on_batch(IMAGES[part], LABELS[part], given)
        seen, loss = seen + len(LABELS[part]), loss + logs["loss"] * len(LABELS[part])
    assert_same_bits(whole, made)
    assert made.optimizer.iterations == -(-N // batch) and made.progress.epoch == 0
    assert loss / seen == pytest.approx(history.history["loss"][0], rel=1e-6)


def test_the_figures_are_those_of_evaluate_before_the_update():
    made = Sequential([L.Flatten(), L.Dense(3, kernel_regularizer="l2", activation="softmax")])
    made.compile("sgd", metrics=["f1", "confusion_matrix"])
    made.build((6, 6, 1))
    made.predict(IMAGES)
    before = made.evaluate(IMAGES, LABELS)
    tested, trained = made.test_on_batch(IMAGES, LABELS), made.train_on_batch(IMAGES, LABELS)
    assert set(before) == set(tested) == set(trained)
    for name, value in before.items():
        np.testing.assert_allclose(tested[name], value, rtol=1e-6)
        np.testing.assert_allclose(trained[name], value, rtol=1e-6)
    assert made.evaluate(IMAGES, LABELS)["loss"] < before["loss"]


def test_several_inputs_and_outputs():
    one, two = two_outputs(), two_outputs()
    for _ in range(2):
        one.fit(PAIRS, TARGETS, batch_size=N, shuffle=False, verbose=0)
        tested = two.test_on_batch(PAIRS, TARGETS)
        logs = two.train_on_batch(list(PAIRS.values()), list(TARGETS.values()))
    assert_same_bits(one, two)
    assert set(logs) == {"loss", "a_loss", "a_accuracy", "b_loss"} == set(tested)


@pytest.mark.parametrize("sizes", [range(1, 41), range(40, 0, -1), [3, 17, 3, 17, 40, 1] * 5])
def test_batches_of_changing_sizes_take_few_plans(sizes, monkeypatch):
    made, plans, begin = model(), [], Plan.__init__

    def begin_and_count(self, *arguments, **options):
        begin(self, *arguments, **options)
        plans.append(self.batch)

    monkeypatch.setattr(Plan, "__init__", begin_and_count)
    for size in sizes:
        made.train_on_batch(IMAGES[:size], LABELS[:size])
        made.test_on_batch(IMAGES[:size], LABELS[:size])
    assert len(plans) <= 2 * 7 and sum(plans) <= 2 * 3 * 64


def test_after_fit_it_goes_on_from_the_weights_that_the_model_has():
    made = model({"name": "sgd", "learning_rate": 0.5})
    made.fit(IMAGES, LABELS, verbose=0, callbacks=["ema"])
    weights = made.get_weights()
    made.optimizer.learning_rate = 1e-30
    made.train_on_batch(IMAGES, LABELS)
    np.testing.assert_array_equal(made.get_weights()["dense/kernel"], weights["dense/kernel"])


def test_the_scale_of_callbacks_ends_with_fit():
    made = model({"name": "sgd", "learning_rate": 0.1})
    made.fit(IMAGES, LABELS, verbose=0, callbacks=[{"name": "time_budget", "steps": 2}])
    before = made.get_weights()["dense/kernel"]
    made.train_on_batch(IMAGES, LABELS)
    assert np.abs(made.get_weights()["dense/kernel"] - before).max() > 1e-4


def test_compile_is_not_needed():
    made = Sequential([L.Flatten(), L.Dense(3, activation="softmax")])
    assert set(made.train_on_batch(IMAGES, LABELS)) == {"loss", "accuracy"}


def test_what_does_not_fit():
    made = model()
    made.train_on_batch(IMAGES, LABELS)
    for x, y, weights in (
        (IMAGES[:0], LABELS[:0], None),
        (IMAGES[:, :5], LABELS, None),
        (IMAGES, LABELS[:-1], None),
        (IMAGES, LABELS + 1, None),
        (IMAGES, LABELS, WEIGHTS[:-1]),
        (IMAGES, LABELS, -WEIGHTS),
    ):
        for call in (made.train_on_batch, made.test_on_batch):
            with pytest.raises(FastcnnError) as error:
                call(x, y, weights)
            assert "\n" not in str(error.value)
    assert made.optimizer.iterations == 1
    with pytest.raises(OptionError, match="compile the model before test_on_batch"):
        Sequential([L.Flatten(), L.Dense(3)]).test_on_batch(IMAGES, LABELS)
    made.compile({"name": "sgd", "learning_rate": {"name": "cosine", "initial_learning_rate": 1}})
    with pytest.raises(OptionError, match="give the schedule its number"):
        made.train_on_batch(IMAGES, LABELS)
    with pytest.raises(ShapeError):
        made.train_on_batch(IMAGES[:, :, :4], LABELS)


def test_layers_that_adapt_must_have_seen_data():
    norm = L.Normalization()
    made = Sequential([norm, L.Dense(3, activation="softmax")])
    vectors = IMAGES.reshape(N, -1).astype(np.float32)
    with pytest.raises(OptionError, match=r"'normalization' has seen no data yet: call its adapt"):
        made.train_on_batch(vectors, LABELS)
    norm.adapt(vectors)
    made.train_on_batch(vectors, LABELS)


def test_a_loss_that_is_no_number_is_an_error():
    made = Sequential([L.Flatten(), L.Dense(1)])
    made.compile({"name": "sgd", "learning_rate": 1e30}, "mean_squared_error")
    with pytest.raises(DivergedError, match=r"in step \d: try a smaller learning rate"):
        for _ in range(5):
            made.train_on_batch(IMAGES, LABELS)


def test_a_callback_may_train_on_batches_of_its_own():
    """The plan is shared: fit must come back to its own samples."""

    class Rehearse(Callback):
        def on_batch_end(self, batch, logs):
            self.model.train_on_batch(IMAGES[:8], LABELS[:8])
            assert self.model.store.in_training

    made, whole = model("sgd"), model("sgd")
    made.fit(IMAGES, LABELS, batch_size=8, shuffle=False, verbose=0, callbacks=[Rehearse()])
    for k in range(0, N, 8):
        for part in (slice(k, k + 8), slice(8)):
            whole.train_on_batch(IMAGES[part], LABELS[part])
    assert_same_bits(whole, made)


# ---- pixels


def scales(images):
    """uint8, and floats of both scales."""
    floats = images.astype(np.float32)
    return {"uint8": images, "bytes": floats, "fractions": floats / 255}


@pytest.mark.parametrize("first", ["uint8", "bytes", "fractions"])
def test_the_first_batch_decides_the_scale(first):
    made, given = model("sgd"), scales(IMAGES)
    made.train_on_batch(given[first][:24], LABELS[:24])
    same = {"bytes": ("bytes", "uint8")}.get(first, ("fractions", "uint8"))
    expected = made.test_on_batch(given[first], LABELS)
    for kind, images in given.items():
        if kind in same:
            assert made.test_on_batch(images, LABELS) == pytest.approx(expected, rel=1e-5)
            made.train_on_batch(images[24:], LABELS[24:])
            expected = made.test_on_batch(given[first], LABELS)
        else:
            for call in (made.train_on_batch, made.test_on_batch):
                with pytest.raises(DataError, match=r"hold 0 to .* but the model was trained on"):
                    call(images, LABELS)
    assert made.optimizer.iterations == 3


def test_later_batches_may_hold_what_earlier_ones_did_not():
    """As those of a discriminator whose first pictures are a generator's, near 0."""
    made, wide = model("sgd"), np.linspace(-1, 1, IMAGES.size).reshape(IMAGES.shape)
    made.train_on_batch(wide / 10, LABELS)
    with pytest.raises(DataError, match=r"trained on -0\.1 to 0\.1"):
        made.predict(wide)
    made.train_on_batch(wide, LABELS)
    made.predict(wide)
    assert made.preprocessing.seen == (-1, 1)
