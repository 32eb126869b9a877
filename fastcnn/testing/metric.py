"""The check for metrics."""

import json
from typing import Any

import numpy as np

from fastcnn.errors import DataError
from fastcnn.plugins.registry import metrics
from fastcnn.testing.registered import case, checking, options_of
from fastcnn.testing.training import Course, data_for, small_model

TOLERANCE = 1e-5


def check_metric(metric: Any) -> None:
    """Raise an AssertionError that says what is wrong with a metric.

    metric: a name, {"name": ..., option: ...} or an object.

    - on class numbers or on targets (N, K), or on both: a finite float or, if it is not `scalar`,
      lists that JSON can hold
    - the same of float32 and float64, strided and read-only arrays, which are not changed, and of
      the samples in another order
    - a model that was compiled with it reports it under its name, as of its predictions
    """
    with checking(metrics, metric) as made:
        kinds, refusals = [], []
        for kind, y_true, y_pred in _data():
            try:
                made(y_true, y_pred)
                kinds.append(kind)
            except DataError as error:
                refusals.append(str(error))
                continue
            with case(kind):
                _check_values(made, y_true, y_pred)
        assert kinds, f"it takes neither class numbers nor targets (N, K): {'; '.join(refusals)}"
        _check_in_model(made, "class numbers" if "class numbers" in kinds else "targets (N, K)")


def _data() -> list[tuple[str, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 3
    scores = rng.uniform(0.05, 1, (40, 3)) + 0.3 * np.eye(3)[labels]
    return [("class numbers", labels, scores), ("targets (N, K)", np.eye(3)[labels], scores)]


def _check_values(made: Any, y_true: np.ndarray, y_pred: np.ndarray) -> None:
    y_true, y_pred = y_true.copy(), y_pred.astype(np.float32).astype(np.float64)
    for array in (y_true, y_pred):
        array.flags.writeable = False
    value = made(y_true, y_pred)
    if made.scalar:
        assert type(value) is float and np.isfinite(value), f"a float, not {value!r}"
    else:
        json.dumps(value, allow_nan=False)
    order = np.random.default_rng(1).permutation(len(y_true))
    others = {
        "float32": (y_true, y_pred.astype(np.float32)),
        "strided arrays": (np.repeat(y_true, 2, axis=0)[::2], np.asfortranarray(y_pred)),
        "another order of the samples": (y_true[order], y_pred[order]),
    }
    for name, arrays in others.items():
        with case(name):
            np.testing.assert_allclose(made(*arrays), value, rtol=TOLERANCE, atol=1e-9)


def _check_in_model(made: Any, kind: str) -> None:
    loss = "sparse_categorical_crossentropy" if kind == "class numbers" else "mean_squared_error"
    name = made.registered_name
    course = Course("sgd", loss, [options_of(made)])
    model = course.compile(small_model(activation="softmax"))
    course.fit(model, epochs=1)
    (x,), y = data_for(model)
    with case("in a model"):
        assert (name in model.history.history) == made.scalar, "the history: scalars, nothing else"
        expected = made(y, model.predict(x))
        np.testing.assert_allclose(model.evaluate(x, y)[name], expected, rtol=TOLERANCE, atol=1e-9)
