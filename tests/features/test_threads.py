"""n_jobs as threads."""

import pytest
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from fastcnn.errors import OptionError
from fastcnn.features.threads import threads_of
from fastcnn.kernels.threads import default_threads, has_openmp


def test_no_more_than_there_are():
    allowed = default_threads()
    assert threads_of(None) == threads_of(-1) == threads_of(1000) == allowed
    assert threads_of(1) == 1
    assert threads_of(-2) == max(1, allowed - 1)


@pytest.mark.skipif(not has_openmp(), reason="the kernels have no threads to limit")
def test_threadpoolctl_limits():
    with threadpool_limits(1):
        assert threads_of(None) == threads_of(8) == 1


def test_processes_share_the_cores():
    """joblib gives each of its processes its part."""
    found = Parallel(n_jobs=2, backend="loky")(delayed(threads_of)(None) for _ in range(4))
    assert set(found) == {max(1, default_threads() // 2)}


@pytest.mark.parametrize("jobs", [0, 1.5, True, "2"])
def test_what_is_no_number_of_threads(jobs):
    with pytest.raises(OptionError, match="n_jobs must be None or an integer but 0"):
        threads_of(jobs)
