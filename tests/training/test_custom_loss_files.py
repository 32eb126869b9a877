"""Models with losses that are functions: what a file says, and what loading asks for."""

import numpy as np
import pytest

import fastcnn
from fastcnn import load_model
from fastcnn.errors import OptionError
from tests.plugins.test_losses import half_square, half_square_gradient, quadrants, regression

X, LABELS = quadrants(30)
Y = np.eye(4)[LABELS]


@pytest.fixture
def saved(tmp_path):
    model = regression(fastcnn.losses.Custom(half_square, half_square_gradient))
    model.fit(X, Y, epochs=1, verbose=0)
    with pytest.warns(UserWarning, match="will not hold the loss 'half_square'"):
        model.save(tmp_path / "model.safetensors")
    return model, tmp_path / "model.safetensors"


def test_without_the_function_a_model_predicts_and_says_what_is_missing(saved):
    model, path = saved
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for action in (again.evaluate, lambda x, y: again.fit(x, y, epochs=2, verbose=0)):
        with pytest.raises(OptionError, match=r"'half_square'.*load_model\(path, loss=...\)"):
            action(X, Y)
    again.compile("sgd", "mse")
    assert again.evaluate(X, Y)["loss"] == pytest.approx(model.evaluate(X, Y)["loss"], rel=1e-5)


def test_with_the_function_training_goes_on_as_if_it_had_not_stopped(saved):
    model, path = saved
    again = load_model(path, loss=model.loss)
    histories = [m.fit(X, Y, epochs=3, verbose=0).history["loss"] for m in (model, again)]
    assert histories[0] == histories[1]
    for key, value in model.get_weights().items():
        assert np.array_equal(value, again.get_weights()[key])
