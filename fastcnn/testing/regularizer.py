"""The check for regularizers."""

from functools import partial
from typing import Any

import numpy as np

from fastcnn.engine.regularizer import penalty_value
from fastcnn.kernels.backends import available_backends
from fastcnn.model import Model
from fastcnn.plugins.registry import layers, regularizers
from fastcnn.testing.differences import check_gradient
from fastcnn.testing.registered import case, checking, options_of
from fastcnn.testing.training import LOGITS, check_training, data_for, small_model

RATE = 1e-3
TOLERANCE = 1e-5


def check_regularizer(regularizer: Any) -> None:
    """Raise an AssertionError that says what is wrong with a regularizer.

    regularizer: a name, {"name": ..., option: ...} or an object. It is put on kernels of a
    convolution and a dense layer.

    - the penalty is in the loss; a step of SGD moves by its gradient, in float64 on the reference
      backend, which central differences of the penalty confirm
    - native, Numba and reference give the same penalty; reading it changes no parameter
    - training has the same bits on any number of threads, and if saved and resumed after 25 steps
    """
    with checking(regularizers, regularizer) as made:
        options = options_of(made)
        model = partial(_model, options)
        with case("gradient"):
            _check_gradient(options)
        _check_value(model)
        check_training(model)


def _model(regularizer: Any, **options: Any) -> Model:
    conv = layers.get("conv2d")(4, (3, 2), kernel_regularizer=regularizer)
    dense = layers.get("dense")(5, kernel_regularizer=regularizer)
    return small_model(conv, layers.get("flatten")(), dense, **options)


def _check_value(model: Any) -> None:
    values = {}
    for backend in available_backends():
        with case(f"penalty on {backend}"):
            made = model(backend=backend)
            before = made.get_weights()
            values[backend] = penalty_value(made.store, backend)
            after = made.get_weights()
            assert all(np.array_equal(after[k], before[k]) for k in before), "changes parameters"
            error = abs(values[backend] - values.get("native", values[backend]))
            assert error <= TOLERANCE * max(1, abs(values[backend])), f"differs: {values}"


def _check_gradient(options: dict[str, Any]) -> None:
    """One step of SGD with the penalty, and one without."""
    exact = {"backend": "reference", "dtype": "float64"}
    penalised, plain = _model(options, **exact), _model(None, **exact)
    start = penalised.get_weights()
    losses = [_step(model) for model in (penalised, plain)]
    ends = [model.store.copies() for model in (penalised, plain)]  # as they lie
    penalised.set_weights(start)
    penalty = penalty_value(penalised.store, "reference")
    assert abs(losses[0] - losses[1] - penalty) <= 1e-9 * max(1, abs(penalty)), (
        f"the loss rises by {losses[0] - losses[1]:.9g}, the penalty is {penalty:.9g}"
    )
    for key in ("conv2d/kernel", "dense/kernel"):
        gradient = (ends[1][key] - ends[0][key]) / RATE
        value = partial(penalty_value, penalised.store, "reference")
        check_gradient(repr(key), value, penalised.store.value(key), gradient)


def _step(model: Model) -> float:
    """The loss before one step of SGD with all samples."""
    (x,), y = data_for(model)
    model.compile({"name": "sgd", "learning_rate": RATE}, LOGITS)
    loss = model.evaluate(x, y)["loss"]
    model.fit(x, y, batch_size=len(x), verbose=0)
    return loss
