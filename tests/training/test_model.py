"""The model's public face."""

import numpy as np
import pytest

import fastcnn
from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.errors import DataError, DivergedError, OptionError, ShapeError
from fastcnn.models import build
from fastcnn.plugins.registry import layers as layer_registry
from fastcnn.plugins.registry import optimizers

RNG = np.random.default_rng(0)


def quadrants(count=256, size=8):
    """Pictures whose class is the quarter with the bright square."""
    labels = RNG.integers(0, 4, count)
    images = RNG.integers(0, 60, (count, size, size, 1), dtype=np.uint8)
    half = size // 2
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * half : row * half + half, column * half : column * half + half] += 150
    return images, labels


def small(**options):
    net = [L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(4, activation="softmax")]
    return Sequential(net, **options)


def test_summary_of_the_two_published_examples():
    model = Sequential([L.Conv2D(16, 2, strides=2)], input_shape=(200, 200, 1))
    assert model.graph.output.shape == (16, 100, 100)
    assert model.count_params() == 80
    text = model.summary()
    assert "100x100x16" in text and " 80 " in text
    model = Sequential([L.Conv2D(32, 3, strides=2, padding="same")], input_shape=(128, 128, 3))
    assert model.count_params() == 896
    assert model.graph.output.shape == (32, 64, 64)


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [
        ("simple_convnet", (1, 28, 28), 433_890),
        ("convnetjs_cifar", (3, 32, 32), 22_466),
        ("keras_cifar", (3, 32, 32), 528_054),
        ("keras_mnist", (1, 28, 28), 1_199_882),
        ("lenet5", (1, 28, 28), 61_706),
        ("mlp", (1, 28, 28), 235_146),
        ("resnet20", (3, 32, 32), 269_722 + 1_376),
        ("resnet32", (3, 32, 32), 464_154 + 2_272),
        ("resnet56", (3, 32, 32), 853_018 + 4_064),
    ],
)
def test_built_in_models_have_the_published_sizes(name, shape, parameters):
    model = build(name, shape, data_format="channels_first")
    assert model.count_params() == parameters


@pytest.mark.parametrize("optimizer", optimizers.names())
def test_every_optimizer_learns(optimizer):
    x, y = quadrants()
    model = small()
    rates = {
        "adadelta": 1.0,
        "sgd": 0.05,
        "adagrad": 0.03,
        "radam": 0.03,
        "lars": 0.1,
        "lbfgs": 1.0,
    }
    options = {"lars": {"trust_coefficient": 0.1}}.get(optimizer, {})
    rate = rates.get(optimizer, 0.01)
    model.compile({"name": optimizer, "learning_rate": rate, **options})
    split = {"validation_split": 0.25, "batch_size": 192 if optimizer == "lbfgs" else 32}
    history = model.fit(x, y, epochs=8, verbose=0, **split).history
    assert history["val_accuracy"][-1] > 0.95
    figures = {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert set(history) == figures | {"seconds", "learning_rate"}
    assert model.evaluate(x, y)["accuracy"] > 0.95


def test_losses_from_logits_have_accuracy_and_take_class_numbers():
    x, y = quadrants(40)
    for loss in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        model = Sequential([L.Flatten(), L.Dense(4)])
        model.compile(loss={"name": loss, "from_logits": True})
        model.fit(x, y, verbose=0)
        assert 0 <= model.evaluate(x, y)["accuracy"] <= 1


def test_every_layer_is_named_as_its_file():
    for name in layer_registry.names():
        assert layer_registry.get(name).registered_name == name


def test_data_formats_and_dtypes_agree():
    x, _ = quadrants(20)
    x = np.concatenate([x, 255 - x, x // 2], axis=3)
    net = [L.Conv2D(3, 3), L.Flatten(), L.Dense(4, activation="softmax")]
    last = Sequential(net, (8, 8, 3), seed=1)
    first = Sequential(net, (3, 8, 8), seed=1, data_format="channels_first")
    floats = Sequential(net, (8, 8, 3), seed=1)
    expected = last.predict(x)
    assert np.array_equal(expected, first.predict(x.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(expected, floats.predict(x / 255), atol=1e-6)
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-6)


def test_results_do_not_depend_on_the_batch():
    x, y = quadrants(70)
    model = small(seed=2)
    model.compile()
    together = model.predict(x)
    alone = np.concatenate([model.predict(x[k : k + 1]) for k in range(5)])
    np.testing.assert_allclose(together[:5], alone, atol=1e-6)
    few = np.concatenate([model.predict(x[k : k + 3]) for k in range(0, 9, 3)])
    np.testing.assert_allclose(together[:9], few, atol=1e-6)
    assert model.evaluate(x[:33], y[:33])["loss"] == pytest.approx(
        -np.log(together[np.arange(33), y[:33]]).mean(), rel=1e-4
    )


@pytest.mark.parametrize("backend", ["native", "numba"])
@pytest.mark.parametrize("net", ["simple_convnet", "convnetjs_cifar", "keras_cifar", "lenet5"])
def test_training_follows_the_reference(net, backend):
    x = RNG.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    y = RNG.integers(0, 10, 24)
    losses = []
    for maker, dtype in (("reference", "float64"), (backend, "float32")):
        model = build(net, (16, 16, 3), seed=5, backend=maker, dtype=dtype)
        model.compile({"name": "sgd", "learning_rate": 0.01, "momentum": 0.9})
        losses.append(model.fit(x, y, batch_size=12, epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=2e-4)


def test_fusion_changes_nothing_but_rounding():
    x, y = quadrants(64, 10)
    weights = []
    for fuse in (True, False):
        net = [
            L.Conv2D(5, 3, padding="same", activation="relu"),
            L.MaxPooling2D(2),
            L.Conv2D(6, 3, activation="tanh"),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ]
        model = Sequential(net, seed=1)
        model.compile({"name": "sgd", "learning_rate": 0.1}, fuse=fuse)
        model.fit(x, y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for key, value in weights[0].items():
        np.testing.assert_allclose(value, weights[1][key], atol=1e-5, err_msg=key)


def test_new_preprocessing_counts_at_once():
    x, _ = quadrants(20)
    model = small()
    expected = model.predict(x // 2 * 2)
    model.preprocessing = Preprocessing(np.array([2.0]), np.zeros(1))
    np.testing.assert_allclose(model.predict(x // 2), expected, rtol=1e-5)


def test_penalties_shrink_weights_and_count_in_the_loss():
    x, y = quadrants()
    sizes = []
    for penalty in (None, {"name": "l2", "l2": 0.05}, {"name": "l1", "l1": 0.01}):
        net = [L.Flatten(), L.Dense(4, activation="softmax", kernel_regularizer=penalty)]
        model = Sequential(net, seed=1)
        model.compile({"name": "adam", "learning_rate": 0.01})
        model.fit(x, y, epochs=5, verbose=0)
        sizes.append(float(np.abs(model.get_weights()["dense/kernel"]).sum()))
        kernel = model.get_weights()["dense/kernel"].astype(np.float64)
        extra = {"l2": 0.05 * (kernel**2).sum(), "l1": 0.01 * np.abs(kernel).sum()}
        bare = -np.log(model.predict(x)[np.arange(len(y)), y]).mean()
        expected = bare + (extra[penalty["name"]] if penalty else 0)
        assert model.evaluate(x, y)["loss"] == pytest.approx(expected, rel=1e-4)
    assert sizes[1] < sizes[0] and sizes[2] < sizes[0]


def test_callbacks_are_called_in_order():
    x, y = quadrants(40)
    seen = []

    class Recorder(fastcnn.callbacks.Callback):
        def __getattribute__(self, name):
            if name.startswith("on_"):
                seen.append(name)
            return super().__getattribute__(name)

    model = small()
    model.fit(x, y, batch_size=20, epochs=2, verbose=0, callbacks=[Recorder()])
    batch = ["on_batch_begin", "on_batch_end"]
    epoch = ["on_epoch_begin", *batch, *batch, "on_epoch_end"]
    assert seen == ["on_train_begin", *epoch, *epoch, "on_train_end"]


def test_a_diverging_loss_stops():
    x, y = quadrants()
    model = small()
    model.compile({"name": "sgd", "learning_rate": 1e30})
    with pytest.raises(DivergedError, match="learning rate"):
        model.fit(x, y, epochs=5, verbose=0)


X, Y = quadrants(20)
BAD = [
    (lambda: small().fit(X.astype(float) * np.nan, Y, verbose=0), DataError, "NaN|finite"),
    (lambda: small().fit(X, Y + 9, verbose=0), DataError, "expected 0 to 3"),
    (lambda: small().fit(X, Y[:3], verbose=0), DataError, "3 .*20"),
    (lambda: small().fit(X[:0], Y[:0], verbose=0), DataError, "no images"),
    (lambda: small().fit(X, np.eye(4)[Y], verbose=0), DataError, "categorical_crossentropy"),
    (lambda: small(input_shape=(9, 9, 1)).fit(X, Y, verbose=0), ShapeError, r"\(9, 9\)|9x9"),
    (lambda: small(input_shape=(2, 2, 1)), ShapeError, "larger than"),
    (lambda: small().compile("adamm"), OptionError, "did you mean 'adam'"),
    (lambda: small().compile({"name": "adam", "learningrate": 1}), OptionError, "learning_rate"),
    (lambda: small().compile(loss="hinge2"), OptionError, "available"),
    (lambda: small().fit(X, Y, batch_size=0), OptionError, "batch_size"),
    (lambda: small(threads=0).fit(X, Y, verbose=0), OptionError, "threads"),
    (lambda: small(backend="cuda").fit(X, Y, verbose=0), OptionError, "native"),
    (lambda: Sequential([]).fit(X, Y, verbose=0), OptionError, "at least one layer"),
    (lambda: Sequential([L.Dense(3)]).fit(X, Y, verbose=0), ShapeError, "Flatten"),
    (lambda: L.Conv2D(0, 3), OptionError, "filters"),
    (lambda: L.Conv2D(4, 3, groups=3), OptionError, "groups"),
    (lambda: Sequential([L.Conv2D(4, 3, padding=-1)], (8, 8, 1)), OptionError, "negative"),
    (lambda: Sequential([L.Conv2D(4, 3, padding="full")], (8, 8, 1)), OptionError, "same"),
    (lambda: Sequential([L.MaxPooling2D(2, padding=2)], (8, 8, 1)), OptionError, "smaller than"),
    (lambda: L.Dropout(1.0), OptionError, "rate"),
    (lambda: L.Activation("rleu"), OptionError, "did you mean 'relu'"),
    (lambda: small().summary(), OptionError, "input_shape"),
    (lambda: layer_registry.get("conv2dd"), OptionError, "did you mean 'conv2d'"),
]


@pytest.mark.parametrize(("action", "error", "message"), BAD)
def test_mistakes_are_named(action, error, message):
    with pytest.raises(error, match=message):
        action()
