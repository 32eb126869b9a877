"""CNNRegressor on images."""

import numpy as np
import pytest

from fastcnn import CNNRegressor
from tests.estimators.cases import NET

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((100, 8, 8), np.float32)
MEANS = np.stack([IMAGES[:, :4].mean((1, 2)), IMAGES[:, 4:].mean((1, 2))], axis=1) * 10 - 5


def regressor(**options):
    optimizer = {"name": "adam", "learning_rate": 0.01}
    return CNNRegressor(
        **{"layers": NET, "epochs": 40, "random_state": 0, "optimizer": optimizer, **options}
    )


def test_one_number():
    model = regressor().fit(IMAGES, MEANS[:, 0])
    assert model.predict(IMAGES).shape == (100,)
    assert model.score(IMAGES, MEANS[:, 0]) > 0.6


def test_two_numbers_of_images_with_channels():
    model = regressor().fit(IMAGES[..., None], MEANS)
    assert model.predict(IMAGES[..., None]).shape == (100, 2)
    assert model.score(IMAGES[..., None], MEANS) > 0.6


def test_a_column_is_one_number():
    column = regressor(epochs=2).fit(IMAGES, MEANS[:, :1])
    flat = regressor(epochs=2).fit(IMAGES, MEANS[:, 0])
    np.testing.assert_array_equal(column.predict(IMAGES), flat.predict(IMAGES))


def test_partial_fit_goes_on_as_fit_does():
    whole, parts = regressor(epochs=3).fit(IMAGES, MEANS), regressor()
    for _ in range(3):
        parts.partial_fit(IMAGES, MEANS)
    np.testing.assert_array_equal(whole.predict(IMAGES), parts.predict(IMAGES))


@pytest.mark.parametrize("loss", ["huber", {"name": "huber", "delta": 0.5}, "mae"])
def test_losses(loss):
    model = regressor(loss=loss, epochs=2).fit(IMAGES, MEANS[:, 0])
    assert model.loss_curve_[1] < model.loss_curve_[0]


@pytest.mark.parametrize("name", ["lenet5", "nin", "resnet20", {"name": "resnet20"}])
def test_models_lose_their_classes(name):
    """resnet20 is a graph, nin ends with a mean; lenet5's dense layer is taken off."""
    images = RANDOM.random((10, 32, 32, 3), np.float32)
    model = regressor(layers=name, epochs=1).fit(images, np.arange(10.0))
    names = list(model.model_.names.values())
    assert names[-1] == "output" and model.model_.output_size == 1
    assert "softmax" not in [layer.activation for layer in model.model_.layers]


def test_weights_choose():
    images, y = np.repeat(IMAGES[:20], 2, axis=0), np.arange(40) % 2 * 2.0 - 1
    for heavy in (-1, 1):
        weights = np.where(y == heavy, 1.0, 0.01)
        model = regressor(epochs=60).fit(images, y, weights)
        assert (np.sign(model.predict(images)) == heavy).all()


def test_early_stopping():
    model = regressor(early_stopping=True, n_iter_no_change=3, epochs=500, tol=1e-2)
    model.fit(IMAGES, MEANS)
    assert model.n_iter_ < 500 and model.best_loss_ == min(model.history_["val_loss"])


def test_wrong_number_of_columns():
    with pytest.raises(ValueError, match="y has no columns, but the model was made for 2"):
        regressor(epochs=1).fit(IMAGES, MEANS, validation_data=(IMAGES, MEANS[:, 0]))
