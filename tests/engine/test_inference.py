"""What plans that only predict do otherwise: batch norm in the weights, single images, packing."""

import copy

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.engine.stage import make_stages
from fastcnn.saving import from_bytes, to_bytes

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(20, 12, 12, 3)).astype(np.float32)
LABELS = RNG.integers(0, 4, 20)

FOLDED = {
    "norm": [L.Conv2D(6, 3), L.BatchNormalization()],
    "relu": [L.Conv2D(6, 3, use_bias=False), L.BatchNormalization(), L.ReLU()],
    "gelu": [L.Conv2D(6, 3), L.BatchNormalization(center=False), L.Activation("gelu")],
    "pool": [L.Conv2D(6, 3), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(2)],
    "pool first": [L.Conv2D(6, 3), L.MaxPooling2D(2), L.BatchNormalization(scale=False)],
    "depthwise": [L.DepthwiseConv2D(3), L.BatchNormalization(), L.Activation("tanh")],
    "dense": [L.Flatten(), L.Dense(7), L.BatchNormalization(), L.ReLU()],
}
LEFT = {
    "a factor may be negative": [L.Conv2D(6, 3), L.MaxPooling2D(2), L.BatchNormalization()],
    "an activation before": [L.Conv2D(6, 3, activation="relu"), L.BatchNormalization()],
}


def model_of(stack, fuse=True, **options):
    """A model of new layers like these; its batch norms are far from where they begin."""
    end = [L.Flatten(), L.Dense(4, activation="softmax")]
    model = Sequential([*copy.deepcopy(stack), *end], (12, 12, 3), **options)
    model.compile("adam", fuse=fuse)
    weights, rng = model.get_weights(), np.random.default_rng(1)
    for key, value in weights.items():
        if key.startswith("batch_normalization"):
            value += rng.normal(size=value.shape)
        if key.endswith("_var"):
            value[...] = abs(value)
    model.set_weights(weights)
    return model


def kernels(model, batch):
    return model._plan("predict", batch).program.kernels()


@pytest.mark.parametrize("count", [20, 2])
@pytest.mark.parametrize("name", [*FOLDED, *LEFT])
def test_batch_norm_in_the_weights_gives_the_same(name, count):
    stack = (FOLDED | LEFT)[name]
    options = {"backend": "reference", "dtype": "float64"}
    fused, plain = model_of(stack, **options), model_of(stack, fuse=False, **options)
    got, wanted = fused.predict(IMAGES[:count]), plain.predict(IMAGES[:count])
    np.testing.assert_allclose(got, wanted, rtol=1e-9)
    assert "batch_norm_inference" in kernels(plain, count)
    if count == 20:
        assert ("batch_norm_inference" in kernels(fused, count)) == (name in LEFT)


@pytest.mark.parametrize("name", FOLDED)
def test_compiled_kernels_fold_as_the_reference(name):
    wanted = model_of(FOLDED[name], backend="reference", dtype="float64").predict(IMAGES)
    got = model_of(FOLDED[name]).predict(IMAGES)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)


def fresh(model):
    """The same parameters in a model that has packed nothing."""
    return from_bytes(to_bytes(model), None, model.backend, model.winograd)


@pytest.mark.parametrize("count", [20, 1])
def test_packed_weights_follow_the_parameters(count):
    model, x = model_of(FOLDED["relu"]), IMAGES[:count]
    before = model.predict(x)
    model.fit(IMAGES, LABELS, batch_size=10, verbose=0)
    after = model.predict(x)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, fresh(model).predict(x))
    model.set_weights({k: 1.1 * v for k, v in model.get_weights().items()})
    np.testing.assert_array_equal(model.predict(x), fresh(model).predict(x))
    model.store.value("conv2d/kernel")[...] *= 1.5
    np.testing.assert_array_equal(model.predict(x), fresh(model).predict(x))


def test_packed_weights_follow_another_model_that_shares_them():
    model = model_of(FOLDED["relu"])
    model.predict(IMAGES[:1])
    end = [L.Flatten(), L.Dense(4, activation="softmax")]
    other = Sequential([*model.layers[:3], *end], (12, 12, 3))
    other.compile("adam")
    other.fit(IMAGES, LABELS, batch_size=10, verbose=0)
    np.testing.assert_array_equal(model.predict(IMAGES[:1]), fresh(model).predict(IMAGES[:1]))


def test_weights_are_packed_once(monkeypatch):
    model = model_of(FOLDED["relu"])
    first = model.predict(IMAGES[:1])
    packed = []
    plan = model._plan("predict", 1)
    run = plan._preparation.run
    monkeypatch.setattr(plan._preparation, "run", lambda **kw: (packed.append(1), run(**kw)))
    np.testing.assert_array_equal(model.predict(IMAGES[:1]), first)
    assert not packed
    model.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(IMAGES[:1]), first)
    assert packed == [1]


WIDE = [
    L.Conv2D(24, 3, padding="same"),
    L.BatchNormalization(),
    L.ReLU(),
    L.Conv2D(20, 3, padding="same", activation="relu"),
    L.MaxPooling2D(2),
    L.Conv2D(33, 5, padding="same", activation="tanh"),
    L.Conv2D(16, 1, strides=2),
]


def test_single_images_and_batches_agree_but_for_rounding():
    model = model_of(WIDE)
    together = model.predict(IMAGES)
    assert "winograd_forward" in kernels(model, 20)
    for count in (1, 2, 5, 8):
        np.testing.assert_allclose(model.predict(IMAGES[:count]), together[:count], atol=1e-5)
    assert "winograd_forward" in kernels(model, 1)


@pytest.mark.parametrize("name", ["pool", "pool first"])
def test_pools_of_single_images_join_the_convolution(name):
    model = model_of(FOLDED[name])
    model.predict(IMAGES[:1])
    names = kernels(model, 1)
    assert "conv2d_single_max_pool_forward" in names
    assert "max_pool2d_forward" not in names
    assert "batch_norm_inference" not in names


def test_backends_without_the_kernel_pool_single_images_in_a_step_of_their_own():
    graph = model_of(FOLDED["pool"]).graph
    stages = {b: make_stages(graph, 1, training=False, backend=b) for b in ("native", "numba")}
    pools = {b: [s for s in own if s.pool is not None] for b, own in stages.items()}
    assert len(pools["native"]) == 1
    assert not pools["numba"]


@pytest.mark.parametrize("count", [1, 3, 8])
def test_single_images_have_the_same_bits_with_any_number_of_threads(count):
    wanted = model_of(WIDE, threads=1).predict(IMAGES[:count])
    for threads in (2, 3):
        got = model_of(WIDE, threads=threads).predict(IMAGES[:count])
        np.testing.assert_array_equal(got, wanted)
