"""Who reads an input: through layers that leave its scale as it is, and by which of its inputs."""

from copy import deepcopy

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential, load_model
from fastcnn import layers as L
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.errors import DataError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (24, 6, 6, 1)).astype(np.uint8)
LABELS = np.arange(24) % 2
VALUES = BYTES.astype(np.float32)
TRANSPARENT = [
    L.ZeroPadding2D(1),
    L.Cropping2D(1),
    L.MaxPooling2D(2),
    L.AveragePooling2D(2),
    L.UpSampling2D(2),
    L.Reshape((6, 6, 1)),
    L.Permute((2, 1, 3)),
    L.Dropout(0.2),
    L.SpatialDropout2D(0.2),
    L.GaussianNoise(0.1),
    L.Activation("linear"),
]
each_transparent = pytest.mark.parametrize("layer", TRANSPARENT, ids=lambda x: type(x).__name__)


def net(*layers, shape=(6, 6, 1)):
    end = [L.Flatten(), L.Dense(2, activation="softmax")]
    model = Sequential([*deepcopy(layers), *end], shape, seed=1)
    model.compile({"name": "sgd", "learning_rate": 1e-3})
    return model


def fitted(model, x):
    model.fit(x, LABELS, verbose=0)
    return model


@each_transparent
@pytest.mark.parametrize("x", [BYTES, VALUES], ids=["bytes", "values"])
def test_bytes_are_scaled_once(layer, x):
    """Where Rescaling comes behind such a layer."""
    model = net(layer, L.Rescaling(1 / 255))
    np.testing.assert_array_equal(model.predict(BYTES), model.predict(VALUES))  # before `fit`, too
    fitted(model, x)
    np.testing.assert_array_equal(model.predict(BYTES), model.predict(VALUES))


@each_transparent
def test_what_comes_before_a_trained_model_or_is_left_out(layer):
    x = Input((6, 6, 1))
    shape = Model(x, deepcopy(layer)(x)).output.shape[1:]
    trained = net(shape=shape)
    trained.fit(RNG.integers(0, 256, (24, *shape)), LABELS, verbose=0)
    for model in (Model(x, trained(deepcopy(layer)(x))), Sequential([deepcopy(layer), trained])):
        np.testing.assert_array_equal(model.predict(BYTES), model.predict(VALUES))
        with pytest.raises(DataError, match=r"trained on . to 25.: multiply"):
            model.predict(VALUES / 255)
    whole = fitted(net(layer), VALUES)
    rest = Sequential(whole.layers[1:], shape)
    small = RNG.integers(0, 256, (5, *shape)).astype(np.uint8)
    np.testing.assert_array_equal(rest.predict(small), rest.predict(small.astype(np.float32)))


def test_channels_of_their_own_scale_are_not_mixed_up():
    model = net(shape=(2, 2, 3))
    model.preprocessing = Preprocessing(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    rest = Sequential(model.layers[1:], (12,))
    assert rest.preprocessing is None
    assert len(Sequential(model.layers, (2, 2, 3)).preprocessing.scale) == 3


# ---- several inputs


def pair(join):
    a, b = Input((6, 6, 1), "a"), Input((6, 6, 1), "b")
    y = L.Dense(2, activation="softmax")(L.Flatten()(join(a, b)))
    model = Model([a, b], y)
    model.compile({"name": "sgd", "learning_rate": 1e-5})
    return model


@pytest.mark.parametrize("merge", [L.Concatenate, L.Add, L.Multiply, L.Maximum])
def test_a_layer_that_merges_inputs_remembers_each(merge, tmp_path):
    model = fitted(pair(lambda a, b: merge()([a, b])), [BYTES, VALUES])
    known = model.predict([BYTES / 255, VALUES])
    model.save(tmp_path / "m.safetensors")
    for door in (model, load_model(tmp_path / "m.safetensors"), Model(model.inputs, model.output)):
        np.testing.assert_allclose(door.predict([BYTES, BYTES]), known, atol=1e-6)
        with pytest.raises(DataError, match=r"'a': images hold 0 to 255 .*trained on 0 to 1:"):
            door.predict([VALUES, VALUES])
        with pytest.raises(DataError, match=r"'b': images hold 0 to 1 .*trained on 0 to 255:"):
            door.predict([BYTES, VALUES / 255])


def siamese():
    shared = L.Conv2D(2, 3)
    return pair(lambda a, b: L.Add()([shared(a), shared(b)]))


def test_a_layer_that_reads_two_inputs_in_turn_wants_one_scale():
    with pytest.raises(DataError, match=r"same layer reads .*'a': uint8 / 255.*; 'b': uint8 as"):
        fitted(siamese(), [BYTES, VALUES])
    model = fitted(siamese(), [BYTES, BYTES / 255])
    np.testing.assert_allclose(
        model.predict([BYTES, BYTES / 255]), model.predict([BYTES / 255, BYTES]), atol=1e-6
    )


def test_floats_of_such_inputs_are_one_range():
    """Each alone would be read as another scale."""
    model = fitted(siamese(), [VALUES / 255, VALUES / 50])
    one, other = model.preprocessing
    assert one.agrees(other)
    assert one.seen == other.seen
    assert one.seen[1] > 5
