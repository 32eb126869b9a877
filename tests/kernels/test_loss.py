import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import OPS
from tests.kernels.compare import assert_native_matches_reference, central_differences, run

quick = settings(deadline=None, max_examples=25)
LOSSES = [name for name, op in OPS.items() if "loss" in op.tensors]
PROBABILITIES = ("cross_entropy", "cross_entropy_dense")


def loss_arrays(name, blocks, classes, lanes, seed, dtype=np.float32, gradient=True):
    """Random arguments of a loss by the names of its tensors, with lanes that hold no image."""
    rng = np.random.default_rng(seed)
    outputs = rng.normal(0, 3, (blocks, classes, lanes))
    targets = rng.dirichlet(np.ones(classes), (blocks, lanes)).transpose(0, 2, 1)
    labels = rng.integers(0, classes, (blocks, lanes))
    labels[-1, lanes - rng.integers(0, lanes + 1) :] = -1
    if name in PROBABILITIES:
        outputs = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    empty = np.empty((blocks, lanes), dtype)
    known = {"targets": np.ascontiguousarray(targets, dtype), "labels": labels, "order": labels}
    known |= {"loss": empty, "correct": empty.copy()}
    tensors = list(OPS[name].tensors)
    arrays = {t: known[t] for t in tensors[1:-1]}
    arrays[tensors[0]] = outputs.astype(dtype)
    arrays[tensors[-1]] = np.empty(outputs.shape, dtype) if gradient else None
    return arrays, tensors[0], tensors[-1]


@pytest.mark.parametrize("name", LOSSES)
@quick
@given(
    blocks=st.sampled_from([1, 2, 7]),
    classes=st.integers(1, 21),
    lanes=st.sampled_from([1, 3, 4, 8, 16, 32]),
    smoothing=st.sampled_from([0.0, 0.1]),
    gradient=st.booleans(),
    seed=st.integers(0, 99),
)
def test_native_matches_reference(name, blocks, classes, lanes, smoothing, gradient, seed):
    arrays, *_ = loss_arrays(name, blocks, classes, lanes, seed, gradient=gradient)
    params = {"label_smoothing": smoothing} if OPS[name].params else {}
    assert_native_matches_reference(name, arrays, **params)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient(name):
    arrays, outputs, gradient = loss_arrays(name, 2, 4, 3, 1, np.float64)
    params = {"label_smoothing": 0.1} if OPS[name].params else {}
    images = (arrays.get("order", arrays.get("labels")) >= 0).sum()

    def mean_loss(_):
        return float(run(name, arrays, "reference", **params)["loss"].sum() / images)

    analytic = run(name, arrays, "reference", **params)[gradient]
    numeric = central_differences(mean_loss, arrays[outputs], h=1e-6)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", [n for n in LOSSES if n.endswith("_dense")])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_dense_targets_agree_with_labels(name, backend):
    arrays, *_ = loss_arrays(name.removesuffix("_dense"), 2, 10, 16, 2)
    expected = run(name.removesuffix("_dense"), arrays, backend)
    labels = arrays.pop("labels")
    arrays["targets"] = (labels[:, None] == np.arange(10)[:, None]).astype(np.float32)
    for tensor, value in run(name, arrays | {"order": labels}, backend).items():
        np.testing.assert_allclose(value, expected[tensor], rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_lanes_without_image_get_nothing(name):
    arrays, outputs, gradient = loss_arrays(name, 1, 5, 16, 3)
    for tensor in ("labels", "order"):
        if tensor in arrays:
            arrays[tensor][:, 10:] = -1
    arrays[outputs][:, :, 10:] = np.nan
    result = run(name, arrays, "native")
    assert not result["loss"][:, 10:].any()
    assert not result[gradient][:, :, 10:].any()
    assert np.isfinite(result[gradient]).all()


@pytest.mark.parametrize("name", [n for n in LOSSES if n not in PROBABILITIES])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_divergence_shows_in_the_loss(name, bad):
    arrays, outputs, _ = loss_arrays(name, 1, 5, 16, 4)
    for tensor in ("labels", "order"):
        if tensor in arrays:
            arrays[tensor][...] = 1
    arrays[outputs][0, 2, 3] = bad
    assert not np.isfinite(run(name, arrays, "native")["loss"][0, 3])


@pytest.mark.parametrize("name", PROBABILITIES)
def test_probabilities_are_clipped(name):
    arrays, outputs, _ = loss_arrays(name, 2, 2, 16, 5)
    arrays[outputs][:, 0] = np.float32(0)
    arrays[outputs][:, 1] = np.float32(1)
    assert_native_matches_reference(name, arrays)


def test_large_logits():
    arrays, *_ = loss_arrays("softmax_cross_entropy", 1, 3, 16, 6)
    arrays["logits"] *= 1000
    assert_native_matches_reference("softmax_cross_entropy", arrays)


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
    """Relative error of -log p as cross entropy shows it, from the clip to 1."""
    p = np.geomspace(1.1e-7, 1 - 2e-7, 16 * 500).astype(np.float32).reshape(500, 1, 16)
    labels = np.zeros((500, 16), np.int64)
    arrays = {"probabilities": p, "labels": labels}
    arrays |= {"loss": np.empty((500, 16), np.float32), "correct": np.empty((500, 16), np.float32)}
    loss = run("cross_entropy", arrays, "native", isa=isa)["loss"]
    np.testing.assert_allclose(loss, -np.log(p[:, 0].astype(np.float64)), rtol=2.5e-7)
