"""CNNClassifier on images of three and four axes, with every kind of y."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from fastcnn import CNNClassifier, models
from fastcnn.engine.callback import Callback
from fastcnn.errors import DataError, OptionError, ShapeError
from tests.estimators.cases import NET, bars

IMAGES, LABELS = bars()
FITTED = {"epochs": 12, "random_state": 0, "optimizer": {"name": "adam", "learning_rate": 0.01}}


def classifier(**options):
    return CNNClassifier(**{"layers": NET, **FITTED, **options})


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(IMAGES, LABELS)


FORMS = {
    "three axes": (IMAGES, {}),
    "channels last": (IMAGES[..., None], {}),
    "channels first": (IMAGES[:, None], {"data_format": "channels_first"}),
    "three axes of channels first": (IMAGES, {"data_format": "channels_first"}),
    "rows": (IMAGES.reshape(-1, 64), {"input_shape": (8, 8)}),
    "rows of four axes": (IMAGES.reshape(-1, 64), {"input_shape": (8, 8, 1)}),
    "float64": (IMAGES.astype(np.float64), {}),
    "a list": (IMAGES.tolist(), {}),
    "other strides": (np.asfortranarray(IMAGES), {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_X_give_the_same_bits(fitted, form):
    X, options = FORMS[form]
    model = classifier(**options).fit(X, LABELS)
    np.testing.assert_array_equal(model.predict_proba(X), fitted.predict_proba(IMAGES))
    assert model.n_features_in_ == 64


def test_colours_in_both_orders():
    images = np.random.default_rng(0).random((20, 6, 7, 3), np.float32)
    labels = np.arange(20) % 2
    last = classifier().fit(images, labels)
    first = classifier(data_format="channels_first").fit(images.transpose(0, 3, 1, 2), labels)
    expected = last.predict_proba(images)
    np.testing.assert_array_equal(first.predict_proba(images.transpose(0, 3, 1, 2)), expected)
    assert last.model_.input_shape == (6, 7, 3) and first.model_.input_shape == (3, 6, 7)


def test_the_engine_gives_the_same_bits(fitted):
    """A seed and the same layers: nothing is between X and the engine."""
    images = np.repeat(np.repeat(IMAGES[:40], 2, 1), 2, 2)
    model = models.build("simple_convnet", (16, 16, 1), 3, seed=5)
    model.compile("adam")
    model.fit(images, LABELS[:40], epochs=2, batch_size=16, verbose=0)
    estimator = CNNClassifier("simple_convnet", epochs=2, batch_size=16, random_state=5)
    probabilities = estimator.fit(images, LABELS[:40]).predict_proba(images)
    np.testing.assert_allclose(probabilities, model.predict(images), rtol=1e-6)
    assert estimator.loss_curve_ == model.history.history["loss"]


def test_bytes_are_scaled():
    pixels = (IMAGES.clip(0, 1) * 255).astype(np.uint8)
    model = classifier().fit(pixels, LABELS)
    floats = classifier().fit(pixels / np.float32(255), LABELS)
    np.testing.assert_allclose(
        model.predict_proba(pixels), floats.predict_proba(pixels / np.float32(255)), atol=1e-3
    )


def test_figures(fitted):
    assert fitted.score(IMAGES, LABELS) > 0.9
    assert fitted.n_iter_ == 12 == len(fitted.loss_curve_)
    assert fitted.loss_curve_ == fitted.history_["loss"]
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    assert set(fitted.history_) == {"loss", "accuracy", "seconds", "learning_rate"}
    assert fitted.sample_shape_ == (8, 8)
    np.testing.assert_array_equal(fitted.classes_, [0, 1, 2])


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_threads_give_the_same_bits(fitted, jobs):
    model = classifier(n_jobs=jobs).fit(IMAGES, LABELS)
    np.testing.assert_array_equal(model.predict_proba(IMAGES), fitted.predict_proba(IMAGES))


def test_a_sample_does_not_depend_on_the_others(fitted):
    expected = fitted.decision_function(IMAGES)
    for count in (1, 2, 9, 33):
        got = [fitted.decision_function(IMAGES[k : k + count]) for k in range(0, 120, count)]
        np.testing.assert_array_equal(np.concatenate(got), expected)


def test_decision_is_the_logarithm_of_probability(fitted):
    logs = fitted.decision_function(IMAGES)
    np.testing.assert_allclose(np.exp(logs), fitted.predict_proba(IMAGES), rtol=1e-6)
    two = classifier().fit(IMAGES, LABELS == 1)
    p = two.predict_proba(IMAGES)[:, 1]
    np.testing.assert_allclose(two.decision_function(IMAGES), np.log(p / (1 - p)), rtol=1e-6)


def test_words_as_classes():
    words = np.array(["down", "none", "across"])[LABELS]
    model = classifier().fit(IMAGES, words)
    assert list(model.classes_) == ["across", "down", "none"]
    assert model.score(IMAGES, words) == accuracy_score(words, model.predict(IMAGES)) > 0.9


def test_several_labels_at_once():
    marks = np.stack([LABELS == 0, LABELS < 2], axis=1).astype(int)
    model = classifier(epochs=25).fit(IMAGES, marks)
    p = model.predict_proba(IMAGES)
    assert p.shape == (120, 2) and not np.allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(IMAGES), p > 0.5)
    np.testing.assert_array_equal(model.decision_function(IMAGES) > 0, p > 0.5)
    assert model.score(IMAGES, marks) == accuracy_score(marks, model.predict(IMAGES)) > 0.85


def test_several_questions():
    answers = np.stack([LABELS, LABELS == 2], axis=1)
    model = classifier(epochs=20).fit(IMAGES, answers)
    first, second = model.predict_proba(IMAGES)
    assert (first.shape, second.shape) == ((120, 3), (120, 2))
    assert [list(c) for c in model.classes_] == [[0, 1, 2], [0, 1]]
    assert model.score(IMAGES, answers) > 0.85
    assert [d.shape for d in model.decision_function(IMAGES)] == [(120, 3), (120,)]


def test_weights_choose():
    """Two samples of one image and different labels: the weight decides."""
    images = np.repeat(IMAGES[:40], 2, axis=0)
    labels = np.arange(80) % 2
    for heavy in (0, 1):
        weights = np.where(labels == heavy, 10.0, 0.1)
        model = classifier().fit(images, labels, sample_weight=weights)
        assert (model.predict(images) == heavy).all()
        by_class = classifier(class_weight={heavy: 10.0, 1 - heavy: 0.1}).fit(images, labels)
        np.testing.assert_array_equal(by_class.predict_proba(images), model.predict_proba(images))


def test_balanced_is_what_scikit_learn_computes():
    labels = np.minimum(LABELS, 1)
    balanced = classifier(class_weight="balanced").fit(IMAGES, labels)
    weights = np.where(labels == 0, 120 / (2 * 40), 120 / (2 * 80))
    weighted = classifier().fit(IMAGES, labels, sample_weight=weights)
    np.testing.assert_array_equal(balanced.predict_proba(IMAGES), weighted.predict_proba(IMAGES))


def test_partial_fit_goes_on_as_fit_does(fitted):
    model = classifier()
    for _ in range(12):
        model.partial_fit(IMAGES, LABELS, classes=[0, 1, 2])
    np.testing.assert_array_equal(model.predict_proba(IMAGES), fitted.predict_proba(IMAGES))
    assert model.loss_curve_ == fitted.loss_curve_


def test_partial_fit_of_chunks_with_missing_classes():
    model = classifier()
    for _ in range(15):
        for part in np.array_split(np.argsort(LABELS % 2, kind="stable"), 3):
            model.partial_fit(IMAGES[part], LABELS[part], classes=[0, 1, 2])
    assert model.n_iter_ == 45
    assert model.score(IMAGES, LABELS) > 0.8


def test_warm_start_goes_on_from_the_weights():
    model = classifier(warm_start=True, epochs=3).fit(IMAGES, LABELS)
    before = model.model_.get_weights()
    model.set_params(epochs=1, optimizer__lr=1e-12).fit(IMAGES, LABELS)
    for name, value in model.model_.get_weights().items():
        np.testing.assert_allclose(value, before[name], atol=1e-6)
    assert model.n_iter_ == 4 == len(model.history_["loss"])
    cold = classifier(epochs=1).fit(IMAGES, LABELS).fit(IMAGES, LABELS)
    assert cold.n_iter_ == 1


def test_early_stopping_keeps_the_best_weights():
    options = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 2}
    model = classifier(epochs=200, tol=1e-3, **options).fit(IMAGES, LABELS)
    assert model.n_iter_ < 200
    assert model.best_loss_ == min(model.history_["val_loss"])
    again = classifier(epochs=200, tol=1e-3, **options).fit(IMAGES, LABELS)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), model.predict_proba(IMAGES))


def test_partial_fit_goes_on_from_the_best_weights():
    options = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 3}
    labels = np.random.default_rng(0).permutation(LABELS)  # so that the loss grows in the end
    model = classifier(epochs=200, **options).fit(IMAGES, labels)
    losses = model.history_["val_loss"]
    assert losses[-1] > min(losses)
    before = model.predict_proba(IMAGES)
    model.model_.optimizer.learning_rate = 1e-12
    model.partial_fit(IMAGES, labels)
    np.testing.assert_allclose(model.predict_proba(IMAGES), before, atol=1e-6)


def test_validation_data_are_measured():
    images, labels = bars(60, seed=1)
    model = classifier(epochs=3).fit(IMAGES, LABELS, validation_data=(images, labels))
    accuracy = model.history_["val_accuracy"]
    assert len(accuracy) == 3 and accuracy[-1] == pytest.approx(model.score(images, labels))
    weights = np.r_[np.zeros(30), np.ones(30)]
    model = classifier(epochs=1).fit(IMAGES, LABELS, validation_data=(images, labels, weights))
    assert model.best_loss_ == model.history_["val_loss"][0]


class Counter(Callback):
    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, epoch, logs):
        self.epochs += 1
        if self.epochs == 2:
            self.stop("two are enough")


def test_callbacks():
    counter = Counter()
    model = classifier(callbacks=[counter, "terminate_on_nan"]).fit(IMAGES, LABELS)
    assert model.n_iter_ == 2
    assert counter.epochs == 0, "a copy is used, so that parameters stay what they are"
    assert model.model_.callbacks.callbacks[0].epochs == 2


def test_augmented_training_differs():
    plain, flipped = (classifier(augment=a).fit(IMAGES, LABELS) for a in (None, ["flip"]))
    assert plain.loss_curve_ != flipped.loss_curve_


@pytest.mark.parametrize("side", [1, 3, 8, 20])
def test_automatic_layers(side):
    images = np.random.default_rng(0).random((20, side, side + 1), np.float32)
    model = CNNClassifier(epochs=1).fit(images, np.arange(20) % 2)
    assert model.predict(images).shape == (20,)


def test_random_states():
    seeds = [np.random.RandomState(0), np.random.RandomState(0), np.random.RandomState(1), None]
    first, same, other, free = (
        classifier(epochs=1, random_state=seed).fit(IMAGES, LABELS) for seed in seeds
    )
    np.testing.assert_array_equal(first.predict_proba(IMAGES), same.predict_proba(IMAGES))
    assert first.loss_curve_ != other.loss_curve_
    assert free.loss_curve_ != first.loss_curve_


@pytest.mark.parametrize(
    ("options", "X", "error", "message"),
    [
        ({"layers": "resnet21"}, IMAGES, OptionError, "unknown layer.*resnet21"),
        ({"layers": "dense 3 softmax"}, IMAGES, OptionError, "leave out the output layer"),
        ({"layers": 3}, IMAGES, OptionError, "layers must be the name of a model"),
        ({"layers": NET}, IMAGES.reshape(-1, 64), ShapeError, "give input_shape="),
        ({"layers": "lenet5"}, IMAGES.reshape(-1, 64), ShapeError, "give.*input_shape="),
        ({"input_shape": (7, 8)}, IMAGES, ShapeError, r"\(8, 8\); input_shape \(7, 8\)"),
        ({"input_shape": (7, 8)}, IMAGES.reshape(-1, 64), ShapeError, r"rows of 56 features"),
        ({"data_format": "first"}, IMAGES, OptionError, "unknown data_format 'first'"),
        ({}, IMAGES[:, None, None], ShapeError, "three or four axes|four axes"),
        ({}, np.full_like(IMAGES, 1e300, dtype=np.float64), DataError, "too large"),
        ({"optimizer": "adamm"}, IMAGES, OptionError, "unknown optimizer 'adamm'.*'adam'"),
        ({"layers": [3]}, IMAGES, OptionError, r"layers\[0\] must be a line"),
        ({"layers": ["dense 0"]}, IMAGES, OptionError, r"layers\[0\]: units must be a positive"),
    ],
)
def test_what_does_not_fit(options, X, error, message):
    with pytest.raises(error, match=message):
        classifier(**options).fit(X, LABELS)


def test_what_does_not_fit_later(fitted):
    with pytest.raises(ShapeError, match="was fitted on"):
        fitted.predict(IMAGES[:, :7])
    with pytest.raises(OptionError, match="classes must be passed"):
        classifier().partial_fit(IMAGES, LABELS)
    with pytest.raises(OptionError, match="needs all samples at once"):
        classifier(class_weight="balanced").partial_fit(IMAGES, LABELS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="previously unseen labels"):
        classifier().partial_fit(IMAGES, LABELS, classes=[0, 1])
    with pytest.raises(ShapeError, match="y has 3 columns, but the model was made for 2"):
        model = classifier(warm_start=True, epochs=1).fit(IMAGES, np.eye(2, dtype=int)[LABELS // 2])
        model.fit(IMAGES, np.eye(3, dtype=int)[LABELS])


def test_a_single_class_is_learned_without_a_word():
    """So a fold of an ensemble, or a question that all samples answer alike, does no harm."""
    x, y = np.random.default_rng(0).random((8, 5, 5, 1)), np.full(8, "a")
    one = CNNClassifier("flatten", epochs=1, random_state=0).fit(x, y)
    assert (one.predict(x) == "a").all() and (one.predict_proba(x) == 1).all()
    two = np.stack([np.zeros(8, int), np.arange(8) % 2], axis=1)
    both = CNNClassifier("flatten", epochs=40, random_state=0).fit(x, two)
    assert (both.predict(x)[:, 0] == 0).all()
    assert both.loss_curve_[-1] < both.loss_curve_[0]
