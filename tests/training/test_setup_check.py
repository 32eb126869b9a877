"""Ends of networks, losses and targets that do not fit: an error, or a warning, with the remedy."""

import warnings

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential
from fastcnn import layers as L
from fastcnn.errors import DivergedError, OptionError, SetupWarning
from fastcnn.plugins.registry import activations, losses, make

N = 12
X = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
CLASSES, YES = np.arange(N) % 4, np.arange(N) % 2
ONE_HOT = np.eye(4)[CLASSES]
LOGITS = {"from_logits": True}
SPARSE, CATEGORICAL, BINARY = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
)


def net(units, activation, loss):
    model = Sequential([L.Dense(units, activation=activation)], (6,), seed=1)
    model.compile("adam", loss)
    return model


def said(model, y, x=X):
    """(E: an error, w: a warning, .: nothing; what was said)"""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            losses = model.fit(x, y, verbose=0).history["loss"]
        except OptionError as error:
            return "E", str(error)
    assert np.isfinite(losses).all()
    assert all(issubclass(w.category, SetupWarning) for w in heard)
    assert all(w.filename == __file__ for w in heard), "the warning points into the library"
    return ("w", str(heard[0].message)) if heard else (".", "")


ENDS = ("linear", "relu", "softplus", "tanh", "sigmoid", "softmax", "log_softmax")
TABLE = {  # of 4 outputs; one letter for each of ENDS
    (SPARSE, False): "EEwEw.E",
    (SPARSE, True): ".w.www.",
    (CATEGORICAL, False): "EEwEw.E",
    (CATEGORICAL, True): ".w.www.",
    ("categorical_focal_crossentropy", False): "EEwEw.E",
    ("categorical_focal_crossentropy", True): ".w.www.",
    (BINARY, False): "EEEE.wE",
    (BINARY, True): ".wwwwww",
    ("binary_focal_crossentropy", False): "EEEE.wE",
    ("binary_focal_crossentropy", True): ".wwwwww",
    ("hinge", False): ".ww.www",
    ("squared_hinge", False): ".ww.www",
    ("categorical_hinge", False): ".......",
    ("multi_class_hinge", False): ".......",
    ("kl_divergence", False): "EEEEw.E",
    ("dice", False): "EEEE..E",
    ("poisson", False): "E..E..E",
    ("mean_squared_logarithmic_error", False): "w..w..w",
    ("cosine_similarity", False): ".......",
    ("mean_squared_error", False): "......w",
    ("mean_absolute_error", False): "......w",
    ("huber", False): "......w",
    ("log_cosh", False): "......w",
    ("mean_absolute_percentage_error", False): "wwwwwww",  # some targets are 0
}


def test_every_loss_is_in_the_table():
    assert {name for name, _ in TABLE} == set(losses.names())
    with_logits = {name for name in losses.names() if hasattr(make(losses, name), "from_logits")}
    assert {name for name, logits in TABLE if logits} == with_logits


@pytest.mark.parametrize(("name", "logits"), TABLE, ids=str)
def test_ends_and_losses(name, logits):
    loss = {"name": name, **(LOGITS if logits else {})}
    y = CLASSES if make(losses, loss).targets == "labels" else ONE_HOT
    found = [said(net(4, end, loss), y) for end in ENDS]
    assert "".join(letter for letter, _ in found) == TABLE[name, logits]
    for end, (letter, text) in zip(ENDS, found, strict=True):
        assert letter == "." or name in text or end in text


@pytest.mark.parametrize("loss", losses.names())
@pytest.mark.parametrize("end", ["softmax", "log_softmax"])
def test_a_softmax_of_one_unit_is_an_error_with_every_loss(loss, end):
    labels = make(losses, loss).targets == "labels"
    letter, text = said(net(1, end, loss), YES if labels else YES[:, None])
    assert (letter, "there is only 1" in text) == ("E", True)


@pytest.mark.parametrize("loss", [SPARSE, CATEGORICAL, "multi_class_hinge", "kl_divergence"])
def test_classes_need_more_than_one_unit(loss):
    letter, text = said(net(1, "sigmoid", loss), YES * 0)
    assert (letter, "binary_crossentropy" in text) == ("E", True)


def test_an_end_of_slope_0_is_an_error():
    assert said(net(4, "threshold", SPARSE), CLASSES)[0] == "E"


def test_remedies():
    for end, loss, remedy in (
        ("relu", SPARSE, 'activation="softmax", or end with a linear layer and give the loss from'),
        ("linear", SPARSE, 'activation="softmax", or give the loss from_logits=True'),
        ("linear", "kl_divergence", 'end with activation="softmax"'),
        ("linear", BINARY, 'activation="sigmoid", or give the loss from_logits=True'),
        ("tanh", "poisson", 'activation="softplus"'),
        ("softmax", {"name": SPARSE, **LOGITS}, "a linear layer, or give the loss from_logits=F"),
        ("sigmoid", SPARSE, "several classes, take the loss binary_crossentropy"),
        ("softmax", BINARY, "use categorical_crossentropy where a sample has one class"),
    ):
        y = CLASSES if loss == SPARSE or isinstance(loss, dict) else ONE_HOT
        assert remedy in said(net(4, end, loss), y)[1], (end, loss)


@pytest.mark.parametrize(
    ("units", "end", "loss", "y", "letter", "text"),
    [
        (1, "sigmoid", BINARY, YES, ".", ""),
        (1, "sigmoid", BINARY, YES > 0, ".", ""),
        (1, "sigmoid", BINARY, YES * 0.5, ".", ""),
        (1, "sigmoid", BINARY, YES * 255, "E", "divide them by 255"),
        (1, "sigmoid", BINARY, YES * 2 - 1, "E", "(targets + 1) / 2, or the loss hinge"),
        (1, "sigmoid", BINARY, YES + 1, "E", "write 0 and 1 for 1 and 2"),
        (1, "sigmoid", BINARY, CLASSES, "E", "for 4 classes take 4 units"),
        (1, "sigmoid", BINARY, YES * 1.5, "E", "bring them to 0..1"),
        (1, "linear", {"name": BINARY, **LOGITS}, YES * 255, "E", "divide them by 255"),
        (4, "sigmoid", BINARY, CLASSES, ".", ""),
        (4, "softmax", CATEGORICAL, ONE_HOT * 255, "E", "divide them by 255"),
        (4, "softmax", CATEGORICAL, ONE_HOT * 2 - 1, "E", "(targets + 1) / 2"),
        (4, "softmax", CATEGORICAL, np.ones((N, 4)), "w", "sum to 4 (12 of 12 samples)"),
        (4, "softmax", CATEGORICAL, ONE_HOT * (YES[:, None] > 0), "w", "sample 0 sum to 0 (6 of"),
        (4, "softmax", CATEGORICAL, np.full((N, 4), 0.25), ".", ""),
        (4, "softmax", "kl_divergence", np.ones((N, 4)), "w", "sum to 4"),
        (1, "tanh", "hinge", YES, ".", ""),
        (1, "tanh", "hinge", YES * 2 - 1, ".", ""),
        (1, "tanh", "hinge", YES * 255, "E", "divide them by 255"),
        (1, "tanh", "squared_hinge", YES * 0.5, "w", "takes the targets -1 or 1"),
        (1, "softplus", "poisson", YES - 1, "E", "targets from 0 up"),
        (1, "softplus", "mean_squared_logarithmic_error", YES - 1, "E", "targets from 0 up"),
        (1, "sigmoid", "dice", YES * 255, "E", "divide them by 255"),
        (1, "linear", "mean_absolute_percentage_error", YES + 1, ".", ""),
        (1, "linear", "mean_absolute_percentage_error", YES, "w", "of which 6 are 0"),
        (1, "linear", "mse", YES * 1e3, ".", ""),
        (1, "sigmoid", "mse", YES, ".", ""),
        (1, "sigmoid", "mse", CLASSES, "w", "they can't reach"),
        (1, "tanh", "huber", YES * 2, "w", "they can't reach"),
        (1, "relu", "mae", YES - 1.0, "w", "they can't reach"),
        (1, "relu", "mae", YES * 9.0, ".", ""),
        (1, "relu6", "mae", YES * 9.0, "w", "they can't reach"),
        (1, "linear", "cosine_similarity", YES, "E", "compares the units"),
        (4, "softmax", "mse", ONE_HOT, ".", ""),
    ],
)
def test_targets(units, end, loss, y, letter, text):
    found = said(net(units, end, loss), y)
    assert found[0] == letter
    assert text in found[1]


def test_what_follows_the_activation_is_looked_through():
    """Layers that move numbers or take means keep what is known; others end it."""
    x = np.random.default_rng(0).normal(size=(N, 4, 4, 2)).astype(np.float32)
    for after, letter in (
        ([L.GlobalAveragePooling2D()], "."),
        ([L.Flatten(), L.Dense(4, activation="sigmoid"), L.Flatten()], "w"),
        ([L.Activation("tanh"), L.GlobalMaxPooling2D()], "E"),
        ([L.Rescaling(0.5), L.GlobalAveragePooling2D()], "."),  # it is not known
        ([L.Conv2D(2, 1, activation="tanh"), L.Reshape((8,))], "E"),
    ):
        stack = [L.Conv2D(4, 3), L.Softmax(), *after]
        model = Sequential(stack, (4, 4, 2), seed=1)
        model.compile("adam", SPARSE)
        assert said(model, CLASSES, x)[0] == letter, after


def test_images_of_one_channel_are_no_softmax():
    x = np.random.default_rng(0).normal(size=(N, 4, 4, 2)).astype(np.float32)
    mask = (x[..., :1] > 0).astype(float)
    for end, loss, y, letter in (
        ("softmax", BINARY, mask, "E"),
        ("sigmoid", BINARY, mask, "."),
        ("sigmoid", BINARY, mask * 255, "E"),
        ("sigmoid", CATEGORICAL, mask, "E"),
        ("sigmoid", "dice", mask, "."),
    ):
        model = Sequential([L.Conv2D(1, 3, padding="same", activation=end)], (4, 4, 2), seed=1)
        model.compile("adam", loss)
        assert said(model, y, x)[0] == letter, (end, loss)
    model = Sequential([L.Conv2D(2, 3, padding="same", activation="softmax")], (4, 4, 2), seed=1)
    model.compile("adam", CATEGORICAL)
    assert said(model, np.concatenate([mask, 1 - mask], axis=-1), x)[0] == "."


def test_outputs_are_named_and_those_without_weight_are_left_alone():
    start = Input((6,))
    outputs = [
        L.Dense(4, activation="softmax", name="kind")(start),
        L.Dense(1, activation="softmax", name="size")(start),
    ]
    model = Model(start, outputs)
    model.compile("adam", [SPARSE, "mse"])
    assert "'size'" in said(model, [CLASSES, YES])[1]
    model.compile("adam", [SPARSE, "mse"], loss_weights=[1, 0])
    assert said(model, [CLASSES, YES])[0] == "."


def test_evaluate_and_predict_take_any_end():
    model = net(4, "relu", SPARSE)
    model.predict(X)
    model.evaluate(X, CLASSES)


def test_bounds_of_activations_depend_on_their_options():
    for options, bounds, stops in (
        ({"name": "relu"}, (0, np.inf), True),
        ({"name": "relu", "negative_slope": 0.1}, (-np.inf, np.inf), False),
        ({"name": "relu", "max_value": 6}, (0, 6), True),
        ({"name": "leaky_relu", "negative_slope": 0}, (0, np.inf), True),
        ({"name": "elu", "alpha": 2}, (-2, np.inf), False),
    ):
        values = make(activations, options).output_values
        assert (values.bounds, values.stops) == (bounds, stops), options


def test_a_loss_that_is_no_number_blames_set_up_and_data_before_the_learning_rate():
    wild, tame = X * 100, X / 10
    for x, y, rate, end, loss, cause in (
        (wild, X[:, 0], 1e3, "linear", "mse", "the inputs go up to"),
        (tame, X[:, 0] * 1e4, 1e20, "linear", "mse", "the targets of 'dense_2' go up to"),
        (tame, X[:, 0] - 9, 1e25, "relu", "mse", "which they can't reach"),
        (tame, X[:, 0], 1e25, "linear", "mse", "batch 2: try a smaller learning rate than 1e+25"),
    ):
        stack = [L.Dense(8), L.Dense(8), L.Dense(1, activation=end)]
        model = Sequential(stack, (6,), seed=1)
        model.compile({"name": "sgd", "learning_rate": rate}, loss)
        with warnings.catch_warnings(), pytest.raises(DivergedError, match=r".") as caught:
            warnings.simplefilter("ignore", SetupWarning)
            model.fit(x, y, epochs=20, batch_size=4, verbose=0)
        assert cause in str(caught.value)
        assert "try a smaller learning rate" in str(caught.value)


def test_a_right_set_up_blames_the_learning_rate_alone():
    model = Sequential([L.Dense(8), L.Dense(4, activation="softmax")], (6,), seed=1)
    model.compile({"name": "sgd", "learning_rate": 1e30}, SPARSE)
    with pytest.raises(DivergedError, match=r"batch \d+: try a smaller learning rate than 1e\+30$"):
        model.fit(X, CLASSES, epochs=20, batch_size=4, verbose=0)


def test_batches_are_looked_at_too():
    model = net(4, "sigmoid", SPARSE)
    with pytest.warns(SetupWarning, match="do not sum to 1") as heard:
        model.train_on_batch(X, CLASSES)
        model.train_on_batch(X, CLASSES)
    assert len(heard) == 1 and heard[0].filename == __file__
    with pytest.raises(OptionError, match="softmax"):
        net(4, "relu", SPARSE).train_on_batch(X, CLASSES)
    with pytest.raises(OptionError, match="divide them by 255"):
        net(1, "sigmoid", BINARY).fit(lambda: iter([(X, YES * 255)]), verbose=0)
    model = net(1, "linear", "mse")
    model.compile({"name": "sgd", "learning_rate": 1e30}, "mse")
    with pytest.raises(DivergedError, match="the targets of 'dense' go up to"):
        for _ in range(5):
            model.train_on_batch(X, YES * 1e4)
