import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.compare import assert_native_matches_reference
from tests.kernels.halos import with_halo


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 5, 5, 9)), st.sampled_from([1, 3, 4, 8, 16])),
    halo=st.tuples(*(st.integers(0, 2),) * 4),
    seed=st.integers(0, 99),
)
def test_bias_backward(shape, halo, seed):
    dy = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    arrays = {"dy": with_halo(dy, halo), "db": np.empty(shape[1], np.float32)}
    assert_native_matches_reference("bias_backward", arrays)
