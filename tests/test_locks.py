"""Children forked while another thread is at work: no lock of the parent's holds them up."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pytest

from fastcnn import Sequential, locks
from fastcnn import layers as L
from fastcnn.kernels import backends
from fastcnn.training.interrupt import StopOnSignal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

SECONDS = 20
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 12, 12, 3), dtype=np.uint8)
LABELS = np.arange(64) % 4


def made(seed=1, **options):
    stack = [
        L.Conv2D(8, 3, padding="same", activation="relu"),
        L.Flatten(),
        L.Dense(4, activation="softmax"),
    ]
    model = Sequential(stack, (12, 12, 3), seed=seed, **options)
    model.compile("sgd", "mse")
    return model


def in_child(work):
    """What a forked child's exit code says: 0 if `work` returned; it dies of an alarm if not."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


@contextmanager
def held(lock):
    """By another thread."""
    taken, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def watched():
    """All locks that there are once everything that has one was imported and made."""
    model = made()
    if "numba" in backends.available_backends():
        import_module("fastcnn.kernels.numba_.driver")
    found = [(owner, name) for owner, name, _ in locks.watched()]
    return model, found


def test_every_lock_is_free_in_a_child():
    _model, found = watched()
    kinds = {type(owner).__name__ for owner, _ in found}
    assert "Sequential" in kinds
    if "numba" in backends.available_backends():
        assert {"Workers", "_CompilerLock", "_LLVMLock"} <= kinds
    for owner, name in found:
        lock = getattr(owner, name)

        def take(owner=owner, name=name):
            assert getattr(owner, name).acquire(timeout=5)

        with held(lock):
            assert in_child(take) == 0
        assert getattr(owner, name) is lock


def test_a_lock_that_the_forking_thread_holds_stays_its_own():
    model = made()

    def leave():
        model._running.release()
        with held(model._running):
            pass

    with model._running:
        assert in_child(leave) == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_a_child_predicts_and_trains_while_the_parent_predicts(threads):
    model, other = made(1, threads=threads), made(2, threads=threads)
    wanted = [m.predict(IMAGES) for m in (model, other)]
    stop = threading.Event()

    def predict():
        while not stop.is_set():
            model.predict(IMAGES)

    def same():
        for known, result in zip((model, other), wanted, strict=True):
            np.testing.assert_array_equal(known.predict(IMAGES), result)

    def fit():
        model.compile("sgd")
        model.fit(IMAGES, LABELS, verbose=0)

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        codes = [in_child(work) for work in (same, fit) for _ in range(5)]
    finally:
        stop.set()
        thread.join()
    assert codes == [0] * 10


def test_weights_that_were_just_packed_are_packed_again_in_a_child(monkeypatch):
    """The child is forked in the middle of a run, when half of them may be there."""
    model = made()
    wanted = model.predict(IMAGES[:1])
    plan = model._plan("predict", 1)
    model.set_weights(model.get_weights())
    before, codes = plan.program.run, []

    def same():
        monkeypatch.setattr(plan.program, "run", before)
        np.testing.assert_array_equal(model.predict(IMAGES[:1]), wanted)
        assert plan._prepared != -1

    def fork_meanwhile(*arguments):
        assert plan._prepared == -1
        codes.append(in_child(same))
        before(*arguments)

    monkeypatch.setattr(plan.program, "run", fork_meanwhile)
    model.predict(IMAGES[:1])
    assert codes == [0]


def test_a_child_may_train_what_the_parent_is_training():
    model = made()
    with model.store.training():
        other = Sequential(model.layers, (12, 12, 3))
        other.compile("sgd")

        def fit():
            other.fit(IMAGES, LABELS, verbose=0)

        assert in_child(fit) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_child_forked_in_training_can_be_ended(number):
    """`Process.terminate` would otherwise only ask the parent's training to stop."""
    with StopOnSignal() as stop:
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            try:
                time.sleep(SECONDS)
            except KeyboardInterrupt:
                os._exit(130)
            finally:
                os._exit(1)
        time.sleep(0.2)
        os.kill(child, number)
        status = os.waitpid(child, 0)[1]
    expected = signal.SIGTERM if number == signal.SIGTERM else 130 << 8
    assert status == expected
    assert not stop.received


def test_owners_that_are_gone_are_forgotten():
    class Owner:
        pass

    kept = Owner()
    kept.lock = threading.RLock()
    locks.renew_in_children(kept, "lock")
    for _ in range(1000):
        locks.renew_in_children(Owner(), "lock")
    assert len(locks._watched) < 700
    assert any(owner is kept for owner, _, _ in locks.watched())
