"""Runs a program's kernels on several threads: csrc/program.c in Python.

The work of each kernel is cut into as many shares as there are threads. A thread takes its own
share first and then any that nobody has begun; the next kernel starts when all shares are done,
whoever did them. The GIL is released for the whole run.
"""

import threading
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

from fastcnn.kernels.numba_.compiled import compile_driver
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.machine import (
    add_and_get_old,
    call,
    flush_denormals,
    offer_core,
    pause,
    read_word,
    restore_denormals,
)
from fastcnn.locks import renew_in_children

LINE = 16  # int32 words of a cache line
SPINS = 2000  # rounds of waiting before the core is offered to others


@helper
def take_shares(step, begun, done, thread, threads, blocks):
    """step: the kernel's address, its words, the scratch of the first share, floats of each."""
    for k in range(threads):
        share = (thread + k) % threads
        if read_word(begun + 4 * share) or add_and_get_old(begun + 4 * share, 1):
            continue
        scratch = step[2] + 4 * step[3] * share
        call(step[0], (step[1], share, threads, scratch, step[3], blocks))
        add_and_get_old(done, 1)


@helper
def _wait(done, threads):
    spins = 0
    while read_word(done) < threads:
        spins += 1
        if spins > SPINS:
            offer_core()
        pause()


@cache
def drive() -> Any:
    """steps (S, 4) int64; state: a line for each step's done shares, then each step's begun ones.

    Compiled at first use."""

    @compile_driver("void(int64[:, ::1], int32[::1], int64, int64, int64)")
    def run_steps(steps, state, thread, threads, blocks):
        saved = flush_denormals()
        base = state.ctypes.data
        for k in range(len(steps)):
            done = base + 4 * LINE * k
            begun = base + 4 * (LINE * len(steps) + threads * k)
            take_shares(steps[k], begun, done, thread, threads, blocks)
            _wait(done, threads)
        restore_denormals(saved)

    return run_steps


def run(steps: np.ndarray, blocks: int, threads: int) -> None:
    """Run all steps. A helper that comes late finds all shares begun, and touches nothing."""
    if not len(steps):
        return
    state = np.zeros(len(steps) * (LINE + threads), np.int32)
    function = drive()
    for thread in range(1, threads):
        workers.ask(threads - 1, function, (steps, state, thread, threads, blocks))
    function(steps, state, 0, threads, blocks)


class Workers:
    """Threads that wait for something to run. A forked child has none; see kernels/threads.py."""

    def __init__(self) -> None:
        self.queue: SimpleQueue = SimpleQueue()
        self.lock = threading.RLock()
        renew_in_children(self, "lock")
        self.count = 0

    def ask(self, wanted: int, function: Any, arguments: tuple) -> None:
        with self.lock:
            while self.count < wanted:
                threading.Thread(target=self._work, name="fastcnn", daemon=True).start()
                self.count += 1
        self.queue.put((function, arguments))

    def _work(self) -> None:
        while True:
            function, arguments = self.queue.get()
            function(*arguments)
            del function, arguments  # the arrays of a program that is gone


workers = Workers()
