"""Real processes in trouble: killed, on a full disk, with threads, forked in the middle of work."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.errors import ModelFileError
from fastcnn.signals import SIGNALS
from tests.cli_runs import hear_signals
from tests.endurance.readers import NET

ROOT = Path(__file__).parents[2]
EPOCHS = 6
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 12, 12, 3), dtype=np.uint8)


def _start(folder: Path, *arguments: str, limit: int | None = None) -> subprocess.Popen:
    def before() -> None:
        hear_signals()
        if limit is None:
            return
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing beyond the limit is an error then
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    pipe, environment = subprocess.PIPE, {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fastcnn", *arguments, "--json"]
    places = {"cwd": folder, "env": environment, "preexec_fn": before}
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **places)


def _prepared(folder: Path) -> tuple[str, ...]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4000, 8, 8, 1), dtype=np.uint8)
    np.savez(folder / "images.npz", x=images, y=np.arange(4000) % 3)
    (folder / "net.toml").write_text(NET)
    return "train", "--data", "images.npz", "--model", "net.toml", "--batch-size", "8", "--quiet"


def _finish(folder: Path, train: tuple[str, ...], out: str) -> str:
    """The weights' hash at the end of a run that goes on, or begins again."""
    if (folder / out / "run.json").exists():
        arguments = ("train", "--resume", out, "--epochs", str(EPOCHS), "--quiet")
    else:
        arguments = (*train, "--epochs", str(EPOCHS), "--out", out)
    output, errors = _start(folder, *arguments).communicate(timeout=300)
    assert output, errors
    return json.loads(output)["weights_sha256"]


def kills(count: int, folder: Path, seed: int = 0) -> Counter[str]:
    """Runs are ended at any moment by one of four signals, and must end with the same bits."""
    chance, outcome, train = random.Random(seed), Counter(), _prepared(folder)
    started = time.perf_counter()
    wanted = _finish(folder, train, "whole")
    whole = time.perf_counter() - started
    for number in range(count):
        out = f"run-{number}"
        process = _start(folder, *train, "--epochs", str(EPOCHS), "--out", out)
        time.sleep(chance.uniform(0, whole))
        sent = chance.choice([*SIGNALS, signal.SIGKILL])
        process.send_signal(sent)
        _, errors = process.communicate(timeout=300)
        expected = (-sent,) if sent == signal.SIGKILL else (-sent, 128 + sent)
        if process.returncode not in (0, *expected) or "Traceback" in errors.replace(" ", ""):
            early = process.returncode == -signal.SIGINT  # Python itself was starting
            outcome["interrupted in Python's own start" if early else "wrong code or trace"] += 1
        same = _finish(folder, train, out) == wanted
        outcome["same bits" if same else "other bits"] += 1
        left = [p.name for p in (folder / out).iterdir() if p.name.startswith(".")]
        outcome["litter"] += bool(left)
    return outcome


def full_disk(count: int, folder: Path, seed: int = 0) -> Counter[str]:
    """Files may have so many bytes: a run ends with one line, what is there is whole."""
    chance, outcome, train = random.Random(seed), Counter(), _prepared(folder)
    wanted = _finish(folder, train, "whole")
    largest = (folder / "whole" / "checkpoint.safetensors").stat().st_size
    for number in range(count):
        out, limit = f"run-{number}", chance.randrange(1, 2 * largest)
        process = _start(folder, *train, "--epochs", str(EPOCHS), "--out", out, limit=limit)
        _, errors = process.communicate(timeout=300)
        lines = [line for line in errors.splitlines() if line.startswith("fastcnn: error")]
        fine = process.returncode == 0 or (process.returncode == 1 and len(lines) == 1)
        outcome["one line" if fine and "Traceback" not in errors else "trace"] += 1
        for path in (folder / out).glob("*.safetensors"):
            outcome["whole files"] += 1
            try:
                load_model(path)
            except ModelFileError:
                outcome["damaged files"] += 1
        if process.returncode:
            same = _finish(folder, train, out) == wanted
            outcome["same bits" if same else "other bits"] += 1
    return outcome


def _model(seed: int, backend: str | None = None) -> Sequential:
    stack = [
        L.Conv2D(8, 3, padding="same", activation="relu"),
        L.Flatten(),
        L.Dense(4, activation="softmax"),
    ]
    return Sequential(stack, (12, 12, 3), seed=seed, backend=backend)


def threads(count: int, folder: Path, seed: int = 0) -> Counter[str]:
    """Four threads predict different numbers of images with one model and with their own."""
    outcome: Counter[str] = Counter()
    shared = _model(seed)
    wanted = {n: shared.predict(IMAGES[:n]) for n in range(1, 65)}

    def work(number: int) -> None:
        chance, own = random.Random(f"{seed} {number}"), _model(seed)
        for _ in range(count):
            n = chance.randrange(1, 65)
            for model in (shared, own):
                same = np.array_equal(model.predict(IMAGES[:n]), wanted[n])
                outcome["same bits" if same else "other bits"] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return outcome


def forks(count: int, folder: Path, seed: int = 0) -> Counter[str]:
    """Children are forked while two threads predict, and predict and train themselves."""
    outcome: Counter[str] = Counter()
    shared, stop = _model(seed), threading.Event()
    wanted = shared.predict(IMAGES)

    def work() -> None:
        while not stop.is_set():
            shared.predict(IMAGES)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        for number in range(count):
            outcome[_forked(shared, wanted, number % 2)] += 1
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    return outcome


def _forked(shared: Sequential, wanted: np.ndarray, trains: int) -> str:
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        code = 1
        try:
            if trains:
                model = _model(1)
                model.compile("sgd")
                model.fit(IMAGES, np.arange(64) % 4, verbose=0)
            code = 0 if np.array_equal(shared.predict(IMAGES), wanted) else 2
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {0: "same bits", 2: "other bits", -signal.SIGALRM: "hung"}.get(status, f"died: {status}")


TRIALS: dict[str, Callable[..., Counter[str]]] = {
    "kills": kills,
    "full disk": full_disk,
    "threads": threads,
    "forks": forks,
}
WRONG = ("wrong code or trace", "other bits", "litter", "trace", "damaged files", "hung")


def failed(outcome: Counter[str]) -> list[str]:
    return [name for name, n in outcome.items() if n and (name in WRONG or name[:4] == "died")]
