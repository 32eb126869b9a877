"""The doors of the package, each with arguments of the wrong type or kind: errors of fastcnn's own
say in one line what came and what is wanted."""

import inspect
import math
import warnings

import numpy as np
import pytest

import fastcnn
from fastcnn import CNNClassifier, CNNRegressor, Input, Model, Sequential, datasets, features
from fastcnn.arguments import checked, kind_of
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.views import Views
from fastcnn.errors import FastcnnError, OptionError
from fastcnn.layers import Conv2D, Dense, Dropout
from fastcnn.optimizers import Adam
from tests.test_wrong_options import WRONG

X, Y = np.zeros((4, 6), np.float32), np.array([0, 1, 0, 1])


@pytest.fixture(scope="module")
def model():
    made = Sequential([Dense(3, name="first"), Dense(2, activation="softmax")], input_shape=(6,))
    made.compile("sgd")
    return made


DOORS = {
    "Conv2D(filters=2.5)": (lambda m: Conv2D(2.5, 3), "filters must be a whole number, not 2.5"),
    "Conv2D(strides=0)": (lambda m: Conv2D(2, 3, strides=0), "strides must be a positive integer"),
    "Conv2D(2**63)": (lambda m: Conv2D(2, 3, strides=2**63), "strides must be a whole number or"),
    "Conv2D('sme')": (lambda m: Sequential([Conv2D(2, 3, padding="sme")], (8, 8, 1)), "'sme'"),
    "Dense('10')": (lambda m: Dense("10"), "Dense: units must be a whole number, not '10'"),
    "Dense()": (lambda m: Dense(), "Dense: missing a required argument: 'units'"),
    "Dense(unit)": (
        lambda m: Dense(unit=3),
        "Dense 'unit'; did you mean 'units'",
    ),
    "Dense(True)": (lambda m: Dense(True), "units must be a whole number, not True"),
    "Dropout(1.5)": (lambda m: Dropout(1.5), "not 1.5"),
    "Adam('x')": (
        lambda m: Adam(learning_rate=[1]),
        "learning_rate must be a positive number, not",
    ),
    "Adam(-1)": (lambda m: Adam(-1.0), "learning_rate must be a positive number, not -1"),
    "Adam(nan)": (lambda m: Adam(beta_1=math.nan), "beta_1 must be a finite number, not nan"),
    "Input(5)": (lambda m: Input(5), "an input shape is a tuple of integers, not 5"),
    "Input(())": (lambda m: Input(()), "an input shape has one axis"),
    "Sequential(3)": (lambda m: Sequential(3), "Sequential: layers must be a list, not 3"),
    "Sequential([3])": (lambda m: Sequential([3]), "takes a layer, not 3"),
    "Sequential(seed)": (lambda m: Sequential([], seed="x"), "seed must be a whole number"),
    "Sequential(dtype)": (lambda m: Sequential([Dense(2)], (3,), dtype=5), "dtype must be a text"),
    "Sequential(seeds)": (lambda m: Sequential([], sed=1), "did you mean 'seed'"),
    "Model(1, 2)": (lambda m: Model(1, 2), "tensors that begin at fastcnn.Input"),
    "compile(5)": (lambda m: m.compile(5), "optimizer must be a name, a table or"),
    "compile('adm')": (lambda m: m.compile("adm"), "did you mean 'adam'"),
    "compile(loss=5)": (lambda m: m.compile("sgd", 5), "loss must be a name, a table"),
    "compile(loss=None)": (lambda m: m.compile("sgd", None), "loss must be a name"),
    "compile(metrics=5)": (lambda m: m.compile("sgd", metrics=5), "metrics must be a list, not 5"),
    "compile(fuse='x')": (lambda m: m.compile("sgd", fuse="x"), "fuse must be True or False"),
    "set_weights(list)": (
        lambda m: m.set_weights(list(m.get_weights().values())),
        r"weights must be a table \{name: value\}, not a list of 4 arrays",
    ),
    "set_weights(array)": (lambda m: m.set_weights(X), "not an array of shape"),
    "set_weights(other)": (lambda m: m.set_weights({"x": 1}), "first/kernel"),
    "set_weights(texts)": (
        lambda m: m.set_weights(dict.fromkeys(m.get_weights(), "x")),
        "the weights of 'first/.*' must be numbers, not 'x'",
    ),
    "get_layer(1.5)": (lambda m: m.get_layer(index=1.5), "index must be a whole number or None"),
    "get_layer('frist')": (lambda m: m.get_layer("frist"), "did you mean 'first'"),
    "save(5)": (lambda m: m.save(5), "path must be a text or a path, not 5"),
    "plot(None)": (lambda m: m.plot(None), "path must be a text or a path, not None"),
    "load_model(5)": (lambda m: fastcnn.load_model(5), "path must be a text or a path"),
    "load_baseline(5)": (lambda m: fastcnn.load_baseline(5), "path must be a text or a path"),
    "load_dataset(5)": (lambda m: datasets.load_dataset(5), "must be a text or a path, not 5"),
    "fit(epochs=2.5)": (
        lambda m: m.fit(X, Y, epochs=2.5),
        "epochs must be a whole number, not 2.5",
    ),
    "fit(batch_size=16.0)": (lambda m: m.fit(X, Y, batch_size=16.0), "batch_size must be a whole"),
    "fit(x, y, 32)": (lambda m: m.fit(X, Y, 32), "too many positional arguments; it takes x, y,"),
    "fit(batch=)": (lambda m: m.fit(X, Y, batch=32), "unknown option of Model.fit 'batch'"),
    "callbacks=5": (lambda m: m.fit(X, Y, callbacks=5), "callbacks must be a list or None, not 5"),
    "patience='x'": (
        lambda m: m.fit(X, Y, callbacks=[{"name": "early_stopping", "patience": "x"}]),
        "patience must be a whole number, not 'x'",
    ),
    "scheduler None": (
        lambda m: m.fit(
            X, Y, verbose=0, callbacks=[fastcnn.callbacks.LearningRateScheduler(lambda epoch: None)]
        ),
        "schedule must return a positive number, not None, for epoch 0",
    ),
    "Augment(5)": (lambda m: Augment(5), "augmentations must be a list, not 5"),
    "Views(flip=1)": (lambda m: Views(flip=1), "flip must be True or False, not 1"),
    "compare(seed)": (
        lambda m: fastcnn.compare_models("digits", ["knn"], seed="x"),
        "seed must be a whole number, not 'x'",
    ),
    "compare(models)": (lambda m: fastcnn.compare_models("digits", 5), "models must be a list or"),
    "compare(sizes)": (
        lambda m: fastcnn.compare_models("digits", ["knn"], sizes=5),
        "sizes must be a list of whole numbers or None, not 5",
    ),
}


@pytest.mark.parametrize(("use", "words"), DOORS.values(), ids=DOORS)
def test_what_came_and_what_is_wanted(model, use, words):
    with pytest.raises(FastcnnError, match=words) as caught:
        use(model)
    assert "\n" not in str(caught.value)


def test_none_is_no_metric_and_no_callback(model):
    model.compile("sgd", metrics=None)
    model.fit(X, Y, verbose=0, callbacks=None)


ESTIMATORS = {
    "classifier": (CNNClassifier, {"layers": "dense 2", "epochs": 1}),
    "regressor": (CNNRegressor, {"layers": "dense 2", "epochs": 1}),
    "baseline": (fastcnn.BaselineClassifier, {"baseline": "knn"}),
    "HOG": (features.HOG, {}),
    "ColorHistogram": (features.ColorHistogram, {}),
    "ImageScaler": (features.ImageScaler, {}),
    "Resize": (features.Resize, {"size": 8}),
    "Augment": (features.Augment, {"augmentations": ["flip"]}),
}


@pytest.mark.parametrize(("cls", "options"), ESTIMATORS.values(), ids=ESTIMATORS)
def test_estimators_are_checked_when_they_are_fitted(cls, options):
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (8, 8, 8, 3)).astype(np.uint8), np.arange(8) % 2
    raw = []
    for name in inspect.signature(cls).parameters:
        for value in WRONG:
            estimator = cls(**{**options, name: value})  # only stores
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    fitted = estimator.fit(x, y)
                    if hasattr(fitted, "transform"):
                        fitted.transform(x)
            except FastcnnError as error:
                if "\n" in str(error):
                    raw.append(f"{name}: {error}")
            except Exception as error:
                raw.append(f"{name}={type(value).__name__}: {type(error).__name__}: {error}"[:160])
    assert not raw, "\n".join(raw)


@pytest.mark.parametrize(
    ("annotation", "right", "wrong"),
    [
        (int, [0, -3, np.int8(3)], [True, 2.0, "3", None, 2**31, np.zeros(1)]),
        (float, [0, 2.5, np.float32(1)], [True, math.nan, math.inf, "1", 10**400, [1.0]]),
        (bool, [True, np.True_], [0, 1, "True", None]),
        (str, ["", "x"], [b"x", 1, None]),
        (int | None, [None, 3], [2.5, "x"]),
        (tuple[int, ...], [(), [1, 2], (1,), np.array([1])], [1, "12", [1.5], [[1]]]),
        (tuple[int, int], [(1, 2), [3, 4]], [(1,), (1, 2, 3), 1]),
        (str | tuple[int, int], ["same", (1, 2)], [None, (1, "x")]),
        (dict[str, float], [{}], [[], None]),
        ("unknown", [1, None, "x"], []),
    ],
    ids=str,
)
def test_kinds(annotation, right, wrong):
    kind = kind_of(annotation)
    assert all(kind.allows(value) for value in right)
    assert not any(kind.allows(value) for value in wrong)


def test_what_a_function_does_not_take():
    @checked
    def half(number: int, *, of: float = 1.0) -> float:
        """Doc."""
        return of / number

    assert half(2) == 0.5 and half.__doc__ == "Doc."
    with pytest.raises(ZeroDivisionError):  # what it does is not judged
        half(0)
    with pytest.raises(OptionError, match="unknown option of half 'off'; did you mean 'of'"):
        half(2, off=3)
    with pytest.raises(OptionError, match="half: too many positional arguments"):
        half(2, 3)
