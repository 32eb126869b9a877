"""Integers of any type are taken by value, SciPy's sparse matrices as the arrays they mean."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastcnn import CNNClassifier, CNNRegressor, Input, Model, Sequential
from fastcnn.data import samples
from fastcnn.errors import DataError
from fastcnn.layers import Concatenate, Conv1D, Dense, Flatten

X = np.random.default_rng(0).integers(0, 4, (24, 6))
Y = np.arange(24) % 2
FORMS = [sp.csr_matrix, sp.csc_array, sp.coo_matrix, sp.lil_matrix, sp.csr_array]
TYPES = [np.int64, np.int32, np.uint16, np.int8, np.float64, bool]


def vectors():
    return Sequential([Dense(4, activation="relu"), Dense(2, activation="softmax")], seed=1)


def sequences():
    x = Input((6, 1))
    y = Flatten()(Conv1D(4, 3, activation="relu")(x))
    return Model(x, Dense(2, activation="softmax")(y), seed=1)


def outcome(model, x, **options):
    """Weights after an epoch, outputs and figures."""
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(x, Y, epochs=1, batch_size=8, verbose=0, **options)
    return history.history["loss"], model.predict(x), model.evaluate(x, Y)["loss"]


def same(a, b):
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("make", [vectors, sequences])
def test_numbers_by_value(dtype, make):
    x = X.astype(dtype)[..., None] if make is sequences else X.astype(dtype)
    same(outcome(make(), x), outcome(make(), x.astype(np.float32)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.uint8])
def test_sparse(form, dtype):
    dense = X.astype(dtype)
    expected = outcome(vectors(), dense, validation_split=0.25)
    same(outcome(vectors(), form(dense), validation_split=0.25), expected)


def test_sparse_beside_dense():
    a, b = Input((6,)), Input((6,))
    model = Model([a, b], Dense(2, activation="softmax")(Concatenate()([a, b])))
    x = X.astype(np.float32)
    np.testing.assert_array_equal(model.predict([sp.csr_matrix(x), x]), model.predict([x, x]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("estimator", [CNNClassifier, CNNRegressor])
def test_estimators(form, estimator):
    made = estimator(epochs=1, random_state=0, early_stopping=True).fit(form(X), Y)
    assert made.n_features_in_ == 6
    dense = estimator(epochs=1, random_state=0, early_stopping=True).fit(X, Y)
    np.testing.assert_array_equal(made.predict(form(X)), dense.predict(X))
    with pytest.raises(ValueError, match="7 features"):
        made.predict(form(np.ones((2, 7))))


def test_a_matrix_that_does_not_fit_in_memory(monkeypatch):
    monkeypatch.setattr(samples, "physical_memory", lambda: 1000)
    model = vectors()
    model.predict(sp.csr_matrix(X[:20]).astype(np.float32))
    with pytest.raises(DataError, match=r"x: a sparse matrix \(24, 6\) becomes an array of"):
        model.predict(sp.csr_matrix(X))
    with pytest.raises(DataError, match="more than half of the memory"):
        CNNClassifier(epochs=1).fit(sp.csr_matrix(X), Y)
