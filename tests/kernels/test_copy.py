import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels import new_program
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 5, 5)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)


@settings(deadline=None, max_examples=30)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99))
def test_copy(shape, halo, seed):
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    inwards = {"x": x, "y": with_halo(np.empty_like(x), halo)}
    assert_native_matches_reference("copy", inwards)
    y = run("copy", inwards, "native")["y"]
    assert_halo_untouched(y)
    assert_native_matches_reference("copy", {"x": y, "y": np.empty_like(x)})


@pytest.mark.parametrize("activation", sorted(SLOPE_FROM_OUTPUT))
@settings(deadline=None, max_examples=15)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99))
def test_add(activation, shape, halo, seed):
    x, z = np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32)
    arrays = {"x": with_halo(x, halo), "z": z, "y": with_halo(np.empty_like(x), halo)}
    params = {"activation": activation, "alpha": 0.1}
    assert_native_matches_reference("add", arrays, **params)
    assert_halo_untouched(run("add", arrays, "native", **params)["y"])


@pytest.mark.parametrize("isa", isas())
def test_add_in_place(isa):
    x, z = np.random.default_rng(0).normal(size=(2, 2, 3, 5, 5, 4)).astype(np.float32)
    expected = x + z
    program = new_program("native", isa)
    program.add("add", {"x": x, "z": z, "y": x})
    program.run(threads=2)
    np.testing.assert_array_equal(x, expected)


@settings(deadline=None, max_examples=30)
@given(shape=shapes, turn=st.permutations([1, 2, 3, 4]), seed=st.integers(0, 99))
def test_copy_of_turned_axes(shape, turn, seed):
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32).transpose(0, *turn)
    arrays = {"x": x, "y": np.empty(x.shape, np.float32)}
    assert_native_matches_reference("copy", arrays)
    np.testing.assert_array_equal(run("copy", arrays, "native")["y"], x)


@settings(deadline=None, max_examples=20)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99))
def test_scale(shape, halo, seed):
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    arrays = {"x": with_halo(x, halo), "y": with_halo(np.empty_like(x), halo)}
    assert_native_matches_reference("scale", arrays, factor=-1.75)
    assert_halo_untouched(run("scale", arrays, "native", factor=-1.75)["y"])
