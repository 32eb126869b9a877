"""Threads around scikit-learn, so that no result depends on how many there are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

CHUNK = 500  # images; fixed, because what a library computes may depend on how many rows it gets


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """So many OpenMP threads, on which scikit-learn's results do not depend; BLAS has one.

    BLAS adds up in another order if it has more.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), threadpool_limits(threads, user_api="openmp"):
        yield


def in_chunks(
    apply: Callable[[np.ndarray], np.ndarray], features: Any, images: np.ndarray, threads: int
) -> np.ndarray:
    """apply(features of images), chunk by chunk, the chunks on several threads."""
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    def one(start: int) -> np.ndarray:
        with threadpool_limits(1, user_api="openmp"):  # of this thread only
            return apply(features.transform(images[start : start + CHUNK]))

    starts = range(0, len(images), CHUNK)
    with limited(threads):
        parts = Parallel(n_jobs=min(threads, len(starts)), backend="threading")(
            delayed(one)(start) for start in starts
        )
    return np.concatenate(parts)
