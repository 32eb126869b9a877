"""Which layers a model trains: as they said when it was compiled; and models that share layers."""

import gc
from itertools import pairwise

import numpy as np
import pytest

import fastcnn
from fastcnn import Input, Model, Sequential, load_model
from fastcnn import layers as L
from fastcnn.data.load import load_dataset
from fastcnn.engine.plan import Plan

RNG = np.random.default_rng(0)
N = 48
IMAGES = RNG.integers(0, 256, (N, 8, 8, 1), dtype=np.uint8)
LABELS = np.arange(N) % 3
VECTORS = RNG.normal(size=(N, 5)).astype(np.float32)
NUMBERS = RNG.normal(size=(N, 2)).astype(np.float32)
SGD = {"name": "sgd", "learning_rate": 0.1}


def conv(filters=4, **options):
    return L.Conv2D(filters, 3, padding="same", **options)


def moved(model, action):
    """Names of the parameters that an action changes."""
    before = model.get_weights()
    action()
    return {k for k, v in model.get_weights().items() if not np.array_equal(v, before[k])}


@pytest.fixture
def plans(monkeypatch):
    """The purpose of every plan that is compiled."""
    made, begin = [], Plan.__init__

    def begin_and_count(self, *arguments, **options):
        begin(self, *arguments, **options)
        made.append(self.purpose)

    monkeypatch.setattr(Plan, "__init__", begin_and_count)
    return made


@pytest.mark.parametrize("frozen", ["layer", "model"])
def test_frozen_layers_stay_as_they_are(frozen):
    body = Sequential([conv(activation="relu"), L.BatchNormalization()], (8, 8, 1), name="body")
    x = Input((8, 8, 1))
    model = Model(x, L.Dense(3, activation="softmax")(L.Flatten()(body(x))))
    if frozen == "model":
        body.trainable = False
    else:
        body.layers[0].trainable = False
    model.compile({"name": "adam", "weight_decay": 0.1})
    before = model.get_weights()
    model.fit(IMAGES, LABELS, epochs=2, verbose=0)
    after = model.get_weights()
    changed = {key for key in before if not np.array_equal(before[key], after[key])}
    expected = {"dense/kernel", "dense/bias"}
    if frozen == "layer":
        expected |= {f"body/batch_normalization/{p}" for p in ("gamma", "beta")}
        expected |= {f"body/batch_normalization/moving_{p}" for p in ("mean", "var")}
    assert changed == expected
    if frozen == "model":
        assert {slot.size for slot in model.optimizer.slots.values()} == {3 * 256 + 16}


def stack():
    return [L.Flatten(), L.Dense(4), L.Dense(3, activation="softmax")]


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_a_change_counts_from_the_next_compile(first, built, tmp_path):
    """Not for fit, train_on_batch, files or pickles before."""
    model = Sequential(stack(), (8, 8, 1) if built else None)
    dense = model.layers[1]
    dense.trainable = first
    model.compile(SGD)
    dense.trainable = not first
    if not built:
        model.build((8, 8, 1))
    before = {"dense/kernel", "dense/bias"} if first else set()
    last = {"dense_1/kernel", "dense_1/bias"}
    assert moved(model, lambda: model.fit(IMAGES, LABELS, verbose=0)) == before | last
    assert moved(model, lambda: model.train_on_batch(IMAGES, LABELS)) == before | last
    model.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.layers[1].trainable is not first
    for either in (model, loaded):
        assert moved(either, lambda m=either: m.fit(IMAGES, LABELS, verbose=0)) == before | last
    for key, value in model.get_weights().items():
        np.testing.assert_array_equal(value, loaded.get_weights()[key])
    after = set() if first else {"dense/kernel", "dense/bias"}
    for either in (model, loaded):
        either.compile(SGD)
        assert moved(either, lambda m=either: m.fit(IMAGES, LABELS, verbose=0)) == after | last
    assert ("of these frozen: 260" in model.summary()) is first


# ---- models that share layers


def two_heads():
    x = Input((5,))
    body = L.Dense(4, activation="tanh")(x)
    return x, body, Model(x, L.Dense(2, name="one")(body)), Model(x, L.Dense(3, name="two")(body))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", {"name": "sgd", "global_clipnorm": 0.5}])
def test_models_that_train_the_same_layers_in_turns(optimizer, plans):
    """Each sees what the other learned, as a model with both heads does; no plan is made twice."""
    x, body, one, two = two_heads()
    targets = {one: NUMBERS, two: RNG.normal(size=(N, 3)).astype(np.float32)}
    features = Model(x, body)
    for model in targets:
        model.compile(optimizer, "mean_squared_error")
    for turn in range(6):
        for model, y in targets.items():
            changed = moved(one, lambda m=model, y=y: m.train_on_batch(VECTORS, y))
            assert {"dense/kernel", "dense/bias"} <= changed
            kernels = [m.get_weights()["dense/kernel"] for m in targets]
            np.testing.assert_array_equal(*kernels)
        w, b = one.get_weights()["dense/kernel"], one.get_weights()["dense/bias"]
        expected = np.tanh(VECTORS @ w.T + b)
        np.testing.assert_allclose(features.predict(VECTORS), expected, atol=1e-5)
        if turn == 2:
            plans.clear()
    assert plans == []


def test_training_in_turns_has_the_bits_of_one_model():
    """Two models that are the same layers: every other step by each of them."""

    def make():
        return [L.Dense(4, activation="tanh", kernel_regularizer="l2"), L.Dense(2)]

    layers = make()
    one, two = (Sequential(layers, (5,), seed=1) for _ in range(2))
    alone = Sequential(make(), (5,), seed=1)
    for model in (one, two, alone):
        model.compile(SGD, "mean_squared_error")
    for k in range(6):
        in_turns = (one, two)[k % 2].train_on_batch(VECTORS, NUMBERS)
        assert in_turns == alone.train_on_batch(VECTORS, NUMBERS)
    for key, value in alone.get_weights().items():
        np.testing.assert_array_equal(value, one.get_weights()[key])


def test_a_model_may_train_layers_of_one_that_is_training():
    _, _, one, two = two_heads()
    for model in (one, two):
        model.compile(SGD, "mean_squared_error")
    kernels = []

    class Meddler(fastcnn.callbacks.Callback):
        def on_batch_end(self, batch, logs):
            kernels.append(one.get_weights()["dense/kernel"])
            two.train_on_batch(VECTORS, np.zeros((N, 3), np.float32))
            kernels.append(one.get_weights()["dense/kernel"])

    one.fit(VECTORS, NUMBERS, batch_size=16, verbose=0, callbacks=[Meddler()])
    assert all(not np.array_equal(a, b) for a, b in pairwise(kernels))
    np.testing.assert_array_equal(two.get_weights()["dense/kernel"], kernels[-1])


def test_lbfgs_takes_turns_with_another_model():
    _, _, one, two = two_heads()
    one.compile("lbfgs", "mean_squared_error")
    two.compile(SGD, "mean_squared_error")
    losses = []
    for _ in range(4):
        losses.append(one.train_on_batch(VECTORS, NUMBERS)["loss"])
        two.train_on_batch(VECTORS, np.zeros((N, 3), np.float32))
    assert losses[-1] < losses[0]


def test_layers_of_a_model_that_is_gone_move_for_good():
    layers = [L.Dense(4), L.Dense(2)]
    for _ in range(3):
        model = Sequential(layers, (5,))
        model.compile(SGD, "mean_squared_error")
        model.fit(VECTORS, NUMBERS, verbose=0)
        assert not model.store._borrowed
        del model
        gc.collect()


def test_one_optimizer_object_for_two_models_in_turns():
    adam = fastcnn.optimizers.Adam(0.01)
    shared = [Sequential([L.Dense(k)], (5,) if k == 2 else None, seed=1) for k in (2, 3)]
    own = [Sequential([L.Dense(k)], (5,), seed=1) for k in (2, 3)]
    for model in shared:
        model.compile(adam, "mean_squared_error")
    for model in own:
        model.compile(fastcnn.optimizers.Adam(0.01), "mean_squared_error")
    for _ in range(3):
        for a, b in zip(shared, own, strict=True):
            y = np.zeros((N, b.output_size), np.float32)
            assert a.train_on_batch(VECTORS, y) == b.train_on_batch(VECTORS, y)
    assert shared[0].optimizer is adam and shared[1].optimizer is not adam


# ---- adversarial training


def gan(optimizer="adam"):
    generator = Sequential(
        [
            L.Dense(32, activation="relu"),
            L.BatchNormalization(momentum=0.8),
            L.Dense(64, activation="sigmoid"),
        ],
        (4,),
        name="generator",
        seed=1,
    )
    discriminator = Sequential(
        [
            L.Dense(32),
            L.BatchNormalization(momentum=0.8),
            L.LeakyReLU(0.2),
            L.Dense(1, activation="sigmoid"),
        ],
        (64,),
        name="discriminator",
        seed=2,
    )
    discriminator.compile(optimizer, "binary_crossentropy")
    discriminator.trainable = False
    noise = Input((4,))
    joint = Model(noise, discriminator(generator(noise)))
    joint.compile(optimizer, "binary_crossentropy")
    return generator, discriminator, joint


def test_a_gan_trains_in_turns(plans):
    """The discriminator learns by its own batches, the generator alone by those of both."""
    digits = load_dataset("digits").train.images.reshape(-1, 64) / np.float32(255)
    generator, discriminator, joint = gan({"name": "adam", "learning_rate": 0.01})
    before = generator.predict(RNG.normal(size=(99, 4)).astype(np.float32)).mean(axis=0)
    learned = {"d": set(), "g": set(), "neither": set()}
    ones = np.ones(32)
    for step in range(60):
        real = digits[RNG.integers(0, len(digits), 32)]
        noise = RNG.normal(size=(32, 4)).astype(np.float32)
        fake = generator.predict(noise)
        parts = (np.concatenate([real, fake]), np.repeat([1.0, 0.0], 32))
        frozen = moved(generator, lambda p=parts: discriminator.train_on_batch(*p))
        learned["neither"] |= frozen
        learned["neither"] |= moved(discriminator, lambda n=noise: joint.train_on_batch(n, ones))
        if step < 3:
            learned["d"] |= moved(discriminator, lambda p=parts: discriminator.train_on_batch(*p))
            learned["g"] |= moved(generator, lambda n=noise: joint.train_on_batch(n, ones))
    assert learned["neither"] == set()
    assert learned["d"] == set(discriminator.get_weights())
    assert learned["g"] == set(generator.get_weights())
    assert sorted(plans) == ["predict", "train", "train"]  # predictions of 99 and of 32 share one
    after = generator.predict(RNG.normal(size=(99, 4)).astype(np.float32)).mean(axis=0)
    distance = [np.linalg.norm(mean - digits.mean(axis=0)) for mean in (before, after)]
    assert distance[1] < 0.8 * distance[0]


def test_one_flag_that_is_set_at_every_turn_changes_nothing():
    generator, discriminator, joint = gan(SGD)
    noise, ones = RNG.normal(size=(16, 4)).astype(np.float32), np.ones(16)
    for _ in range(2):
        discriminator.trainable = True
        assert moved(generator, lambda: joint.train_on_batch(noise, ones))
        assert not moved(discriminator, lambda: joint.train_on_batch(noise, ones))
        discriminator.trainable = False
        assert moved(discriminator, lambda: discriminator.train_on_batch(np.eye(64)[:16], ones))


def test_a_discriminator_goes_on_from_its_file(tmp_path):
    _, discriminator, joint = gan()
    ones = np.ones(16)
    discriminator.train_on_batch(np.eye(64)[:16], ones)
    for model, name in ((discriminator, "d"), (joint, "j")):
        model.save(tmp_path / name)
    loaded, both = load_model(tmp_path / "d"), load_model(tmp_path / "j")
    assert moved(loaded, lambda: loaded.train_on_batch(np.eye(64)[:16], ones))
    for model in (joint, both):
        changed = moved(model, lambda m=model: m.train_on_batch(VECTORS[:16, :4], ones))
        assert changed and all(key.startswith("generator/") for key in changed)
