"""`fit`, `evaluate` and `predict` on batches that come one by one."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.data.batches import gives_batches
from fastcnn.errors import DataError, FastcnnError, OptionError
from tests.plugins.callbacks.tiny import IMAGES, LABELS, StopAfter, model
from tests.training.test_on_batch import PAIRS, TARGETS, assert_same_bits, scales, two_outputs

N, SIZE = len(IMAGES), 10
STEPS = -(-N // SIZE)
WEIGHTS = np.linspace(0, 2, N)


def batches(size=SIZE, weighted=False):
    for k in range(0, N, size):
        part = slice(k, k + size)
        yield (IMAGES[part], LABELS[part], *([WEIGHTS[part]] if weighted else []))


def endless():
    while True:
        yield from batches()


class Collection:
    """As Keras' Sequence: items by number, without an end that iteration would find."""

    def __init__(self):
        self.epochs = 0
        self.parts = list(batches())

    def __len__(self):
        return STEPS

    def __getitem__(self, number):
        return self.parts[number % STEPS]

    def on_epoch_end(self):
        self.epochs += 1


class Loader:
    """As PyTorch's DataLoader: iterated anew in each epoch, batches as lists."""

    def __len__(self):
        return STEPS

    def __iter__(self):
        return (list(batch) for batch in batches())


GIVERS = {
    "callable": lambda: (batches, {}),
    "callable with steps": lambda: (endless, {"steps_per_epoch": STEPS}),
    "iterator": lambda: (endless(), {"steps_per_epoch": STEPS}),
    "collection": lambda: (Collection(), {}),
    "loader": lambda: (Loader(), {}),
}


def on_arrays(epochs=3, **options):
    made = compiled()
    options = {"batch_size": SIZE, "shuffle": False, "verbose": 0} | options
    return made, made.fit(IMAGES, LABELS, epochs=epochs, **options)


def compiled():
    made = model()
    made.compile("adam", metrics=["f1"])
    return made


def figures(history):
    return {name: values for name, values in history.history.items() if name != "seconds"}


@pytest.mark.parametrize("augment", [None, ["flip", {"name": "shift", "pixels": 1}], ["mixup"]])
@pytest.mark.parametrize("giver", GIVERS)
def test_the_bits_are_those_of_fit_on_arrays(giver, augment):
    whole, expected = on_arrays(augment=augment, validation_data=(IMAGES, LABELS))
    made, (given, options) = compiled(), GIVERS[giver]()
    validation = {"validation_data": (IMAGES, LABELS), "augment": augment}
    history = made.fit(given, epochs=3, verbose=0, **validation, **options)
    assert_same_bits(whole, made)
    assert figures(history) == figures(expected) and history.epoch == [0, 1, 2]


def test_weights_come_with_the_batches():
    whole, expected = on_arrays(2, sample_weight=WEIGHTS, class_weight={1: 3})
    made = compiled()
    history = made.fit(lambda: batches(weighted=True), epochs=2, verbose=0, class_weight={1: 3})
    assert_same_bits(whole, made)
    assert figures(history) == figures(expected)


def test_several_inputs_and_outputs():
    def parts():
        for k in range(0, N, 16):
            x, y = ({n: a[k : k + 16] for n, a in d.items()} for d in (PAIRS, TARGETS))
            yield x, y

    one, two = two_outputs(), two_outputs()
    one.fit(PAIRS, TARGETS, batch_size=16, shuffle=False, verbose=0, epochs=2)
    two.fit(parts, verbose=0, epochs=2)
    assert_same_bits(one, two)
    for a, b in zip(one.predict(PAIRS, batch_size=16), two.predict(parts()), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("broken", [STEPS, STEPS + 2])
@pytest.mark.parametrize("giver", ["callable", "collection", "loader"])
def test_a_broken_epoch_passes_over_what_was_seen(giver, broken, tmp_path):
    whole, _ = on_arrays()
    made = compiled()
    made.fit(GIVERS[giver]()[0], epochs=3, verbose=0, callbacks=[StopAfter(broken)])
    made.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m", threads=1)
    loaded.fit(GIVERS[giver]()[0], epochs=3, verbose=0, initial_epoch=1)
    assert_same_bits(whole, loaded)
    assert figures(loaded.history) == figures(whole.history)


def test_an_iterator_goes_on_where_it_is_with_an_epoch_from_its_beginning():
    made, given = compiled(), endless()
    made.fit(given, steps_per_epoch=3, epochs=2, verbose=0, callbacks=[StopAfter(5)])
    history = made.fit(given, steps_per_epoch=3, verbose=0)
    assert history.epoch == [1] and made.optimizer.iterations == 8
    assert len(next(given)[0]) == 10  # nothing was drawn ahead: 5 + 3 batches are gone
    whole = compiled()
    parts = list(batches()) * 2
    for part in parts[:8]:
        whole.train_on_batch(*part)
    assert_same_bits(whole, made)


def test_batches_of_changing_sizes():
    def parts():
        for begin, end in ((0, 3), (3, 20), (20, 21), (21, 48)):
            yield IMAGES[begin:end], LABELS[begin:end]

    made = compiled()
    history = made.fit(parts, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all() and made.optimizer.iterations == 8
    assert made.evaluate(parts())["f1"] == made.evaluate(IMAGES, LABELS)["f1"]
    np.testing.assert_allclose(made.predict(x for x, _ in parts()), made.predict(IMAGES), atol=1e-6)


# ---- validation, evaluate, predict


@pytest.mark.parametrize(
    ("given", "steps"),
    [(batches, None), (Collection(), None), (endless, STEPS)],
    ids=["callable", "collection", "endless"],
)
def test_validation_on_batches(given, steps):
    _, expected = on_arrays(2, validation_data=(IMAGES, LABELS))
    if steps:
        given = given()
    made = compiled()
    options = {"validation_data": given, "validation_steps": steps, "verbose": 0}
    history = made.fit(IMAGES, LABELS, batch_size=SIZE, shuffle=False, epochs=2, **options)
    assert history.history["val_f1"] == expected.history["val_f1"]
    np.testing.assert_allclose(history.history["val_loss"], expected.history["val_loss"], 1e-6)


def test_evaluate_and_predict_on_batches():
    made, _ = on_arrays(1)
    whole = made.evaluate(IMAGES, LABELS, batch_size=SIZE)
    for given in (batches, batches(), Collection(), Loader()):
        assert made.evaluate(given) == whole
    assert made.evaluate(endless, steps=STEPS) == whole
    expected = made.predict(IMAGES, batch_size=SIZE)
    for given in (batches, (x for x, _ in batches()), Collection()):
        np.testing.assert_array_equal(made.predict(given), expected)
    part = made.predict(endless(), steps=2, views={"flip": True})
    np.testing.assert_allclose(part, made.predict(IMAGES[:20], views={"flip": True}), atol=1e-6)


@pytest.mark.parametrize("size", [1, 7, 48, 1000])
def test_the_size_of_batches_is_a_choice(size):
    made, _ = on_arrays(1)
    expected = made.predict(IMAGES)
    np.testing.assert_allclose(made.predict(IMAGES, batch_size=size), expected, atol=1e-6)
    logs, whole = made.evaluate(IMAGES, LABELS, batch_size=size), made.evaluate(IMAGES, LABELS)
    assert logs == pytest.approx(whole, rel=1e-5)


# ---- what runs out, and what does not fit


def test_an_iterator_that_runs_out_is_said():
    made = compiled()
    with pytest.warns(UserWarning, match="the iterator has no more batches: training ends") as said:
        history = made.fit(batches(), epochs=3, verbose=0)
    assert history.epoch == [0] and len(said) == 1
    assert said[0].filename == __file__ and "\n" not in str(said[0].message)
    with pytest.warns(UserWarning, match="gave 5 batches in an epoch of 7 steps"):
        history = made.fit(batches(), steps_per_epoch=7, verbose=0)
    assert history.epoch == [1] and made.optimizer.iterations == 2 * STEPS
    assert made.fit(batches(), verbose=0).epoch == [2]


@pytest.mark.parametrize("given", [iter([]), list, lambda: iter(())], ids=["a", "b", "c"])
def test_no_batches_at_all(given):
    made = compiled()
    with pytest.raises(DataError, match="gave no batches"):
        made.fit(given, verbose=0)
    made.build((6, 6, 1))
    for call in (made.evaluate, made.predict):
        with pytest.raises(DataError, match="gave no batches"):
            call(given)


def test_every_batch_is_checked():
    def then(*wrong):
        yield IMAGES[:10], LABELS[:10]
        yield wrong[0] if len(wrong) == 1 else wrong

    for wrong, words in (
        ((IMAGES[:10, :5], LABELS[:10]), "training batch 2 images are 5x6"),
        ((IMAGES[:10], LABELS[:9]), "labels"),
        ((IMAGES[:10], LABELS[:10] + 7), "labels"),
        ((IMAGES[:10], None), "targets"),
        ((IMAGES[:10], LABELS[:10], 1, 2), "got 4 things"),
        ((IMAGES[:10],), "got ndarray"),
        ((None,), "got NoneType"),
        ((np.full((10, 6, 6, 1), np.nan, np.float32), LABELS[:10]), "finite"),
    ):
        made = compiled()
        with pytest.raises(FastcnnError, match=words) as error:
            made.fit(lambda w=wrong: then(*w), verbose=0)
        assert "\n" not in str(error.value) and made.optimizer.iterations == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"y": LABELS}, "leave out y"),
        ({"sample_weight": WEIGHTS}, "leave out sample_weight"),
        ({"batch_size": 16}, "leave out batch_size"),
        ({"validation_split": 0.1}, "leave out validation_split"),
        ({"class_weight": "balanced"}, "balanced"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be"),
        ({"steps_per_epoch": 2.0}, "steps_per_epoch must be"),
        ({"validation_data": endless(), "epochs": 2}, "give validation_steps"),
        ({"validation_data": endless, "validation_steps": -1}, "validation_steps must be"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "words",
)
def test_wrong_options(options, words):
    made = compiled()
    with pytest.raises(OptionError, match=words) as error:
        made.fit(batches, verbose=0, **options)
    assert "\n" not in str(error.value)


def test_wrong_options_of_evaluate_and_predict():
    made, _ = on_arrays(1)
    for call, words in (
        (lambda: made.predict(IMAGES, batch_size=2.5), "batch_size must be"),
        (lambda: made.predict(IMAGES, steps=3), "steps is for batches"),
        (lambda: made.predict(batches, batch_size=8), "leave out batch_size"),
        (lambda: made.evaluate(IMAGES, LABELS, batch_size=0), "batch_size must be"),
        (lambda: made.evaluate(batches, LABELS), "leave out y"),
        (lambda: made.evaluate(batches, steps="3"), "steps must be"),
        (lambda: made.fit(lambda: 3, verbose=0), "gave int"),
        (lambda: made.predict(lambda: 3), "gave int"),
    ):
        with pytest.raises(OptionError, match=words):
            call()


def test_a_schedule_of_unknown_length_is_said():
    rate = {"name": "cosine", "initial_learning_rate": 0.1}
    made = model({"name": "sgd", "learning_rate": rate})
    with pytest.raises(OptionError, match="steps_per_epoch"):
        made.fit(batches, verbose=0)
    made.fit(batches, steps_per_epoch=STEPS, verbose=0)
    assert made.optimizer.rate == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("callback", ["swa", "lookahead", {"name": "time_budget", "seconds": 99}])
def test_callbacks_where_the_number_of_steps_is_unknown(callback, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole, made = compiled(), compiled()
    saver = {"name": "model_checkpoint", "filepath": "{epoch}-{batch}", "monitor": "loss"}
    if not isinstance(callback, dict):
        options = {"batch_size": SIZE, "shuffle": False}
        whole.fit(IMAGES, LABELS, epochs=4, verbose=0, callbacks=[callback], **options)
    made.fit(batches, epochs=4, verbose=0, callbacks=[callback, saver])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{k}-5" for k in range(1, 5)]
    if not isinstance(callback, dict):
        assert_same_bits(whole, made)


def test_a_bar_without_an_end(capsys):
    compiled().fit(batches, epochs=2, callbacks=["progress_bar"])
    assert "epoch 2/2" in capsys.readouterr().err


def test_what_is_data_and_what_gives_batches():
    class Frame:
        def __array__(self, dtype=None, copy=None):
            return IMAGES

        def __iter__(self):
            return iter(())

    for data in (IMAGES, list(IMAGES), (1, 2), {"a": IMAGES}, Frame(), memoryview(b"1"), None, 3):
        assert not gives_batches(data)
    for given in (batches, batches(), zip(IMAGES, LABELS, strict=True), Collection(), Loader()):
        assert gives_batches(given)


def test_layers_that_adapt_must_have_seen_data():
    made = Sequential([L.Normalization(), L.Flatten(), L.Dense(3, activation="softmax")])
    with pytest.raises(OptionError, match="has seen no data yet"):
        made.fit(((x / np.float32(255), y) for x, y in batches()), verbose=0)


@pytest.mark.parametrize("kind", ["uint8", "fractions"])
def test_pixels_are_those_of_the_first_batch(kind):
    given = scales(IMAGES)
    whole, made = compiled(), compiled()
    options = {"batch_size": SIZE, "shuffle": False, "verbose": 0}
    whole.fit(given[kind], LABELS, validation_data=(given["uint8"], LABELS), **options)

    def parts(images):
        return lambda: ((images[k : k + SIZE], LABELS[k : k + SIZE]) for k in range(0, N, SIZE))

    made.fit(parts(given[kind]), validation_data=parts(given["uint8"]), verbose=0)
    assert_same_bits(whole, made)
    found, expected = made.history.history, whole.history.history
    assert found["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-5)
    for wrong in (parts(given["bytes"]), lambda: iter([(given["bytes"], LABELS)])):
        with pytest.raises(DataError, match="but the model was trained on"):
            made.fit(wrong, verbose=0)
        with pytest.raises(DataError, match="but the model was trained on"):
            made.predict(wrong)
