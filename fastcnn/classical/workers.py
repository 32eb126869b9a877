"""Threads around scikit-learn, so that no result depends on how many there are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

CHUNK = 500  # images; fixed, because what a library computes may depend on how many rows it gets


MANY = 1 << 22  # numbers, from which on OpenMP's threads pay


@contextmanager
def limited(threads: int, numbers: int = MANY) -> Iterator[None]:
    """So many OpenMP threads, on which scikit-learn's results do not depend; BLAS has one.

    BLAS adds up in another order if it has more. numbers: how many are worked on; for few of them
    OpenMP gets one thread: where other processes want the cores too, its threads wait for each
    other twenty times longer than they work.
    """
    from threadpoolctl import threadpool_limits

    openmp = threads if numbers >= MANY else 1
    with threadpool_limits(1, user_api="blas"), threadpool_limits(openmp, user_api="openmp"):
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
