"""Models of branches, several inputs and outputs, shared layers and inner models."""

import json
from copy import deepcopy

import numpy as np
import pytest
from safetensors.numpy import save_file

from fastcnn import Input, Model, Sequential, load_model
from fastcnn import layers as L
from fastcnn.errors import DataError, ModelFileError, OptionError, ShapeError
from fastcnn.training.model_file import read_model_file

RNG = np.random.default_rng(0)
N = 40
IMAGES = RNG.integers(0, 256, (N, 8, 8, 1), dtype=np.uint8)
ROWS = RNG.normal(size=(N, 6, 2)).astype(np.float32)
VECTORS = RNG.normal(size=(N, 5))
LABELS = RNG.integers(0, 3, N)
NUMBERS = RNG.normal(size=(N, 2))
LOSSES = {"digit": "sparse_categorical_crossentropy", "size": "mean_squared_error"}


def conv(filters=4, **options):
    return L.Conv2D(filters, 3, padding="same", **options)


def several_of_each(**options):
    """Images, sequences and vectors in, classes and numbers out; a layer is used twice."""
    image, row = Input((8, 8, 1), name="image"), Input((6, 2), name="row")
    vector = Input((5,), name="vector")
    x = conv(activation="relu")(image)
    x = L.Add(activation="relu")([conv()(x), x])
    x = L.Dense(5, activation="tanh")(L.Flatten()(x))
    shared = L.Dense(5, activation="tanh", name="shared")
    y = L.Add()([L.Add()([shared(x), shared(vector)]), L.Dense(5)(L.Flatten()(row))])
    digit = L.Dense(3, activation="softmax", name="digit")(y)
    size = L.Dense(2, name="size")(y)
    return Model([image, row, vector], [digit, size], **options)


XS = {"image": IMAGES, "row": ROWS, "vector": VECTORS}
YS = {"digit": LABELS, "size": NUMBERS}


def trained(**options):
    model = several_of_each(seed=1, **options)
    model.compile({"name": "adam", "learning_rate": 0.01}, LOSSES, loss_weights={**WEIGHTS})
    return model


WEIGHTS = {"digit": 1.0, "size": 0.5}


def test_history_has_figures_of_every_output():
    model = trained()
    history = model.fit(XS, YS, epochs=3, verbose=0, validation_split=0.25).history
    figures = ["loss", "digit_loss", "digit_accuracy", "size_loss"]
    others = {"seconds", "learning_rate"}
    assert set(history) == {*figures, *(f"val_{name}" for name in figures), *others}
    for prefix in ("", "val_"):
        digit, size = (np.array(history[f"{prefix}{name}_loss"]) for name in YS)
        np.testing.assert_allclose(history[f"{prefix}loss"], digit + 0.5 * size, rtol=1e-9)


def test_training_reduces_both_losses():
    model = trained()
    before = model.evaluate(XS, YS)
    model.fit(XS, YS, epochs=40, verbose=0)
    after = model.evaluate(XS, YS)
    assert after["digit_loss"] < 0.7 * before["digit_loss"]
    assert after["size_loss"] < 0.7 * before["size_loss"]


def test_lists_and_dicts_are_the_same():
    model = trained()
    by_name, in_order = model.evaluate(XS, YS), model.evaluate([*XS.values()], [*YS.values()])
    assert by_name == in_order
    digit, size = model.predict([IMAGES, ROWS, VECTORS])
    assert digit.shape == (N, 3) and size.shape == (N, 2)
    np.testing.assert_allclose(digit.sum(axis=1), 1, atol=1e-5)


def test_native_training_follows_the_reference():
    losses = []
    for options in ({}, {"backend": "reference", "dtype": "float64"}):
        model = trained(**options)
        losses.append(model.fit(XS, YS, epochs=4, verbose=0, batch_size=12).history["loss"])
    np.testing.assert_allclose(*losses, rtol=2e-4)


def test_threads_do_not_change_bits():
    weights = []
    for threads in (1, 2, 3):
        model = trained(threads=threads)
        model.fit(XS, YS, epochs=2, verbose=0, batch_size=18)
        weights.append(model.get_weights())
    for key, value in weights[0].items():
        assert all(np.array_equal(value, other[key]) for other in weights[1:]), key


def test_data_formats_agree():
    last, first = Input((8, 6, 2)), Input((2, 8, 6), data_format="channels_first")
    convolution, softmax = conv(), L.Softmax()
    x = softmax(L.Reshape((48, 4))(convolution(last)))
    y = softmax(L.Reshape((4, 48))(convolution(first)))
    images = RNG.normal(size=(3, 8, 6, 2))
    a = Model(last, x).predict(images)
    b = Model(first, y).predict(images.transpose(0, 3, 1, 2))
    assert a.shape == (3, 48, 4)
    np.testing.assert_array_equal(a, b.transpose(0, 2, 1))


def test_targets_of_image_outputs_have_the_order_of_images():
    x = RNG.normal(size=(6, 5, 4, 3))
    model = Sequential([L.Activation("linear")], (5, 4, 3))
    model.compile(loss="mean_squared_error")
    assert model.evaluate(x, x)["loss"] == 0
    np.testing.assert_allclose(model.predict(x), x.astype(np.float32))


# ---- sharing


def test_an_inner_tensor_gives_the_features_of_the_trained_model():
    model = trained()
    features = Model(model.inputs[0], model.get_layer("dense").output)
    before = features.predict(IMAGES)
    model.fit(XS, YS, epochs=2, verbose=0)
    after = features.predict(IMAGES)
    assert not np.allclose(before, after)
    weights = model.get_weights()
    for key, value in features.get_weights().items():
        np.testing.assert_array_equal(value, weights[key])


def test_layers_in_another_sequential_keep_their_weights():
    model = Sequential([L.Flatten(), L.Dense(4, activation="relu"), L.Dense(3)], (8, 8, 1))
    head = Sequential([*model.layers[:-1], L.Dense(2)], (8, 8, 1))
    weights, others = model.get_weights(), head.get_weights()
    np.testing.assert_array_equal(weights["dense/kernel"], others["dense/kernel"])
    assert others["dense_1/kernel"].shape == (2, 4)


def test_a_copied_layer_has_weights_of_its_own():
    """What scikit-learn's clone does to the layers of an estimator."""
    layers = [L.Flatten(), L.Dense(4, activation="relu", name="mine")]
    model = Sequential(layers, (8, 8, 1), seed=1)
    other = Sequential(deepcopy(layers), (8, 8, 1), seed=2)
    again = Sequential(deepcopy(layers), (8, 8, 1), seed=1)
    kernels = [m.get_weights()["mine/kernel"] for m in (model, other, again)]
    assert not np.array_equal(kernels[0], kernels[1])
    np.testing.assert_array_equal(kernels[0], kernels[2])


# ---- inner models


def encoder():
    x = Input((8, 8, 1))
    y = L.Add()([conv()(x), conv()(x)])
    return Model(x, [y, L.Flatten()(y)], name="encoder")


def test_a_model_is_a_layer():
    inner, x = encoder(), Input((8, 8, 1))
    image, flat = inner(x)
    model = Model(x, [L.Dense(2)(flat), conv(1)(image)], name="outer")
    assert [layer.name for layer in model.layers] == ["encoder", "dense", "conv2d"]
    assert "encoder/conv2d_1/kernel" in model.get_weights() and model.output_names[0] == "dense"
    expected = inner.predict(IMAGES)[1] @ model.get_weights()["dense/kernel"].T
    np.testing.assert_allclose(model.predict(IMAGES)[0], expected, atol=1e-5)
    assert "encoder[1]" in model.summary()


def test_a_sequential_takes_the_shape_of_what_it_is_called_on():
    inner = Sequential([conv(), L.Flatten()], name="inner")
    model = Sequential([inner, L.Dense(2)], (8, 8, 1))
    assert next(iter(model.get_weights())) == "inner/conv2d/kernel"
    assert inner.predict(IMAGES).shape == (N, 256)


# ---- files


@pytest.mark.parametrize("state", [True, False])
def test_saved_and_loaded(tmp_path, state):
    model = trained()
    model.fit(XS, YS, epochs=1, verbose=0)
    model.save(tmp_path / "m.safetensors", training_state=state)
    loaded = load_model(tmp_path / "m.safetensors")
    for a, b in zip(model.predict(XS), loaded.predict(XS), strict=True):
        np.testing.assert_array_equal(a, b)
    assert loaded.summary() == model.summary()
    assert loaded.evaluate(XS, YS) == model.evaluate(XS, YS)
    if state:
        for either in (model, loaded):
            either.fit(XS, YS, epochs=3, verbose=0)
        assert model.history.history["loss"] == loaded.history.history["loss"]


def test_inner_models_and_frozen_layers_are_saved(tmp_path):
    inner, x = encoder(), Input((8, 8, 1))
    again = inner.layers[0]  # also used outside of the inner model
    image, _ = inner(x)
    deep = Sequential([Sequential([conv(1, name="c")], name="b")], name="a")
    y = deep(L.Add()([image, again(x)]))
    again.trainable = False
    model = Model(x, L.Dense(3, activation="softmax")(L.Flatten()(y)))
    model.compile()
    model.fit(IMAGES, LABELS, epochs=1, verbose=0)
    model.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    np.testing.assert_array_equal(model.predict(IMAGES), loaded.predict(IMAGES))
    found = loaded.get_layer("encoder")
    assert type(loaded.get_layer("a")) is Sequential
    assert found.layers[0] in loaded.layers and not found.layers[0].trainable
    np.testing.assert_array_equal(found.predict(IMAGES)[1], inner.predict(IMAGES)[1])
    assert "a/b/c/kernel" in loaded.get_weights()


def test_a_file_can_not_ask_for_endless_models(tmp_path):
    """Every model holds the one before it twice: 2^30 nodes from a small file."""
    Sequential([L.Flatten()], (2, 2, 1)).save(tmp_path / "m")
    arrays, document = read_model_file(tmp_path / "m")
    first = document["model"]["models"][0]
    first["inputs"][0]["shape"] = [4]
    document["model"]["models"] = [
        first,
        *({**first, "stack": [{"model": k}, {"model": k}]} for k in range(30)),
    ]
    save_file(arrays, tmp_path / "bad", metadata={"fastcnn": json.dumps(document)})
    with pytest.raises(ModelFileError, match="at most 10,000 nodes"):
        load_model(tmp_path / "bad")


# ---- mistakes


def line(shape=(8, 8, 1)):
    x = Input(shape, name="a")
    return x, L.Flatten()(x)


BAD = [
    (lambda: Model(Input((4,)), line()[1]), OptionError, "disconnected.*'a'"),
    (lambda: Model([line()[0], *line()[:1]], line()[1]), OptionError, "disconnected"),
    (lambda: two_inputs_one_unused(), OptionError, "no output depends on the input 'b'"),
    (lambda: Model(*line()[:1] * 2), OptionError, "at least one layer"),
    (lambda: Model([], []), OptionError, "at least one tensor"),
    (lambda: conv()(IMAGES), OptionError, "ndarray.*predict"),
    (lambda: conv()([Input((8, 8, 1)), Input((8, 8, 1))]), OptionError, "takes one tensor, not 2"),
    (lambda: L.Add()([Input((4,)), Input((5,))]), ShapeError, "one shape"),
    (lambda: L.Dense(2)(Input((8, 8, 1))), ShapeError, "dense.*Flatten"),
    (lambda: L.Add()([Input((4,)), Input((4,), data_format="channels_first")]), OptionError, "got"),
    (lambda: Input((1, 2, 3, 4)), ShapeError, "one axis"),
    (lambda: Input((0, 2)), ShapeError, "at least one"),
    (lambda: Input(7), ShapeError, "tuple of integers"),
    (lambda: Input((7,), data_format="last"), OptionError, "channels_last"),
    (lambda: trained().fit([IMAGES, ROWS], YS), OptionError, "list of 3 .*'image', 'row'.*got 2"),
    (lambda: trained().fit(IMAGES, YS), OptionError, "inputs: expected a list of 3"),
    (lambda: trained().fit({**XS, "vektor": 0}, YS), OptionError, "must be 'image'.*'vektor'"),
    (lambda: trained().fit(XS, LABELS), OptionError, "targets: expected a list of 2"),
    (lambda: trained().fit({**XS, "row": ROWS[:9]}, YS), DataError, "different numbers.*'row' 9"),
    (lambda: trained().fit({**XS, "row": ROWS[:, :, :1]}, YS), ShapeError, "'row': sequences are"),
    (lambda: trained().predict({**XS, "vector": IMAGES}), DataError, "vectors have shape"),
    (
        lambda: trained().compile(loss={"digits": "mse"}),
        OptionError,
        "loss must be 'digit', 'size'",
    ),
    (lambda: trained().compile(loss=["mean_squared_error"]), OptionError, "loss: expected a list"),
    (lambda: trained().compile(loss=LOSSES, loss_weights=[1, -1]), OptionError, "negative"),
    (lambda: trained().get_layer("shard"), OptionError, "did you mean 'shared'"),
    (lambda: trained().get_layer(index=99), OptionError, "no layer 99"),
    (lambda: trained().get_layer("shared").output, OptionError, "called 2 times"),
    (lambda: encoder()(Input((9, 9, 1))), ShapeError, "'encoder' takes"),
    (lambda: shared_on_other_sizes(), ShapeError, "its kernel would be"),
    (lambda: Sequential([Input((4,)), L.Dense(2)], (4,)), OptionError, "not both"),
    (lambda: Sequential([L.Dense(2)]).input, OptionError, "no input shape"),
    (lambda: float64_again(), OptionError, "belongs to another model already"),
]


def two_inputs_one_unused():
    (a, flat), b = line(), Input((3,), name="b")
    Model([a, b], flat)


def shared_on_other_sizes():
    shared, a, b = L.Dense(2), Input((4,)), Input((5,))
    Model([a, b], L.Add()([shared(a), shared(b)]))


def float64_again():
    layers = [L.Dense(2)]
    Sequential(layers, (3,))
    Sequential(layers, (3,), dtype="float64")


@pytest.mark.parametrize(("action", "error", "message"), BAD)
def test_mistakes_are_named(action, error, message):
    with pytest.raises(error, match=message) as caught:
        action()
    assert "\n" not in str(caught.value)
