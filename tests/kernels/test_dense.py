import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels import new_program
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, central_differences, run

lanes = st.sampled_from([1, 3, 4, 8, 16, 32])
quick = settings(deadline=None, max_examples=25)


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@quick
@given(
    blocks=st.sampled_from([1, 2, 3, 5, 7]),
    inputs=st.integers(1, 70) | st.sampled_from([120, 300, 515]),
    outputs=st.integers(1, 30) | st.sampled_from([100]),
    lanes=lanes,
    activation=st.sampled_from(SLOPE_FROM_OUTPUT),
    given_optional=st.booleans(),
    seed=st.integers(0, 99),
)
def test_native_matches_reference(blocks, inputs, outputs, lanes, activation, given_optional, seed):
    x, w, b, dy = draw(
        seed, (blocks, inputs, lanes), (outputs, inputs), outputs, (blocks, outputs, lanes)
    )
    w /= np.float32(np.sqrt(inputs))
    params = {"activation": activation, "alpha": 0.1}
    b = b if given_optional else None
    arrays = {"x": x, "w": w, "b": b, "y": np.empty_like(dy)}
    assert_native_matches_reference("dense_forward", arrays, **params)
    y = np.tanh(x) if given_optional else None
    arrays = {"dy": dy, "w": w, "y": y, "dx": np.empty_like(x)}
    assert_native_matches_reference("dense_backward_input", arrays, **params)
    db = np.empty(outputs, np.float32) if given_optional else None
    arrays = {"x": x, "dy": dy, "dw": np.empty_like(w), "db": db}
    assert_native_matches_reference("dense_backward_weight", arrays)


@pytest.mark.parametrize("outputs", range(1, 12))
@pytest.mark.parametrize(("inputs", "blocks", "lanes"), [(16, 1, 16), (129, 3, 16), (33, 2, 32)])
def test_gradients_of_few_outputs(inputs, outputs, blocks, lanes):
    """Up to 10 outputs lie in registers, for one or two vectors of images; inputs in pairs."""
    shapes = (blocks, inputs, lanes), (blocks, outputs, lanes), (outputs, inputs)
    x, dy, w = draw(outputs, *shapes)
    arrays = {"x": x, "dy": dy, "dw": np.empty_like(w), "db": np.empty(outputs, np.float32)}
    assert_native_matches_reference("dense_backward_weight", arrays)
    for y, activation in ((x, "relu"), (np.tanh(x), "tanh"), (None, "linear")):
        arrays = {"dy": dy, "w": w, "y": y, "dx": np.empty_like(x)}
        assert_native_matches_reference("dense_backward_input", arrays, activation=activation)


@pytest.mark.parametrize(("blocks", "lanes"), [(1, 1), (3, 1), (2, 2), (1, 3), (1, 4)])
@pytest.mark.parametrize(("inputs", "outputs"), [(7, 3), (2100, 5)])
def test_weight_gradient_of_few_images(inputs, outputs, blocks, lanes):
    """Rows of weights are written in runs of inputs."""
    x, dy = draw(0, (blocks, inputs, lanes), (blocks, outputs, lanes))
    arrays = {"x": x, "dy": dy, "dw": np.empty((outputs, inputs), np.float32)}
    assert_native_matches_reference("dense_backward_weight", arrays)


@pytest.mark.parametrize("blocks", [1, 2, 5, 9, 13])
def test_forward_reads_weights_for_some_or_all_images_at_once(blocks):
    """Inputs in one go, and the order of tiles, follow from the number of images."""
    x, w, b = draw(0, (blocks, 2100, 16), (14, 2100), 14)
    arrays = {"x": x, "w": w / 46, "b": b, "y": np.empty((blocks, 14, 16), np.float32)}
    assert_native_matches_reference("dense_forward", arrays, activation="relu")


@pytest.mark.parametrize(("inputs", "outputs"), [(900, 150), (1030, 1023)])
@pytest.mark.parametrize("blocks", [1, 5])
def test_input_gradient_of_large_weights(blocks, inputs, outputs):
    """Weights are fetched ahead; a million are read some outputs of several panels at a time."""
    dy, w = draw(0, (blocks, outputs, 16), (outputs, inputs))
    y = draw(1, (blocks, inputs, 16))[0]
    w /= np.float32(np.sqrt(outputs))
    arrays = {"dy": dy, "w": w, "y": y, "dx": np.empty_like(y)}
    assert_native_matches_reference("dense_backward_input", arrays, activation="relu")


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("images", [1, 6, 8])
@pytest.mark.parametrize(("inputs", "outputs"), [(16, 4), (35, 9), (64, 10), (7, 1), (20, 150)])
def test_packed_weights(lanes, images, inputs, outputs):
    shapes = (images, inputs, lanes), (outputs, inputs), (outputs,), (images, outputs, lanes)
    x, w, b, y = draw(0, *shapes)
    arrays = {"x": x, "w": w, "b": b, "y": y}
    assert_native_matches_reference("dense_forward", arrays, activation="tanh", packed=1)


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("outputs", [100, 150])
def test_packed_weights_in_every_run(isa, outputs):
    """Every other run takes groups of outputs in the opposite order, and gives the same bits."""
    x, w, y = draw(0, (1, 37, 1), (outputs, 37), (1, outputs, 1))
    program = new_program("native", isa)
    program.add("dense_forward", {"x": x, "w": w, "y": y}, packed=1)
    results = []
    for threads in (1, 1, 2, 3, 1):
        y[...] = np.nan
        program.run(threads=threads)
        results.append(y.copy())
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("isa", isas())
def test_packed_weights_reach_their_output_alone(isa):
    """Vectors of weights reach beyond the last output, into the next input's."""
    x, w, y = draw(0, (1, 37, 1), (100, 37), (1, 100, 1))
    w[50] = np.nan
    program = new_program("native", isa)
    program.add("dense_forward", {"x": x, "w": w, "y": y}, packed=1)
    program.run()
    assert np.flatnonzero(np.isnan(y)).tolist() == [50]


@pytest.mark.parametrize("lanes", [8, 16])
def test_more_than_one_go(lanes):
    """More outputs, inputs and images than the kernels take in one go."""
    x, w, dy = draw(0, (40, 70, lanes), (1030, 70), (40, 1030, lanes))
    y = np.empty_like(dy)
    assert_native_matches_reference("dense_forward", {"x": x, "w": w, "y": y})
    arrays = {"dy": dy, "w": w, "y": np.tanh(x), "dx": np.empty_like(x)}
    assert_native_matches_reference("dense_backward_input", arrays, activation="tanh")
    arrays = {"x": x, "dy": dy, "dw": np.empty_like(w), "db": np.empty(1030, np.float32)}
    assert_native_matches_reference("dense_backward_weight", arrays)


def test_weights_that_no_cache_holds():
    """Blocks of fewer outputs and more inputs."""
    w, y, dy = draw(0, (1030, 1090), (3, 1090, 16), (3, 1030, 16))
    arrays = {"dy": dy, "w": w / 32, "y": np.tanh(y), "dx": np.empty_like(y)}
    assert_native_matches_reference("dense_backward_input", arrays, activation="tanh")


@pytest.mark.parametrize("isa", isas())
def test_forward_of_weights_in_memory(isa):
    """From 8 million weights on, tiles have fewer rows and fetch those of the next."""
    x, w = draw(0, (1, 1030, 16), (1, 1030))
    w = np.repeat(w, 8200, axis=0)
    w[:, 0] = np.arange(8200)
    expected = np.outer(w[:, 0], x[0, 0].astype(np.float64)) + w[0, 1:] @ x[0, 1:]
    for threads in (1, 3):
        y = np.empty((1, 8200, 16), np.float32)
        program = new_program("native", isa)
        program.add("dense_forward", {"x": x, "w": w, "y": y})
        program.run(threads=threads)
        np.testing.assert_allclose(y[0], expected, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_strided_views_keep_their_borders(lanes):
    """Views into larger arrays: what lies around them stays as it was."""
    base = np.zeros((3, 25, 2 * lanes), np.float32)
    dy, w = draw(1, (3, 9, lanes), (9, 21))
    x = base[:, 2:23, :lanes]
    x[...] = draw(2, x.shape)[0]
    dx_base = np.zeros_like(base)
    arrays = {"dy": dy, "w": w, "y": x, "dx": dx_base[:, 2:23, :lanes]}
    assert_native_matches_reference("dense_backward_input", arrays, activation="relu")
    dx = run("dense_backward_input", arrays, "native", activation="relu")["dx"]
    around = dx.base.copy()
    around[:, 2:23, :lanes] = 0
    assert not around.any()
    assert_native_matches_reference("dense_forward", {"x": x, "w": w, "y": np.empty_like(dy)})
    arrays = {"x": x, "dy": dy, "dw": np.empty_like(w)}
    assert_native_matches_reference("dense_backward_weight", arrays)


def test_only_active_blocks_count():
    x, w, dy = draw(3, (3, 20, 16), (7, 20), (3, 7, 16))
    results = []
    for blocks in (3, 2):
        dw = np.empty_like(w)
        program = new_program("native")
        program.add("dense_backward_weight", {"x": x[:blocks], "dy": dy[:blocks], "dw": dw})
        program.run(blocks=2)
        results.append(dw)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("activation", SLOPE_FROM_OUTPUT)
def test_gradients(activation):
    """d sum(dy (w f(z) + b)) by z, w and b, f the activation of the layer before."""
    rng = np.random.default_rng(0)
    z, w, b, dy = (rng.normal(size=s) for s in ((2, 5, 3), (4, 5), 4, (2, 4, 3)))
    params = {"activation": activation, "alpha": 0.1}

    def output():
        x = np.empty_like(z)
        run5 = {"x": z[..., None, None, :], "y": x[..., None, None, :]}
        x = run("activation_forward", run5, "reference", **params)["y"][:, :, 0, 0]
        y = run("dense_forward", {"x": x, "w": w, "b": b, "y": np.empty_like(dy)}, "reference")["y"]
        return x, float((y * dy).sum())

    x, _ = output()
    arrays = {"dy": dy, "w": w, "y": x, "dx": np.empty_like(x)}
    dx = run("dense_backward_input", arrays, "reference", **params)["dx"]
    arrays = {"x": x, "dy": dy, "dw": np.empty_like(w), "db": np.empty_like(b)}
    gradients = run("dense_backward_weight", arrays, "reference")
    for array, analytic in ((z, dx), (w, gradients["dw"]), (b, gradients["db"])):
        numeric = central_differences(lambda _: output()[1], array)
        np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)
