"""CNNFeatures of models, files and estimators."""

import pickle

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from fastcnn import CNNClassifier, Input, Model, Sequential
from fastcnn import layers as L
from fastcnn.errors import OptionError
from fastcnn.features import CNNFeatures
from tests.estimators.cases import bars

NET = "conv 4@3x3 same relu - pool 2 - dense 16 relu - dropout 0.5"
IMAGES, LABELS = bars()


@pytest.fixture(scope="module")
def trained():
    return CNNClassifier(NET, epochs=5, random_state=0).fit(IMAGES, LABELS)


def expected(trained, layer):
    model = trained.model_
    part = Model(model.inputs, model.get_layer(layer).output)
    return part.predict(IMAGES).reshape(len(IMAGES), -1)


@pytest.mark.parametrize(
    ("layer", "name", "features"),
    [
        (None, "dropout", 16),
        ("dense", "dense", 16),
        ("conv2d", "conv2d", 256),
        (1, "max_pooling2d", 64),
    ],
)
@pytest.mark.parametrize("form", ["model", "file", "frozen", "estimator"])
def test_activations(trained, layer, name, features, form, tmp_path):
    trained.model_.save(tmp_path / "net.safetensors")
    model = {
        "model": trained.model_,
        "file": tmp_path / "net.safetensors",
        "frozen": FrozenEstimator(trained),
        "estimator": CNNClassifier(NET, epochs=5, random_state=0),
    }[form]
    transformer = CNNFeatures(model, layer=layer).fit(IMAGES, LABELS)
    got = transformer.transform(IMAGES)
    assert got.shape == (len(IMAGES), features)
    np.testing.assert_array_equal(got, expected(trained, name))
    names = transformer.get_feature_names_out()
    assert (len(names), names[0]) == (features, f"{name}_0")


def test_rows_and_single_samples(trained):
    transformer = CNNFeatures(trained.model_).fit(IMAGES)
    whole = transformer.transform(IMAGES)
    np.testing.assert_array_equal(
        np.concatenate([transformer.transform(IMAGES[k : k + 1]) for k in range(5)]), whole[:5]
    )
    rows = CNNFeatures(trained.model_).fit_transform(IMAGES.reshape(len(IMAGES), -1))
    np.testing.assert_array_equal(rows, whole)


def test_in_a_pipeline_and_pickled(trained):
    pipeline = make_pipeline(CNNFeatures(trained.model_), LogisticRegression()).fit(IMAGES, LABELS)
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict_proba(IMAGES), pipeline.predict_proba(IMAGES))
    assert pipeline.score(IMAGES, LABELS) > 0.6


def test_layers_that_other_models_hold_as_well(trained):
    """Inner models are layers, too; the check of ranges is the model's."""
    model = trained.model_
    Sequential([*model.layers[:-1], L.Dense(3)], model.input_shape)
    known = trained.predict_proba(IMAGES)
    x = Input(model.input_shape)
    outer = Model(x, L.Activation("linear")(model(x)), check_range=False)
    for layer in (0, model.name):
        inner = CNNFeatures(outer, layer=layer).fit(IMAGES)
        np.testing.assert_allclose(inner.transform(IMAGES), known, atol=1e-6)
        assert not inner.model_.check_range
    assert CNNFeatures(model, layer="dense").fit_transform(IMAGES).shape[1] == 16


def test_what_is_wrong(trained):
    with pytest.raises(OptionError, match=r"unknown layer 'dens'.*'dense'"):
        CNNFeatures(trained.model_, layer="dens").fit(IMAGES)
    with pytest.raises(OptionError, match="model must be a model, a file or an estimator, not 3"):
        CNNFeatures(3).fit(IMAGES)
