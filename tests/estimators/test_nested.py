"""Parameters of parameters."""

import numpy as np
import pytest
from sklearn.base import clone

from fastcnn import CNNClassifier, layers, optimizers
from fastcnn.errors import OptionError
from tests.estimators.cases import NET, bars


def test_every_option_is_a_parameter():
    names = CNNClassifier(NET, loss={"name": "huber"}).get_params()
    assert names["optimizer__learning_rate"] == 0.001
    assert names["optimizer__weight_decay"] == 0.0
    assert names["loss__delta"] == 1.0
    assert names["layers__0__filters"] == 4
    assert names["layers__2__kernel_initializer"] == "glorot_uniform"
    assert CNNClassifier("resnet20").get_params()["layers__shortcut"] == "A"
    assert "layers__0__name" not in names
    assert "layers__classes" not in CNNClassifier("resnet20").get_params()


@pytest.mark.parametrize(
    "given",
    [
        "adam",
        {"name": "adam", "beta_1": 0.8},
        optimizers.Adam(beta_1=0.8),
    ],
)
@pytest.mark.parametrize("option", ["lr", "learning_rate"])
def test_optimizer(given, option):
    model = CNNClassifier(optimizer=given)
    model.set_params(**{f"optimizer__{option}": 0.25})
    assert model.optimizer["learning_rate"] == 0.25
    assert model.get_params()["optimizer__learning_rate"] == 0.25
    assert model.get_params()["optimizer__beta_1"] == (0.9 if given == "adam" else 0.8)
    if not isinstance(given, str):
        assert CNNClassifier(optimizer=given).get_params()["optimizer__learning_rate"] == 0.001


FORMS = {
    "a line": NET,
    "lines": NET.split(" - "),
    "tables": [
        {"name": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"},
        {"name": "max_pooling2d"},
        {"name": "dense", "units": 16, "activation": "relu"},
    ],
    "layers": [
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dense(16, activation="relu"),
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_layers(form):
    images, labels = bars(30)
    given = CNNClassifier(FORMS[form], epochs=1, random_state=0)
    model = clone(given).set_params(layers__0__filters=5, layers__2__units=np.int64(7))
    assert model.get_params()["layers__0__filters"] == 5
    weights = model.fit(images, labels).model_.get_weights()
    assert [len(w) for name, w in weights.items() if name.endswith("kernel")] == [5, 7, 3]
    again = clone(given).fit(images, labels)
    expected = CNNClassifier(NET, epochs=1, random_state=0).fit(images, labels)
    np.testing.assert_array_equal(again.predict_proba(images), expected.predict_proba(images))
    assert given.get_params()["layers__0__filters"] == 4


def test_a_whole_layer():
    model = CNNClassifier(NET).set_params(layers__1="avg_pool 2", layers__2__units=3)
    assert model.get_params()["layers__1__pool_size"] == 2
    assert model.layers[1] == "avg_pool 2"


def test_of_a_model_by_name():
    model = CNNClassifier("resnet20").set_params(layers__shortcut="B")
    assert model.layers == {"name": "resnet20", "shortcut": "B"}


def test_outer_ones_come_first():
    model = CNNClassifier().set_params(layers__0__units=3, layers="dense 9")
    assert model.layers == [{"name": "dense", "units": 3}]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"optimizer__lrr": 1}, "unknown option of optimizer 'adam' 'lrr'"),
        ({"layers__3__filters": 1}, "unknown layer '3' .*available: 0, 1, 2"),
        ({"layers__x__filters": 1}, "unknown layer 'x'"),
        ({"layers__0__filter": 1}, "unknown option of layer 'conv2d' 'filter'.*'filters'"),
        ({"loss__delta": 1}, "loss is 'auto': give loss itself before its options"),
        ({"layers": "nin", "layers__classes": 3}, "unknown option of model 'nin' 'classes'"),
        ({"depth": 1}, "Invalid parameter 'depth'"),
        ({"optimizer": 3, "optimizer__lr": 1}, "optimizer must be a name, a table or an object"),
    ],
)
def test_what_there_is_not(params, message):
    with pytest.raises(ValueError, match=message) as caught:
        CNNClassifier(NET).set_params(**params)
    assert isinstance(caught.value, OptionError) == ("depth" not in params)
