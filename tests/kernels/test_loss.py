import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.native import isas
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.loss_cases import CASES, images_of, loss_arrays, takes_probabilities

quick = settings(deadline=None, max_examples=25)
DENSE = [name for name, _ in CASES if name.endswith("_dense")]


@pytest.mark.parametrize(("name", "params"), CASES, ids=str)
@settings(deadline=None, max_examples=10)
@given(
    blocks=st.sampled_from([1, 2, 7]),
    outputs=st.integers(1, 21),
    lanes=st.sampled_from([1, 3, 4, 8, 16, 32]),
    weighted=st.booleans(),
    gradient=st.booleans(),
    seed=st.integers(0, 99),
)
def test_native_matches_reference(name, params, blocks, outputs, lanes, weighted, gradient, seed):
    arrays = loss_arrays(
        name, params, blocks, outputs, lanes, seed, gradient=gradient, weighted=weighted
    )
    assert_native_matches_reference(name, arrays, **params)


@pytest.mark.parametrize(("name", "params"), CASES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient(name, params, weighted):
    arrays = loss_arrays(name, params, 2, 4, 3, 1, np.float64, weighted=weighted)
    images = images_of(arrays).sum()

    def mean_loss(_):
        return float(run(name, arrays, "reference", **params)["loss"].sum() / images)

    analytic = run(name, arrays, "reference", **params)["dpredictions"]
    numeric = central_differences(mean_loss, arrays["predictions"], h=1e-6)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("backend", BACKENDS)
def test_dense_targets_agree_with_labels(name, backend):
    arrays = loss_arrays(name.removesuffix("_dense"), {}, 2, 10, 16, 2)
    smoothing = {"label_smoothing": 0.1}
    expected = run(name.removesuffix("_dense"), arrays, backend, **smoothing)
    labels = arrays.pop("labels")
    arrays["targets"] = (labels[:, None] == np.arange(10)[:, None]).astype(np.float32)
    for tensor, value in run(name, arrays | {"order": labels}, backend, **smoothing).items():
        np.testing.assert_allclose(value, expected[tensor], rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "params"), CASES, ids=str)
def test_lanes_without_image_get_nothing(name, params):
    arrays = loss_arrays(name, params, 1, 5, 16, 3, weighted=True)
    for tensor in ("labels", "order"):
        if tensor in arrays:
            arrays[tensor][:, 10:] = -1
    arrays["predictions"][:, :, 10:] = np.nan
    result = run(name, arrays, "native", **params)
    assert not result["loss"][:, 10:].any()
    assert not result["dpredictions"][:, :, 10:].any()
    assert np.isfinite(result["dpredictions"]).all()


@pytest.mark.parametrize(("name", "params"), CASES, ids=str)
def test_divergence_shows_in_the_loss(name, params):
    arrays = loss_arrays(name, params, 1, 5, 16, 4)
    for tensor in ("labels", "order"):
        if tensor in arrays:
            arrays[tensor][...] = 1
    arrays["predictions"][0, 2, 3] = np.nan
    loss = run(name, arrays, "native", **params)["loss"]
    assert np.isnan(loss[0, 3]) and np.isfinite(loss[0, :3]).all()


@pytest.mark.parametrize(
    ("name", "params"), [case for case in CASES if takes_probabilities(*case)], ids=str
)
def test_probabilities_are_clipped(name, params):
    arrays = loss_arrays(name, params, 2, 2, 16, 5)
    arrays["predictions"][:, 0] = 0
    arrays["predictions"][:, 1] = 1
    assert_native_matches_reference(name, arrays, **params)


@pytest.mark.parametrize(
    ("name", "params"), [case for case in CASES if not takes_probabilities(*case)], ids=str
)
def test_large_predictions(name, params):
    arrays = loss_arrays(name, params, 1, 3, 16, 6)
    arrays["predictions"] *= 1000
    assert_native_matches_reference(name, arrays, **params)


@pytest.mark.parametrize("threshold", [0.5, 0.0])
@pytest.mark.parametrize("outputs", [1, 2, 9])
def test_correct(outputs, threshold):
    arrays = loss_arrays("mean_squared_error", {}, 3, outputs, 16, 7)
    arrays = {k: arrays[k] for k in ("predictions", "targets", "order")}
    empty = np.empty(arrays["order"].shape, np.float32)
    arrays["targets"] = np.random.default_rng(0).normal(0.5, 1, arrays["targets"].shape)
    arrays["targets"] = arrays["targets"].astype(np.float32)
    assert_native_matches_reference(
        "correct_dense", {**arrays, "correct": empty}, threshold=threshold
    )
    labels = {"predictions": arrays["predictions"], "labels": arrays["order"], "correct": empty}
    assert_native_matches_reference("correct_labels", labels)


def test_correct_by_hand():
    predictions = np.array([[[0.2, 0.6, 0.4, 0.9]]], np.float32)
    targets = np.array([[[0, 1, 1, 1]]], np.float32)
    arrays = {"predictions": predictions, "targets": targets, "order": np.array([[0, 1, 2, -1]])}
    arrays["correct"] = np.empty((1, 4), np.float32)
    assert run("correct_dense", arrays, "native")["correct"].tolist() == [[1, 1, 0, 0]]


@quick
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 12, 3, 5)), st.sampled_from([1, 4, 16])),
    seed=st.integers(0, 99),
)
def test_softmax_matches_reference(shape, seed):
    rng = np.random.default_rng(seed)
    x, dy = rng.normal(0, 3, (2, *shape)).astype(np.float32)
    arrays = {"x": x, "y": np.empty_like(x)}
    assert_native_matches_reference("softmax_forward", arrays)
    y = run("softmax_forward", arrays, "reference")["y"]
    halo = np.zeros((*shape[:2], shape[2] + 2, shape[3] + 2, shape[4]), np.float32)
    dx = halo[:, :, 1:-1, 1:-1]
    assert_native_matches_reference("softmax_backward", {"dy": dy, "y": y, "dx": dx})


def test_softmax_gradient():
    x, dy = np.random.default_rng(0).normal(size=(2, 2, 4, 1, 2, 3))

    def forward(x):
        return run("softmax_forward", {"x": x, "y": np.empty_like(x)}, "reference")["y"]

    numeric = central_differences(lambda x: float((forward(x) * dy).sum()), x)
    arrays = {"dy": dy, "y": forward(x), "dx": np.empty_like(x)}
    analytic = run("softmax_backward", arrays, "reference")["dx"]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("isa", isas())
def test_logarithm(isa):
    """Relative error of -log p as binary cross entropy shows it, from the clip to 1."""
    p = np.geomspace(1.1e-7, 1 - 2e-7, 16 * 500).astype(np.float32).reshape(500, 1, 16)
    arrays = {"predictions": p, "targets": np.ones_like(p), "order": np.zeros((500, 16), np.int64)}
    arrays["loss"] = np.empty((500, 16), np.float32)
    loss = run("binary_crossentropy", arrays, "native", isa=isa)["loss"]
    np.testing.assert_allclose(loss, -np.log(p[:, 0].astype(np.float64)), rtol=2.5e-7)
