"""Numbers of threads, and programs in forked children."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fastcnn.errors import OptionError
from fastcnn.kernels import new_program
from fastcnn.kernels.threads import MAX_THREADS, default_threads, resolve_threads


@pytest.mark.parametrize("threads", [0, -1, 2.5, 2.0, True, "2", np.float64(2), MAX_THREADS + 1])
def test_only_whole_numbers_of_threads(threads):
    with pytest.raises(OptionError, match="threads must be an integer"):
        resolve_threads(threads)


def test_wanted_threads():
    assert resolve_threads(3) == 3 and resolve_threads(np.int64(2)) == 2
    assert type(resolve_threads(np.int64(2))) is int
    assert resolve_threads(None) == default_threads()


def add_program():
    x, y = np.ones((4, 2, 3, 3, 16), np.float32), np.zeros((4, 2, 3, 3, 16), np.float32)
    program = new_program("native")
    program.add("add", {"x": x, "z": x, "y": y})
    return program, y


def test_programs_run_at_the_same_time():
    """Callers share the helping threads, and each gets all of its work done."""
    programs = [(*add_program(), wanted) for wanted in (2, 3, 4, 2, 3, 4)]

    def repeat(program, y, threads):
        for _ in range(200):
            y[...] = 0
            program.run(threads=threads)
            if not (y == 2).all():
                return False
        return True

    with ThreadPoolExecutor(6) as callers:
        assert all(callers.map(lambda own: repeat(*own), programs))


def _statuses():
    """Of this process' threads: {id: {name: value}}, as Linux tells."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        found[int(task.name)] = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return found


def _run_on_one_core(queue):
    """From a thread that is pinned, in a process that has run nothing."""

    def call():
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        before = set(_statuses())
        add_program()[0].run(threads=3)
        queue.put([status for task, status in _statuses().items() if task not in before])

    caller = threading.Thread(target=call)
    caller.start()
    caller.join()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux' /proc")
def test_helpers_are_free_of_pins_and_signals():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=_run_on_one_core, args=(queue,))
    child.start()
    helpers = queue.get(timeout=60)
    child.join()
    assert len(helpers) == 2
    for status in helpers:
        assert int(status["SigBlk"], 16) >> (signal.SIGTERM - 1) & 1
        allowed = int(status["Cpus_allowed"].replace(",", ""), 16)
        assert allowed.bit_count() == len(os.sched_getaffinity(0))


def _child(queue):
    program, y = add_program()
    program.run(threads=2)
    program.step_seconds(threads=2)
    queue.put(float(y.min()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_program_runs_in_a_forked_child():
    add_program()[0].run(threads=2)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(queue,))
    child.start()
    try:
        assert queue.get(timeout=20) == 2
    finally:
        child.kill()
        child.join()
