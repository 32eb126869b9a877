import numpy as np
import pytest

from tests.kernels.compare import assert_native_matches_reference


@pytest.mark.parametrize(("n", "m"), [(1, 1), (50_000, 30), (17, 90_001), (20_003, 32_345)])
def test_memory_peak_reads_and_writes_all(n, m):
    x = np.random.default_rng(0).uniform(0.5, 1, n).astype(np.float32)
    assert_native_matches_reference("memory_peak", {"x": x, "y": np.full(m, 7, np.float32)})
