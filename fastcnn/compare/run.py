"""Runs jobs in processes through joblib; each result is handed on as soon as it is there."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np

from fastcnn.compare.jobs import Job
from fastcnn.compare.measure import DIED, Result, failed, measure
from fastcnn.compare.pool import Pool
from fastcnn.compare.worker import obey


@dataclass(frozen=True, eq=False)
class Arrays:
    """All images and labels, for training and for testing: in cross-validation the same."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def run_jobs(
    jobs: Sequence[Job], arrays: Arrays, pool: Pool, save: Callable[[Job, Result], None]
) -> None:
    """Hand each job with its result to `save`.

    A process that dies (too little memory, a crash in C) takes only its own job with it: the others
    go on, one at a time until a process dies again and so tells whose fault it is.
    """
    waiting = dict(enumerate(jobs))
    one_at_a_time = False
    while waiting:
        try:
            for number, result in _results(waiting, arrays, pool, one_at_a_time):
                save(waiting.pop(number), result)
        except BrokenProcessPool:
            if one_at_a_time:
                job = waiting.pop(min(waiting))
                save(job, failed(job, DIED))
            one_at_a_time = not one_at_a_time


def _results(
    jobs: dict[int, Job], arrays: Arrays, pool: Pool, one_at_a_time: bool
) -> Iterator[tuple[int, Result]]:
    """(number of the job, result), as they end."""
    from joblib import delayed

    data = (arrays.images, arrays.labels, arrays.test_images, arrays.test_labels)
    tasks = [delayed(_work)(os.getpid(), n, job, *data) for n, job in jobs.items()]
    return pool.results(tasks, one_at_a_time)


def _work(parent: int, number: int, job: Job, *data: np.ndarray) -> tuple[int, Result]:
    obey(parent)
    images, labels, test_images, test_labels = data
    split = job.split
    training = images[split.train], labels[split.train]
    return number, measure(job, training, (test_images[split.test], test_labels[split.test]))
