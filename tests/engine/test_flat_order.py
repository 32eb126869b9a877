"""Flatten and Reshape follow the data format, as in Keras, though memory holds channels first."""

import itertools

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential, load_model
from fastcnn import layers as L
from fastcnn.errors import OptionError, ShapeError

RANDOM = np.random.default_rng(0)
SHAPES = [(4, 3, 2), (24,), (6, 4), (2, 2, 6), (1, 1, 24), (24, 1), (3, 8, 1), (4, 2, 3), (12, 2)]


def samples(shape, count=3):
    return RANDOM.normal(size=(count, *shape)).astype(np.float32)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("given", "target"), list(itertools.product(SHAPES, SHAPES)))
def test_reshape_is_numpys(data_format, given, target):
    x = samples(given)
    model = Sequential([L.Reshape(target)], given, data_format=data_format)
    assert model.layers[0].output.shape == (None, *target)
    np.testing.assert_array_equal(model.predict(x), x.reshape(3, *target))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("given", SHAPES)
@pytest.mark.parametrize("count", [1, 5, 20])
def test_flatten_is_numpys(data_format, given, count):
    x = samples(given, count)
    model = Sequential([L.Flatten()], given, data_format=data_format)
    np.testing.assert_array_equal(model.predict(x), x.reshape(count, -1))


@pytest.mark.parametrize("layer", [L.Dropout(0.5), L.ReLU(), L.Activation("tanh"), L.Softmax()])
def test_layers_between_keep_the_order(layer):
    x = samples((4, 3, 2))
    model = Sequential([L.Flatten(), layer, L.Reshape((4, 3, 2))], (4, 3, 2))
    plain = Sequential([layer], (24,))
    expected = plain.predict(x.reshape(3, -1)).reshape(x.shape)
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5)


def test_one_axis_may_be_left_open():
    x = samples((4, 3, 2))
    model = Sequential([L.Reshape((-1, 4))], (4, 3, 2))
    np.testing.assert_array_equal(model.predict(x), x.reshape(3, 6, 4))
    with pytest.raises(ShapeError, match=r"\(4, 3, 2\) can't become \(5, -1\)"):
        Sequential([L.Reshape((5, -1))], (4, 3, 2))
    for wrong in ((-1, -1), (0, 24), (2.5, 4), (1, 2, 3, 4), ()):
        with pytest.raises(OptionError, match="target_shape must"):
            L.Reshape(wrong)


def test_a_decoder_as_in_keras():
    """Dense - Reshape - Conv2DTranspose, by NumPy."""
    units, size = 3 * 3 * 4, 5
    stack = [L.Dense(units, activation="relu"), L.Reshape((3, 3, 4)), L.Conv2DTranspose(2, 2)]
    model = Sequential(stack, (size,), seed=3)
    assert model.layers[1].output.shape == (None, 3, 3, 4)
    x, weights = samples((size,)), model.get_weights()
    dense = np.maximum(x @ weights["dense/kernel"].T + weights["dense/bias"], 0)
    images, kernel = dense.reshape(3, 3, 3, 4), weights["conv2d_transpose/kernel"]
    expected = np.zeros((3, 4, 4, 2))
    for i, j in itertools.product(range(2), range(2)):
        expected[:, i : i + 3, j : j + 3] += np.einsum(
            "nhwc,cf->nhwf", images, _taps(kernel, (4, 2), i, j)
        )
    np.testing.assert_allclose(
        model.predict(x), expected + weights["conv2d_transpose/bias"], atol=1e-5
    )


def _taps(kernel, channels, i, j):
    """(C, F) of a kernel whose first two axes are either order of (C, F)."""
    return kernel[:, :, i, j] if kernel.shape[:2] == channels else kernel[:, :, i, j].T


def trained():
    stack = [L.Conv2D(3, 2), L.Flatten(), L.Dropout(0.2), L.Dense(4), L.Dense(2)]
    model = Sequential(stack, (4, 3, 2), seed=1)
    model.compile("sgd", "mean_squared_error")
    return model


def test_flatten_moves_nothing_before_a_dense_layer():
    kernels = trained().unfold()
    assert not any(node.layer.is_hidden for node in kernels.nodes if node.layer)


def test_a_dense_layer_reads_features_as_it_read_the_flattened_images(tmp_path):
    """Its columns lie in the order of memory; vectors from outside do not."""
    model, x = trained(), samples((4, 3, 2))
    features = Model(model.input, model.layers[1].output)
    np.testing.assert_array_equal(
        features.predict(x),
        Model(model.input, model.layers[0].output).predict(x).reshape(3, -1),
    )
    head = Sequential(model.layers[3:])
    expected = model.predict(x)
    np.testing.assert_allclose(head.predict(features.predict(x)), expected, rtol=1e-5)
    head.save(tmp_path / "head.safetensors")
    again = load_model(tmp_path / "head.safetensors")
    np.testing.assert_allclose(again.predict(features.predict(x)), expected, rtol=1e-5)


def test_weights_are_handed_out_in_the_order_of_the_features():
    model, x = trained(), samples((4, 3, 2))
    flat = Model(model.input, model.layers[2].output).predict(x)
    weights = model.get_weights()
    expected = flat @ weights["dense/kernel"].T + weights["dense/bias"]
    np.testing.assert_allclose(
        Model(model.input, model.layers[3].output).predict(x), expected, atol=1e-5
    )
    other = trained()
    other.set_weights({key: -value for key, value in weights.items()})
    again = other.get_weights()
    assert all(np.array_equal(again[key], -weights[key]) for key in weights)


def test_a_dense_layer_that_was_trained_on_vectors_reads_flattened_images():
    dense = L.Dense(3)
    rows = Sequential([dense], (24,))
    x = samples((4, 3, 2))
    images = Sequential([L.Flatten(), dense], (4, 3, 2))
    np.testing.assert_allclose(images.predict(x), rows.predict(x.reshape(3, -1)), rtol=1e-5)


def test_targets_of_flattened_images_are_in_order():
    """A loss on the output of Flatten sees what `predict` gives."""
    x = samples((4, 3, 2), 40)
    model = Sequential([L.Conv2D(2, 1), L.Flatten()], (4, 3, 2), seed=1)
    model.compile({"name": "adam", "learning_rate": 0.05}, "mean_squared_error")
    wanted = (x * [3.0, -1.0]).reshape(40, -1)
    model.fit(x, wanted, epochs=60, verbose=0)
    assert model.evaluate(x, wanted)["loss"] < 1e-2
    assert model.evaluate(x, wanted)["loss"] == pytest.approx(
        float(((model.predict(x) - wanted) ** 2).mean()), rel=1e-4
    )


def branches(x):
    """Everything at once: flattened twice, read in both orders, turned back."""
    flat = L.Flatten()(L.Conv2D(3, 2, activation="tanh")(x))
    wide = L.Dense(24, activation="tanh")(flat)
    image = L.Conv2D(2, 2)(L.Reshape((4, 3, 2))(wide))
    normed = L.LayerNormalization()(L.Dropout(0.0)(flat))
    both = L.Concatenate()([L.Flatten()(image), normed, wide])
    return L.Dense(2)(both), L.Reshape((3, 6))(flat)


def test_gradients_are_central_differences():
    shape = (4, 3, 2)
    x_in = Input(shape)
    model = Model(x_in, list(branches(x_in)), dtype="float64", seed=2)
    x = RANDOM.normal(size=(3, *shape))
    targets = [RANDOM.uniform(-0.9, 0.9, (3, *t.shape[1:])) for t in model.outputs]
    model.compile({"name": "sgd", "learning_rate": 1.0}, "mean_squared_error")
    before = model.get_weights()
    model.fit(x, targets, batch_size=3, epochs=1, verbose=0, shuffle=False)
    step = {key: before[key] - value for key, value in model.get_weights().items()}
    for key, gradient in step.items():
        for place in [0, gradient.size // 2, gradient.size - 1]:
            losses = []
            for sign in (1, -1):
                moved = {k: v.copy() for k, v in before.items()}
                moved[key].flat[place] += sign * 1e-5
                model.set_weights(moved)
                losses.append(model.evaluate(x, targets)["loss"])
            wanted = (losses[0] - losses[1]) / 2e-5
            assert gradient.flat[place] == pytest.approx(wanted, rel=1e-5, abs=1e-8), key


def test_native_trains_as_the_reference():
    x, shape = samples((4, 3, 2), 20), (4, 3, 2)
    results = []
    for backend in ("native", "reference"):
        x_in = Input(shape)
        model = Model(x_in, list(branches(x_in)), backend=backend, seed=2)
        model.compile({"name": "sgd", "learning_rate": 0.1}, "mean_squared_error")
        targets = [np.ones((20, *t.shape[1:]), np.float32) for t in model.outputs]
        model.fit(x, targets, batch_size=8, epochs=2, verbose=0)
        results.append(model.get_weights())
    for key, value in results[0].items():
        np.testing.assert_allclose(value, results[1][key], atol=1e-5, err_msg=key)


def test_a_layer_follows_one_data_format():
    reshape = L.Reshape((6, 4))
    reshape(Input((4, 3, 2)))
    with pytest.raises(OptionError, match="make a new layer for channels_first"):
        reshape(Input((2, 4, 3), data_format="channels_first"))


@pytest.mark.parametrize("order", [("channels_last", "channels_first"), ("channels_first",) * 2])
def test_both_data_formats_share_layers(order):
    x = samples((4, 3, 2))
    net = [L.Conv2D(3, 2), L.Flatten(), L.Dense(4)]
    shapes = {"channels_last": (4, 3, 2), "channels_first": (2, 4, 3)}
    for data_format in order:
        Sequential(net, shapes[data_format], data_format=data_format)
    last = Sequential(net, shapes["channels_last"])
    first = Sequential(net, shapes["channels_first"], data_format="channels_first")
    np.testing.assert_array_equal(last.predict(x), first.predict(np.moveaxis(x, -1, 1)))
