"""Losses that are functions without a gradient: derived by autograd or by differences."""

import sys
import warnings

import autograd.numpy as anp
import numpy as np
import pytest

import fastcnn
from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.engine.derived_gradient import Derived
from fastcnn.engine.python_loss import PythonLoss
from fastcnn.errors import DivergedError, OptionError, SetupWarning, ShapeError
from fastcnn.losses import Custom

COST, PROFIT = 1.0, 9.0
N = 10
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(N, 6)).astype(np.float32)
DEMAND = (3 + X[:, :1] - X[:, 1:2]).astype(np.float32)
IMAGES = DRAW.normal(size=(N, 5, 5, 1)).astype(np.float32)
MASKS = (IMAGES > 0.3).astype(np.float32)


def juice(np_, wide=True):
    """Too much juice costs, too little loses profit: the figure of each sample, or their sum."""

    def missed(y_true, y_pred):
        each = np_.where(y_pred > y_true, COST * (y_pred - y_true), PROFIT * (y_true - y_pred))
        return np_.mean(each, axis=1) if wide else np_.sum(each)

    return missed


def soft_dice(np_, wide=True):
    """1 - 2 |A B| / (|A| + |B|) of each mask, or of all of them"""

    def dice(y_true, y_pred):
        axis = 1 if wide else None
        both = np_.sum(y_true * y_pred, axis=axis)
        return 1 - (2 * both + 1) / (np_.sum(y_true, axis=axis) + np_.sum(y_pred, axis=axis) + 1)

    return dice


def hidden_from_autograd(function):
    """The same numbers, by a function that autograd can't follow."""
    return lambda y_true, y_pred: function(y_true, np.array(y_pred, dtype=np.float64, copy=True))


def dense_net(loss, **options):
    model = Sequential([L.Dense(1)], (6,), seed=1, **options)
    model.compile({"name": "sgd", "learning_rate": 0.02}, loss)
    return model


def mask_net(loss):
    model = Sequential([L.Conv2D(1, 3, padding="same", activation="sigmoid")], (5, 5, 1), seed=1)
    model.compile({"name": "adam", "learning_rate": 0.05}, loss)
    return model


# ---- the gradient


def numeric(function, y_true, y_pred, weights, h=1e-6):
    """d of the weighted mean figure, number by number."""

    def mean(y):
        figures = np.asarray(function(y_true, y))
        return figures if figures.ndim == 0 else (weights * figures).sum() / len(y)

    gradient = np.empty_like(y_pred)
    for place in np.ndindex(y_pred.shape):
        step = np.zeros_like(y_pred)
        step[place] = h
        gradient[place] = (mean(y_pred + step) - mean(y_pred - step)) / (2 * h)
    return gradient


def coupled(np_):
    """A figure for each sample that depends on the others, too."""
    return lambda y_true, y_pred: (
        np_.mean((y_true - y_pred) ** 2, axis=1) / (1 + np_.sum(y_pred**2))
    )


CASES = {
    "juice": juice(anp),
    "sum of juice": juice(anp, wide=False),
    "soft dice": soft_dice(anp),
    "soft dice of a batch": soft_dice(anp, wide=False),
    "coupled": coupled(anp),
    "operators": lambda y_true, y_pred: ((y_true - y_pred) ** 4).sum(axis=1),
}
WAYS = {  # how plain functions are derived, by what they give
    "juice": "by_sample",
    "sum of juice": "one_by_one",
    "soft dice": "by_sample",
    "soft dice of a batch": "one_by_one",
    "coupled": "one_by_one",
    "operators": "by_sample",
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("traced", [True, False], ids=["autograd", "differences"])
def test_gradients_are_those_of_central_differences(name, traced):
    function = CASES[name] if traced else hidden_from_autograd(CASES[name])
    y_pred, weights = DRAW.uniform(0.1, 0.9, (5, 4)), DRAW.uniform(0.5, 2, 5)
    y_true = (DRAW.uniform(size=y_pred.shape) > 0.5).astype(np.float64)
    derived = Derived(name, function, Custom(function).figures)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if traced else "ignore", SetupWarning)
        figures, gradient = derived(y_true, y_pred, weights)
    assert derived.method.__name__ == ("_traced" if traced else WAYS[name])
    np.testing.assert_array_equal(figures, function(y_true, y_pred))
    expected = numeric(CASES[name], y_true, y_pred, weights)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("hide", [lambda f: f, hidden_from_autograd], ids=["autograd", "numpy"])
@pytest.mark.filterwarnings("ignore:the loss 'f' has no gradient")
def test_figures_of_outputs_count_by_their_mean(hide):
    """As in Keras."""
    y_true, y_pred, weights = (DRAW.uniform(size=size) for size in ((5, 4), (5, 4), 5))
    ways = (lambda t, y: (t - y) ** 2, lambda t, y: ((t - y) ** 2).mean(axis=1))
    each, mean = (Derived("f", hide(f), Custom(f).figures) for f in ways)
    for a, b in zip(each(y_true, y_pred, weights), mean(y_true, y_pred, weights), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_differences_stay_inside_the_domain():
    """At the end of a logarithm or a root the side that is a number counts."""
    y_true = np.ones((1, 2))
    function = hidden_from_autograd(lambda t, y: (t * np.log(y) + y * np.sqrt(1 - y)).sum(axis=1))
    derived = Derived("log", function, Custom(function).figures)
    with pytest.warns(SetupWarning, match="central differences"):
        _, gradient = derived(y_true, np.array([[1e-6, 1.0]]), np.ones(1))
    assert np.isfinite(gradient).all()


def test_functions_of_plain_numpy_are_told_what_they_cost():
    model = dense_net(juice(np))
    with pytest.warns(SetupWarning, match=r"'missed'.* take 2 calls of it for each batch\. Write"):
        model.fit(X, DEMAND, epochs=1, batch_size=5, verbose=0)
    model.fit(X, DEMAND, epochs=2, batch_size=5, verbose=0)  # once is enough
    model = mask_net(hidden_from_autograd(juice(np, wide=False)))
    with pytest.warns(SetupWarning, match=r"take 250 calls .*one that gives a figure for each"):
        model.fit(IMAGES, MASKS, epochs=1, batch_size=5, verbose=0)


def test_without_autograd_differences_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd", None)
    model = dense_net(juice(anp))
    with pytest.warns(SetupWarning, match=r"pip install 'fastcnn\[autograd\]'"):
        model.fit(X, DEMAND, epochs=2, verbose=0)
    other = dense_net(juice(anp))
    monkeypatch.undo()
    other.fit(X, DEMAND, epochs=2, verbose=0)
    for key, value in model.get_weights().items():
        np.testing.assert_allclose(value, other.get_weights()[key], rtol=1e-5)


def test_a_trace_that_is_wrong_is_found():
    """A branch on a value that autograd takes for a constant."""

    def half_hidden(y_true, y_pred):
        seen = np.array([[float(getattr(v, "_value", v)) for v in row] for row in y_pred])
        return anp.mean(y_pred * seen, axis=1)

    model = dense_net(half_hidden)
    with pytest.warns(SetupWarning, match="its slope is"):
        model.fit(X, DEMAND, epochs=1, verbose=0)


# ---- training


@pytest.mark.parametrize("numpy_", [anp, np], ids=["autograd", "numpy"])
@pytest.mark.filterwarnings("ignore::fastcnn.errors.SetupWarning")
def test_the_profit_loss_trains_as_with_its_gradient(numpy_):
    def gradient(y_true, y_pred):
        return np.where(y_pred > y_true, COST, -PROFIT)

    models = [dense_net(juice(numpy_)), dense_net(Custom(juice(np), gradient))]
    histories = [m.fit(X, DEMAND, epochs=40, verbose=0).history["loss"] for m in models]
    np.testing.assert_allclose(*histories, rtol=1e-4)
    assert histories[0][-1] < histories[0][0] / 3


def test_one_figure_is_the_mean_of_the_batch():
    mean = lambda y_true, y_pred: ((y_true - y_pred) ** 2).mean()  # noqa: E731
    models = [dense_net(mean), dense_net("mse")]
    histories = [m.fit(X, DEMAND, epochs=3, batch_size=4, verbose=0).history for m in models]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-5)
    assert models[0].evaluate(X, DEMAND)["loss"] == pytest.approx(
        models[1].evaluate(X, DEMAND)["loss"], rel=1e-5
    )
    with pytest.raises(OptionError, match="one figure for a batch, so that weights"):
        models[0].fit(X, DEMAND, epochs=4, sample_weight=np.ones(N), verbose=0)


def test_weights_of_samples_count():
    times = np.arange(N) % 3
    one, many = (dense_net(juice(anp)) for _ in range(2))
    one.fit(X, DEMAND, sample_weight=times * N / times.sum(), batch_size=N, verbose=0)
    many.fit(X.repeat(times, axis=0), DEMAND.repeat(times, axis=0), batch_size=99, verbose=0)
    for key, value in one.get_weights().items():
        np.testing.assert_allclose(value, many.get_weights()[key], rtol=1e-4)


@pytest.mark.parametrize("wide", [True, False], ids=["each", "batch"])
def test_soft_dice_finds_the_masks(wide):
    model = mask_net(soft_dice(anp, wide))
    losses = model.fit(IMAGES, MASKS, epochs=60, batch_size=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2
    assert ((model.predict(IMAGES) > 0.5) == MASKS).mean() > 0.9


@pytest.mark.parametrize("numpy_", [anp, np], ids=["autograd", "numpy"])
@pytest.mark.parametrize("wide", [True, False], ids=["each", "batch"])
def test_a_dice_with_a_threshold_is_told_of_its_soft_form(numpy_, wide):
    soft = soft_dice(numpy_, wide)
    model = mask_net(lambda y_true, y_pred: soft(y_true, y_pred >= 0.5))
    with pytest.warns(SetupWarning, match=r"zero everywhere.*use the soft form"):
        model.fit(IMAGES, MASKS, epochs=1, verbose=0)


def test_a_batch_without_slope_is_no_flat_loss():
    """Every margin is kept, so there is nothing to learn yet."""
    hinge = lambda y_true, y_pred: anp.mean(anp.maximum(0, -9 - y_pred), axis=1)  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dense_net(lambda t, y: hinge(t, y) + anp.mean(anp.maximum(0, y - 0.9), axis=1)).fit(
            X[:2] * 0, DEMAND[:2], verbose=0
        )


def test_labels_are_class_numbers():
    def surprise(y_true, y_pred):
        return -anp.log(y_pred[anp.arange(len(y_true)), y_true])

    model = Sequential([L.Dense(3, activation="softmax")], (6,), seed=1)
    other = Sequential([L.Dense(3, activation="softmax")], (6,), seed=1)
    model.compile("sgd", Custom(surprise, targets="labels"))
    other.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.arange(N) % 3
    histories = [m.fit(X, labels, epochs=3, verbose=0).history["loss"] for m in (model, other)]
    np.testing.assert_allclose(*histories, rtol=1e-5)


def test_bits_do_not_depend_on_threads():
    weights = []
    for threads in (1, 2):
        model = dense_net(juice(anp), threads=threads)
        model.fit(X, DEMAND, epochs=2, batch_size=4, verbose=0)
        weights.append(model.get_weights())
    for key, value in weights[0].items():
        np.testing.assert_array_equal(value, weights[1][key])


# ---- wrong functions


def bad(figures):
    def strange(y_true, y_pred):
        return figures(y_true, y_pred)

    return strange


@pytest.mark.parametrize(
    ("figures", "error", "message"),
    [
        (lambda t, y: (t[:, 0] - y) ** 2, ShapeError, r"'strange' gives \(10, 10\) for 10 samples"),
        (lambda t, y: ((t - y) ** 2)[:3, 0], ShapeError, r"'strange' gives \(3,\)"),
        (lambda t, y: None, OptionError, "'strange' gives no array of numbers, but NoneType"),
        (lambda t, y: "much", OptionError, "'strange' gives no array of numbers, but str"),
        (lambda t, y: [t, [y]], OptionError, "'strange' gives no array of numbers, but list"),
    ],
)
def test_results_that_are_no_figures(figures, error, message):
    for derive in (bad(figures), Custom(bad(figures), lambda t, y: t - y)):
        model = dense_net(derive)
        for action in (model.evaluate, lambda x, y, m=model: m.fit(x, y, verbose=0)):
            with pytest.raises(error, match=message) as caught:
                action(X, DEMAND)
            assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_figures_that_are_no_numbers_name_the_function():
    model = dense_net(bad(lambda t, y: anp.mean(anp.sqrt(-1 - y**2), axis=1)))
    with pytest.raises(OptionError, match=r"the loss 'strange' is nan for the targets"):
        model.evaluate(X, DEMAND)
    with (
        warnings.catch_warnings(),
        pytest.raises(DivergedError, match=r"became nan.*the loss 'strange' is nan for"),
    ):
        warnings.simplefilter("ignore", SetupWarning)
        model.fit(X, DEMAND, verbose=0)


def test_slopes_that_are_no_numbers_name_the_function():
    model = dense_net(Custom(bad(juice(np)), lambda t, y: y * np.nan))
    with pytest.raises(OptionError, match="gradient of the loss 'strange' is no finite number"):
        model.fit(X, DEMAND, verbose=0)


def test_an_error_of_the_function_comes_out_as_it_is():
    def fails(y_true, y_pred):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        dense_net(fails).fit(X, DEMAND, verbose=0)


def test_a_registered_loss_needs_no_gradient():
    class Square(PythonLoss):
        def function(self, y_true, y_pred):
            return ((y_true - y_pred) ** 2).mean(axis=1)

    models = [dense_net(Square()), dense_net("mse")]
    histories = [m.fit(X, DEMAND, epochs=3, verbose=0).history["loss"] for m in models]
    np.testing.assert_allclose(*histories, rtol=1e-5)


# ---- files


def test_a_file_does_not_hold_the_function_and_saving_says_so(tmp_path):
    loss, path = Custom(juice(anp)), tmp_path / "model.safetensors"
    model = dense_net(loss)
    model.fit(X, DEMAND, verbose=0)
    with pytest.warns(UserWarning, match=r"will not hold the loss 'missed', a function"):
        model.save(path)
    model.save(path)  # said once
    again = fastcnn.load_model(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    with pytest.raises(OptionError, match=r"'missed'.*load_model\(path, loss=...\)"):
        again.fit(X, DEMAND, epochs=2, verbose=0)
    again = fastcnn.load_model(path, loss=juice(anp))
    histories = [m.fit(X, DEMAND, epochs=3, verbose=0).history["loss"] for m in (model, again)]
    assert histories[0] == histories[1]


def test_checkpoints_say_it_once(tmp_path):
    model = dense_net(Custom(juice(anp)))
    keep = {
        "name": "model_checkpoint",
        "filepath": str(tmp_path / "m.safetensors"),
        "monitor": "loss",
    }
    with pytest.warns(UserWarning, match="will not hold") as heard:
        model.fit(X, DEMAND, epochs=3, callbacks=[keep], verbose=0)
    assert len(heard) == 1
