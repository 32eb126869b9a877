"""Pixels belong to the input: whatever goes through whichever door, the right numbers or an error.

uint8 means 0..255 by the dtype of each array; all other numbers are taken by value.
"""

import json
import pickle
from itertools import product

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from fastcnn import CNNClassifier, Input, Model, Sequential, load_model
from fastcnn import layers as L
from fastcnn.cli import main
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.errors import DataError, FastcnnError, OptionError
from fastcnn.features import CNNFeatures

BYTES = np.random.default_rng(0).integers(0, 256, (48, 6, 6, 1)).astype(np.uint8)
BYTES[0, 0, 0], BYTES[0, 0, 1] = 0, 255
LABELS = (BYTES.mean((1, 2, 3)) > 127).astype(np.int64)
FORMS = {
    "uint8": BYTES,
    "int64": BYTES.astype(np.int64),
    "float 0..255": BYTES.astype(np.float32),
    "float 0..1": (BYTES / 255).astype(np.float32),
}
# What a model that was trained on the one form makes of the other: "same" numbers, or an "error".
SCALED, BY_VALUE = ("uint8", "float 0..1"), ("int64", "float 0..255")
TABLE = {
    (trained, given): "same"
    if trained == given or given == "uint8" or (trained in SCALED) == (given in SCALED)
    else "error"
    for trained, given in product(FORMS, FORMS)
}


def net(**options):
    layers = [L.Conv2D(3, 3, activation="relu"), L.Flatten(), L.Dense(2, activation="softmax")]
    model = Sequential(layers, seed=1, **options)
    model.compile({"name": "sgd", "learning_rate": 0.01})
    return model


@pytest.fixture(scope="module")
def trained():
    """{form: a model that was trained on it}"""
    models = {form: net() for form in FORMS}
    for form, model in models.items():
        model.fit(FORMS[form], LABELS, epochs=2, verbose=0)
    return models


def as_layer(model):
    x = Input((6, 6, 1))
    return Model(x, model(x))


def through_a_file(model, folder):
    model.save(folder / "m.safetensors")
    return load_model(folder / "m.safetensors")


DOORS = {
    "itself": lambda model, folder: model,
    "file": through_a_file,
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "derived": lambda model, folder: Model(model.input, model.output),
    "stack": lambda model, folder: Sequential(model.layers),
    "as a layer": lambda model, folder: as_layer(model),
    "as a layer of a layer": lambda model, folder: as_layer(as_layer(model)),
    "in a stack": lambda model, folder: Sequential([model]),
    "derived, file": lambda model, folder: through_a_file(Model(model.input, model.output), folder),
}


def check(expected, run, right, what):
    """The right numbers, or an error that names ranges and remedy."""
    if expected == "same":
        np.testing.assert_allclose(run(), right, rtol=2e-5, atol=2e-6, err_msg=what)
        return
    with pytest.raises(DataError, match=r"hold .* trained on .*(divide|multiply).*check_range=Fal"):
        run()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("form", "given"), TABLE)
def test_predict_and_evaluate(trained, door, form, given, tmp_path):
    right = trained[form].predict(FORMS[form])
    made = DOORS[door](trained[form], tmp_path)
    expected = TABLE[form, given]
    check(expected, lambda: made.predict(FORMS[given]), right, "predict")
    made.set_losses("sparse_categorical_crossentropy")
    loss = trained[form].evaluate(FORMS[form], LABELS)["loss"]
    check(expected, lambda: made.evaluate(FORMS[given], LABELS)["loss"], loss, "evaluate")


@pytest.mark.parametrize(("form", "given"), TABLE)
def test_validation_data(form, given):
    def val_loss():
        data = (FORMS[given], LABELS)
        history = net().fit(FORMS[form], LABELS, epochs=1, verbose=0, validation_data=data)
        return history.history["val_loss"][-1]

    same = (FORMS[form], LABELS)
    right = net().fit(FORMS[form], LABELS, epochs=1, verbose=0, validation_data=same)
    check(TABLE[form, given], val_loss, right.history["val_loss"][-1], "val_loss")


@pytest.mark.parametrize(("form", "given"), TABLE)
def test_predict_before_fit_decides_nothing(trained, form, given):
    model = net()
    model.predict(FORMS[given])
    assert model.preprocessing is None
    model.fit(FORMS[form], LABELS, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.predict(FORMS[form]), trained[form].predict(FORMS[form]))


@pytest.mark.parametrize(("form", "given"), TABLE)
def test_training_goes_on_in_the_scale_it_began_in(form, given):
    def weights(second):
        model = net()
        model.fit(FORMS[form], LABELS, epochs=1, verbose=0)
        model.progress.epoch = 0
        model.fit(second, LABELS, epochs=1, verbose=0)
        return model.get_weights()["dense/kernel"]

    check(TABLE[form, given], lambda: weights(FORMS[given]), weights(FORMS[form]), "weights")


@pytest.mark.parametrize(("form", "given"), TABLE)
def test_estimators_and_features(form, given):
    cnn = CNNClassifier("conv 3@3x3 relu", epochs=2, random_state=0)
    cnn.fit(FORMS[form], LABELS)
    expected = TABLE[form, given]
    right = cnn.predict_proba(FORMS[form])
    check(expected, lambda: cnn.predict_proba(FORMS[given]), right, "predict_proba")
    features = CNNFeatures(cnn.model_, layer=0).fit(FORMS[form])
    right = features.transform(FORMS[form])
    check(expected, lambda: features.transform(FORMS[given]), right, "CNNFeatures")


def fastcnn(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize("form", FORMS)
def test_the_command_line_predicts_pictures(trained, form, tmp_path):
    """Pictures are uint8, also dark ones, which look like nothing but 0..1 to a range check."""
    model = trained[form]
    model.save(tmp_path / "m.safetensors")
    for scale in (1, 6):
        cv2.imwrite(str(tmp_path / "p.png"), BYTES[0] // scale)
        result = fastcnn("predict", tmp_path / "m.safetensors", tmp_path / "p.png", "--json")
        assert result.exit_code == 0, result.output
        made = {c["class"]: c["probability"] for c in json.loads(result.stdout)[0]["classes"]}
        pixels = BYTES[:1] // scale
        value = (pixels / 255 if form in SCALED else pixels).astype(np.float32)
        np.testing.assert_allclose([made["0"], made["1"]], model.predict(value)[0], rtol=1e-4)


@pytest.mark.parametrize(("form", "given"), TABLE)
def test_the_command_line_evaluates(trained, form, given, tmp_path):
    trained[form].save(tmp_path / "m.safetensors")
    arrays = {"x_train": FORMS[given], "y_train": LABELS}
    np.savez(tmp_path / "d.npz", **arrays, x_test=FORMS[given], y_test=LABELS)
    words = ("--data", tmp_path / "d.npz", "--json")
    result = fastcnn("evaluate", tmp_path / "m.safetensors", *words)
    if TABLE[form, given] == "error":
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1 and "the model was trained on" in result.stderr
        return
    loss = trained[form].evaluate(FORMS[form], LABELS)["loss"]
    assert json.loads(result.stdout)["loss"] == pytest.approx(loss, rel=1e-4)


# ---- what else is or is not near what training saw


def test_a_constant_picture_passes(trained):
    for model in trained.values():
        for value in (0.0, 0.5, 1.0, 128.0, 255.0):
            assert np.isfinite(model.predict(np.full((2, 6, 6, 1), value, np.float32))).all()


CENTRED = (BYTES / 127.5 - 1).astype(np.float32)
SIXTEEN = np.random.default_rng(1).integers(0, 65536, BYTES.shape)
DARK = (BYTES // 6 / 255).astype(np.float32)
NOISE = np.random.default_rng(2).normal(size=BYTES.shape)
HOT = np.where(np.arange(36).reshape(6, 6, 1) == 7, 300, FORMS["float 0..1"])  # a pixel of each
ONE_OTHER = np.concatenate([FORMS["float 0..1"], FORMS["float 0..255"][:1]])


@pytest.mark.parametrize(
    ("seen", "given", "passes"),
    [
        (FORMS["float 0..1"], CENTRED, False),
        (FORMS["float 0..1"], FORMS["float 0..1"] * 1.2 - 0.1, True),  # resampled
        (DARK, FORMS["float 0..1"], True),
        (DARK, FORMS["float 0..255"], False),
        (DARK, DARK * 255, False),
        (FORMS["float 0..255"], CENTRED, False),
        (FORMS["float 0..255"], SIXTEEN, False),
        (FORMS["float 0..255"] // 6, FORMS["float 0..255"], True),
        (CENTRED, FORMS["float 0..255"], False),
        (CENTRED, BYTES, False),
        (CENTRED, CENTRED * 2, True),
        (SIXTEEN, SIXTEEN // 2, True),
        (SIXTEEN, BYTES, False),
        (SIXTEEN, SIXTEEN / 65535, False),
        (BYTES / 255 * 16, BYTES, False),  # digits of 0..16
        (BYTES / 255 * 16, BYTES / 255, False),
        (BYTES / 255 * 3, BYTES / 255, True),  # not so bright
        (BYTES / 255 * 10, BYTES / 255, True),  # not so far, in metres
        (BYTES // 16, BYTES % 2 * 1.0, True),  # small numbers
        (FORMS["float 0..255"], BYTES > 127, False),
        (BYTES % 3 - 1.0, BYTES % 2 * 1.0, True),  # boards of a game
        (FORMS["float 0..1"], SIXTEEN, False),
        (CENTRED, FORMS["float 0..1"], False),
        (CENTRED, abs(CENTRED) + 0.2, True),  # bright ones
        (FORMS["float 0..1"] + 0.3 * NOISE, FORMS["float 0..1"], True),
        (FORMS["float 0..1"], FORMS["float 0..1"] + 0.3 * NOISE, True),
        (FORMS["float 0..1"], HOT, True),
        (FORMS["float 0..255"], 255 * HOT, True),
        (FORMS["float 0..1"], ONE_OTHER, False),
        (FORMS["float 0..255"], ONE_OTHER, True),
        (FORMS["float 0..1"], np.concatenate([DARK, np.full((1, 6, 6, 1), 255.0)]), True),
    ],
)
def test_ranges(seen, given, passes):
    known = Preprocessing.of(seen)
    assert (known.fault(given) is None) == passes


@pytest.mark.parametrize(
    ("seen", "given", "passes"),
    [
        (np.arange(40), np.arange(40) % 2, True),  # small counts, token numbers
        (np.arange(80), np.arange(80) % 2, True),
        (np.arange(80), np.arange(80) / 80, False),
        (np.arange(80) / 80, np.arange(80), False),
        (NOISE.ravel()[:80], np.where(np.arange(80) == 3, 300, NOISE.ravel()[:80]), True),
    ],
)
def test_ranges_of_vectors(seen, given, passes):
    seen, given = (np.float64(array).reshape(-1, 1, 1, 20) for array in (seen, given))
    assert (Preprocessing.of(seen).fault(given) is None) == passes


def test_features_scaled_one_by_one_are_no_other_scale():
    """A pixel that training saw almost black, and another set does not."""
    rows = BYTES.reshape(48, 36).astype(np.float64)
    rows[:, :3] = 0
    rows[0, :3] = 1
    others = rows.copy()
    others[:5, :3] = 200
    for scaler in (MinMaxScaler(), StandardScaler()):
        clf = CNNClassifier([L.Conv2D(2, 3), L.Flatten()], input_shape=(6, 6, 1), epochs=1)
        make_pipeline(scaler, clf).fit(rows, LABELS).predict(others)


@pytest.mark.parametrize("shape", [(36,), (36, 1)])
def test_vectors_and_sequences_get_a_warning(shape):
    flat = FORMS["float 0..255"].reshape(48, *shape)
    model = Sequential([L.Flatten(), L.Dense(2, activation="softmax")], shape)
    model.fit(flat, LABELS, epochs=1, verbose=0)
    with pytest.warns(UserWarning, match="hold 0 to 1 .*trained on 0 to 255: multiply them by 255"):
        model.predict(flat / 255)
    model.check_range = False
    model.predict(flat / 255)


def test_the_check_can_be_turned_off(tmp_path):
    model = net(check_range=False)
    model.fit(BYTES, LABELS, epochs=1, verbose=0)
    value = FORMS["float 0..255"]
    again = through_a_file(model, tmp_path)
    np.testing.assert_array_equal(again.predict(value), model.predict(value))
    model.check_range = True
    with pytest.raises(DataError, match="divide them by 255"):
        model.predict(value)


def test_the_check_of_an_estimator():
    clf = CNNClassifier([L.Flatten()], epochs=1, check_range=False).fit(BYTES, LABELS)
    clf.predict(FORMS["float 0..255"])
    with pytest.raises(DataError, match="divide them by 255"):
        clf.set_params(check_range=True).fit(BYTES, LABELS).predict(FORMS["float 0..255"])


# ---- layers that scale for themselves


@pytest.mark.parametrize("first", [lambda: L.Rescaling(1 / 255), L.Normalization])
def test_an_explicit_scaling_switches_it_off(first):
    model = Sequential([first(), L.Flatten(), L.Dense(2, activation="softmax")], seed=1)
    model.fit(BYTES, LABELS, epochs=1, verbose=0)
    assert model.preprocessing.unit == 1.0
    right = model.predict(BYTES)
    np.testing.assert_allclose(model.predict(FORMS["float 0..255"]), right, rtol=1e-5)
    with pytest.raises(DataError, match="multiply them by 255"):
        model.predict(FORMS["float 0..1"])
    inner = Sequential([L.Flatten(), L.Dense(2, activation="softmax")], seed=1)
    model = Sequential([inner], seed=1)
    model.fit(FORMS["float 0..1"], LABELS, epochs=1, verbose=0)
    if first is not L.Normalization:
        np.testing.assert_allclose(model.predict(FORMS["float 0..1"]), right, rtol=1e-4)


@pytest.mark.parametrize("kind", [L.Normalization, L.ZCAWhitening, L.PatchWhitening])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("form", FORMS)
def test_adapt_takes_what_fit_takes(kind, data_format, form):
    """`adapt` before `fit` and `fit` alone find the same statistics."""
    last = np.concatenate([FORMS[form], FORMS[form][::-1]], axis=3)
    x = last if data_format == "channels_last" else np.moveaxis(last, -1, 1)
    layers = [kind(), kind()]
    layers[0].adapt(x, data_format=data_format)
    for layer in layers:
        stack = [layer, L.Flatten(), L.Dense(2, activation="softmax")]
        model = Sequential(stack, data_format=data_format)
        model.fit(x, LABELS, epochs=1, verbose=0)
    for name, value in layers[0].statistics.items():
        np.testing.assert_allclose(layers[1].statistics[name], value, rtol=1e-5, atol=1e-9)
    assert layers[0].preprocessing[0].agrees(layers[1].preprocessing[0])


def test_adapt_knows_the_tensor_it_was_called_on():
    layer = L.Normalization()
    model = Model(x := Input((7, 2)), layer(x))
    rows = np.random.default_rng(0).normal(3, 2, (50, 7, 2))
    layer.adapt(rows)
    np.testing.assert_allclose(model.predict(rows).std((0, 1)), 1, rtol=1e-5)


def test_adapted_to_one_scale_and_fed_with_another():
    layer = L.ZCAWhitening()
    layer.adapt(FORMS["float 0..255"])
    model = Sequential([layer, L.Flatten(), L.Dense(2, activation="softmax")])
    with pytest.raises(DataError, match="multiply them by 255"):
        model.fit(FORMS["float 0..1"], LABELS, verbose=0)
    model.fit(BYTES, LABELS, verbose=0)  # by value, as it was adapted
    np.testing.assert_allclose(
        model.predict(BYTES), model.predict(FORMS["float 0..255"]), rtol=1e-5
    )


# ---- inputs that several layers read, layers of several models


def test_two_different_meanings_are_an_error(trained):
    x = Input((6, 6, 1))
    parts = [trained[form].layers[0] for form in ("uint8", "int64")]
    with pytest.raises(DataError, match="'input' come from models trained on different pixels"):
        Model(x, L.Add()([part(x) for part in parts]))
    Model(x, L.Add()([trained[form].layers[0](x) for form in SCALED]))  # these agree


def test_values_scaled_by_channel_are_made_at_an_input():
    model = net()
    model.build((6, 6, 1))
    model.preprocessing = Preprocessing(np.array([2.0]), np.array([-1.0]))
    x = Input((6, 6, 1))
    again = Model(x, model(x))
    np.testing.assert_array_equal(again.predict(BYTES), model.predict(BYTES))
    with pytest.raises(OptionError, match="let it read the input"):
        Model(x, model(L.Activation("relu")(x)))


def test_a_first_fit_of_a_derived_model_counts_for_all():
    model = net()
    model.build((6, 6, 1))
    other = Model(model.input, model.output)
    other.compile("sgd")
    other.fit(FORMS["float 0..255"], LABELS, verbose=0)
    with pytest.raises(DataError, match="multiply"):
        model.predict(FORMS["float 0..1"])
    assert model.preprocessing is other.preprocessing


def test_a_fit_that_fails_decides_nothing():
    model = net()
    with pytest.raises(FastcnnError):
        model.fit(BYTES, LABELS, verbose=0, validation_data=(FORMS["float 0..255"], LABELS))
    with pytest.raises(FastcnnError):
        model.fit(BYTES, LABELS, verbose=0, callbacks=["no_such_callback"])
    assert model.preprocessing is None
    model.fit(FORMS["float 0..255"], LABELS, verbose=0)


def test_pictures_of_one_colour_decide_nothing(tmp_path):
    """Nor does a file in between."""
    for black in (np.zeros_like(BYTES), np.zeros_like(FORMS["float 0..1"])):
        model = net()
        model.fit(black, LABELS, verbose=0)
        model = through_a_file(model, tmp_path)
        model.fit(FORMS["float 0..255"], LABELS, verbose=0)
        np.testing.assert_array_equal(model.predict(BYTES), model.predict(FORMS["float 0..255"]))


def test_bytes_of_0_and_1_are_pointed_out():
    model = net()
    with pytest.warns(UserWarning, match=r"uint8.*means 0 to 255.*only 0 and 1"):
        model.fit(BYTES // 128, LABELS, verbose=0)


def test_the_summary_shows_it(trained):
    text = trained["uint8"].summary().splitlines()
    row = next(line for line in text if line.startswith("input"))
    assert "uint8 / 255" in row and "0 to 1" in row
    assert "uint8 as it is" in trained["int64"].summary()
    assert trained["uint8"].layers[0].registered_name == "conv2d"
    assert "input (Input)" in Sequential([L.Flatten()], (2, 2, 1)).summary()


# ---- how derived models compute


def test_derived_models_keep_how_the_layers_were_used():
    model = net(backend="reference", dtype="float64")
    x = BYTES / 255 + 1e-9
    model.fit(x, LABELS, verbose=0)
    for made in (Model(model.input, model.output), Sequential(model.layers), as_layer(model)):
        assert (made.backend, made.dtype) == ("reference", "float64")
        assert np.array_equal(made.predict(x), model.predict(x))
    half = net(precision="bf16", winograd=False)
    half.build((6, 6, 1))
    part = Model(half.input, half.layers[0].output)
    assert (part.precision, part.winograd) == ("bf16", False)
    assert Model(half.input, half.output, precision="float32").precision == "float32"


def test_float64_models_keep_float64_inputs(tmp_path):
    model = Sequential([L.Flatten()], (2, 2, 1), dtype="float64")
    x = np.random.default_rng(0).random((3, 2, 2, 1))
    assert np.array_equal(model.predict(x).ravel(), x.ravel())
    assert through_a_file(model, tmp_path).dtype == "float64"
