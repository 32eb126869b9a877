"""Every registered loss: its formula, its gradient through a model, and that models learn by it."""

import numpy as np
import pytest

import fastcnn
from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.errors import DataError, OptionError, ShapeError
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.spec import OPS
from fastcnn.plugins.registry import losses, make
from tests.kernels.compare import run

EPS = 1e-7


def normal(y):
    return np.clip(y / y.sum(axis=1, keepdims=True), EPS, 1 - EPS)


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def smooth(t, s):
    return (1 - s) * t + s / t.shape[1]


def crossentropy(t, p):
    return -(t * np.log(p)).sum(axis=1)


def binary(t, p):
    p = np.clip(p, EPS, 1 - EPS)
    return -t * np.log(p) - (1 - t) * np.log(1 - p)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def focal(t, p, alpha=0.25, gamma=2):
    return (-alpha * t * (1 - p) ** gamma * np.log(p)).sum(axis=1)


def binary_focal(t, p, gamma=2):
    return (1 - t * p - (1 - t) * (1 - p)) ** gamma * binary(t, p)


def huber(d, delta):
    return np.where(abs(d) <= delta, d**2 / 2, delta * abs(d) - delta**2 / 2)


def best_wrong(t, y):
    return np.maximum(0, 1 + ((1 - t) * y).max(axis=1) - (t * y).sum(axis=1))


def all_wrong(t, y, margin):
    above = np.maximum(0, y - (t * y).sum(axis=1, keepdims=True) + margin)
    return (above * (1 - t)).sum(axis=1)


SMOOTH, LOGITS = {"label_smoothing": 0.2}, {"from_logits": True}
CATEGORICAL = [
    ({}, lambda t, y: crossentropy(t, normal(y))),
    (SMOOTH, lambda t, y: crossentropy(smooth(t, 0.2), normal(y))),
    (LOGITS, lambda t, y: crossentropy(t, softmax(y))),
    (SMOOTH | LOGITS, lambda t, y: crossentropy(smooth(t, 0.2), softmax(y))),
]
FORMULAS = {  # name: [(options, formula of one-hot t and outputs y in (0, 1), both (n, K))]
    "mean_squared_error": [({}, lambda t, y: ((y - t) ** 2).mean(axis=1))],
    "mean_absolute_error": [({}, lambda t, y: abs(y - t).mean(axis=1))],
    "mean_absolute_percentage_error": [
        ({}, lambda t, y: 100 * (abs(y - t) / np.maximum(t, EPS)).mean(axis=1))
    ],
    "mean_squared_logarithmic_error": [
        ({}, lambda t, y: ((np.log(y + 1) - np.log(np.maximum(t, EPS) + 1)) ** 2).mean(axis=1))
    ],
    "huber": [
        ({}, lambda t, y: huber(y - t, 1).mean(axis=1)),
        ({"delta": 0.3}, lambda t, y: huber(y - t, 0.3).mean(axis=1)),
    ],
    "log_cosh": [({}, lambda t, y: np.log(np.cosh(y - t)).mean(axis=1))],
    "poisson": [({}, lambda t, y: (y - t * np.log(y + EPS)).mean(axis=1))],
    "kl_divergence": [
        ({}, lambda t, y: (np.maximum(t, EPS) * np.log(np.maximum(t, EPS) / y)).sum(axis=1))
    ],
    "cosine_similarity": [({}, lambda t, y: -(unit(t) * unit(y)).sum(axis=1))],
    "dice": [
        ({}, lambda t, y: 1 - 2 * (t * y).sum(axis=1) / (t.sum(axis=1) + y.sum(axis=1) + EPS))
    ],
    "hinge": [({}, lambda t, y: np.maximum(0, 1 - (2 * t - 1) * y).mean(axis=1))],
    "squared_hinge": [({}, lambda t, y: (np.maximum(0, 1 - (2 * t - 1) * y) ** 2).mean(axis=1))],
    "categorical_hinge": [({}, best_wrong)],
    "multi_class_hinge": [
        ({}, lambda t, y: all_wrong(t, y, 1)),
        ({"margin": 0.25}, lambda t, y: all_wrong(t, y, 0.25)),
    ],
    "categorical_crossentropy": CATEGORICAL,
    "sparse_categorical_crossentropy": CATEGORICAL,
    "categorical_focal_crossentropy": [
        ({}, lambda t, y: focal(t, normal(y))),
        ({"alpha": 0.5, "gamma": 1.5} | LOGITS, lambda t, y: focal(t, softmax(y), 0.5, 1.5)),
        (SMOOTH, lambda t, y: focal(smooth(t, 0.2), normal(y))),
    ],
    "binary_crossentropy": [
        ({}, lambda t, y: binary(t, y).mean(axis=1)),
        (SMOOTH, lambda t, y: binary(0.8 * t + 0.1, y).mean(axis=1)),
        (SMOOTH | LOGITS, lambda t, y: binary(0.8 * t + 0.1, sigmoid(y)).mean(axis=1)),
    ],
    "binary_focal_crossentropy": [
        ({}, lambda t, y: binary_focal(t, y).mean(axis=1)),
        ({"gamma": 3} | LOGITS, lambda t, y: binary_focal(t, sigmoid(y), 3).mean(axis=1)),
        (
            {"apply_class_balancing": True, "alpha": 0.3} | SMOOTH,
            lambda t, y: ((0.7 - 0.4 * (0.8 * t + 0.1)) * binary_focal(0.8 * t + 0.1, y)).mean(
                axis=1
            ),
        ),
    ],
}
CASES = [
    pytest.param({"name": name, **options}, formula, id=f"{name}-{options}")
    for name, cases in FORMULAS.items()
    for options, formula in cases
]


def test_every_loss_has_a_formula():
    assert sorted(FORMULAS) == losses.names()


def loss_of(loss, t, y, weight=None):
    """(loss, gradient) of each sample, by the reference in float64, a lane for each."""
    n = len(y)
    arrays = {"predictions": np.ascontiguousarray(y.T)[None], "loss": np.empty((1, n))}
    arrays |= {"dpredictions": np.empty((1, y.shape[1], n))}
    arrays["weight"] = None if weight is None else weight[None]
    if loss.targets == "labels":
        arrays["labels"] = t.argmax(axis=1)[None]
    else:
        arrays |= {"targets": np.ascontiguousarray(t.T)[None], "order": np.arange(n)[None]}
    kernel, params = loss.kernel(joined=False)
    params = {k: v for k, v in params.items() if k in OPS[kernel].params}
    result = run(kernel, arrays, "reference", **params)
    return result["loss"][0], result["dpredictions"][0].T


def samples(n=12, outputs=5, seed=0):
    rng = np.random.default_rng(seed)
    return np.eye(outputs)[rng.integers(0, outputs, n)], rng.uniform(0.02, 0.98, (n, outputs))


@pytest.mark.parametrize(("config", "formula"), CASES)
def test_formula(config, formula):
    t, y = samples()
    value, _ = loss_of(make(losses, config), t, y)
    np.testing.assert_allclose(value, formula(t, y), rtol=1e-12)


@pytest.mark.parametrize(("config", "formula"), CASES)
def test_a_weight_counts_like_repeating_the_sample(config, formula):
    loss = make(losses, config)
    t, y = samples()
    times = np.random.default_rng(1).integers(0, 4, len(t))
    value, gradient = loss_of(loss, t, y, times.astype(float))
    repeated, gradients = loss_of(loss, np.repeat(t, times, axis=0), np.repeat(y, times, axis=0))
    np.testing.assert_allclose(value.sum(), repeated.sum(), rtol=1e-12)
    owner = np.repeat(np.arange(len(t)), times)
    total = np.stack([gradients[owner == k].sum(axis=0) for k in range(len(t))])
    np.testing.assert_allclose(gradient * len(t), total * times.sum(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("alias", "name"), losses.aliases.items())
def test_aliases_name_losses(alias, name):
    assert losses.get(alias) is losses.get(name)
    assert alias not in losses.names() and name in losses.names()


END = {  # what a model ends with; softmax if nothing is said
    "hinge": None,
    "squared_hinge": None,
    "categorical_hinge": None,
    "multi_class_hinge": None,
    "mean_absolute_percentage_error": None,
    "poisson": "sigmoid",
    "binary_crossentropy": "sigmoid",
    "binary_focal_crossentropy": "sigmoid",
}
SHIFT = {"mean_absolute_percentage_error": 1}  # of targets: those of 0 would be all that counts


def quadrants(count=256, size=8):
    """Pictures whose class is the quarter with the bright square."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, count)
    images = rng.integers(0, 60, (count, size, size, 1), dtype=np.uint8)
    half = size // 2
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * half : row * half + half, column * half : column * half + half] += 150
    return images, labels


@pytest.mark.parametrize("name", losses.names())
def test_a_model_learns(name):
    x, y = quadrants()
    end = L.Dense(4, activation=END.get(name, "softmax"))
    model = Sequential([L.Conv2D(4, 3, activation="relu"), L.Flatten(), end])
    model.compile({"name": "adam", "learning_rate": 0.01}, name)
    targets = y if losses.get(name).targets == "labels" else np.eye(4)[y] + SHIFT.get(name, 0)
    history = model.fit(x, targets, epochs=12, verbose=0).history
    assert (model.predict(x).argmax(axis=1) == y).mean() > 0.95
    assert ("accuracy" in history) == losses.get(name).classifies


@pytest.mark.parametrize("loss", [n for n in losses.names() if losses.get(n).classifies])
def test_classifying_losses_take_class_numbers_and_count_right_answers(loss):
    x, y = quadrants(40)
    model = Sequential([L.Flatten(), L.Dense(4, activation=END.get(loss, "softmax"))])
    model.compile(loss=loss)
    model.fit(x, y, verbose=0)
    expected = (model.predict(x).argmax(axis=1) == y).mean()
    assert model.evaluate(x, y)["accuracy"] == pytest.approx(expected)


@pytest.mark.parametrize("from_logits", [False, True])
def test_accuracy_of_one_output(from_logits):
    x, labels = quadrants(60)
    y = labels % 2
    model = Sequential([L.Flatten(), L.Dense(1, activation=None if from_logits else "sigmoid")])
    model.compile(loss={"name": "bce", "from_logits": from_logits})
    model.fit(x, y, epochs=3, verbose=0)
    yes = model.predict(x)[:, 0] > (0 if from_logits else 0.5)
    assert model.evaluate(x, y)["accuracy"] == pytest.approx((yes == y).mean())


# ---- own losses


def cubed(y_true, y_pred):
    return (abs(y_pred - y_true) ** 3).sum(axis=1)


def cubed_gradient(y_true, y_pred):
    d = y_pred - y_true
    return 3 * d * abs(d)


def half_square(y_true, y_pred):
    return ((y_pred - y_true) ** 2).mean(axis=1)


def half_square_gradient(y_true, y_pred):
    return 2 * (y_pred - y_true) / y_pred.shape[1]


def regression(loss, **options):
    model = Sequential([L.Flatten(), L.Dense(4)], seed=3, **options)
    model.compile({"name": "sgd", "learning_rate": 0.05}, loss)
    return model


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_custom_loss_trains_like_the_kernel_of_the_same_formula(backend):
    x, labels = quadrants(50)
    y = np.eye(4)[labels]
    custom = fastcnn.losses.Custom(half_square, half_square_gradient)
    models = [regression(loss, backend=backend) for loss in ("mse", custom)]
    histories = [m.fit(x, y, epochs=3, batch_size=20, verbose=0).history for m in models]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-5)
    for key, value in models[0].get_weights().items():
        np.testing.assert_allclose(value, models[1].get_weights()[key], atol=1e-6)


def test_a_custom_loss_of_class_numbers():
    x, y = quadrants(30)
    seen = []

    def error(y_true, y_pred):
        seen.append((y_true, y_pred.shape))
        return -y_pred[np.arange(len(y_true)), y_true]

    model = regression(fastcnn.losses.Custom(error, targets="labels"))
    value = model.evaluate(x, y)["loss"]
    assert value == pytest.approx(-model.predict(x)[np.arange(30), y].mean(), rel=1e-5)
    assert seen[0][1] == (30, 4) and np.array_equal(seen[0][0], y)


def test_a_plain_function_evaluates_and_trains():
    x, labels = quadrants(30)
    y = np.eye(4)[labels]
    model = regression(cubed)
    expected = cubed(y, model.predict(x)).mean()
    assert model.evaluate(x, y)["loss"] == pytest.approx(expected, rel=1e-5)
    model.fit(x, y, verbose=0)
    assert model.evaluate(x, y)["loss"] < expected


def test_gradients_of_custom_losses_are_checked():
    t, y = samples()
    fastcnn.losses.Custom(cubed, cubed_gradient).check_gradient(t, y)
    wrong = fastcnn.losses.Custom(cubed, lambda t, y: 2 * cubed_gradient(t, y))
    with pytest.raises(OptionError, match=r"'cubed' is wrong: \[0, 0\]"):
        wrong.check_gradient(t, y)
    with pytest.raises(OptionError, match="no gradient"):
        fastcnn.losses.Custom(cubed).check_gradient(t, y)


def test_a_registered_loss_in_numpy():
    @losses.register("test_weighted_square")
    class WeightedSquare(fastcnn.losses.PythonLoss):
        def __init__(self, factor=2.0):
            self.factor = factor

        def function(self, y_true, y_pred):
            return self.factor * half_square(y_true, y_pred)

        def gradient(self, y_true, y_pred):
            return self.factor * half_square_gradient(y_true, y_pred)

    try:
        make(losses, "test_weighted_square").check_gradient(*samples())
        x, labels = quadrants(50)
        models = [regression({"name": "test_weighted_square", "factor": 1.0}), regression("mse")]
        figures = [m.fit(x, np.eye(4)[labels], verbose=0).history["loss"] for m in models]
        assert figures[0] == pytest.approx(figures[1], rel=1e-5)
    finally:
        del losses._found["test_weighted_square"]


X, Y = quadrants(20)
ONE_HOT = np.eye(4)[Y]
BAD = [
    (lambda: make(losses, {"name": "huber", "delta": 0}), OptionError, "delta"),
    (lambda: make(losses, {"name": "mse", "delta": 0}), OptionError, "delta"),
    (lambda: make(losses, {"name": "bce", "label_smoothing": 1}), OptionError, "label_smoothing"),
    (lambda: make(losses, {"name": "multi_class_hinge", "margin": -1}), OptionError, "margin"),
    (
        lambda: make(losses, {"name": "categorical_focal_crossentropy", "gamma": -1}),
        OptionError,
        "gamma",
    ),
    (lambda: make(losses, {"name": "binary_focal_crossentropy", "alpha": 2}), OptionError, "alpha"),
    (lambda: regression("msee"), OptionError, "unknown loss"),
    (lambda: fastcnn.losses.Custom(3), OptionError, "functions"),
    (lambda: fastcnn.losses.Custom(cubed, targets="soft"), OptionError, "labels"),
    (
        lambda: regression(lambda t, y: y[..., None]).evaluate(X, ONE_HOT),
        ShapeError,
        r"\(20, 4, 1\) for 20 samples, not \(20,\)",
    ),
    (lambda: regression(cubed).evaluate(X, Y), DataError, r"expected \(20, 4\)"),
]


@pytest.mark.parametrize(("action", "error", "message"), BAD)
def test_mistakes_are_named(action, error, message):
    with pytest.raises(error, match=message):
        action()
