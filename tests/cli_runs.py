"""Commands to run, here and in real processes, in a folder with a net and images."""

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fastcnn
from fastcnn.cli import main
from fastcnn.signals import SIGNALS

STARTED: list[subprocess.Popen] = []
NET = """
name = "tiny"
[[layers]]
type = "conv2d"
filters = 4
kernel_size = 3
padding = "same"
activation = "relu"
[[layers]]
type = "max_pooling2d"
pool_size = 2
[[layers]]
type = "flatten"
[[layers]]
type = "dropout"
rate = 0.1
[[layers]]
type = "dense"
units = "classes"
activation = "softmax"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder with a net and images of three classes that differ in brightness."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "net.toml").write_text(NET)
    save_images("images.npz", 120)
    yield tmp_path
    while STARTED:  # what a test that failed has left
        process = STARTED.pop()
        process.kill()
        process.wait()


def save_images(path, count, **changes):
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = random.integers(0, 60, (count, 8, 8, 1)) + 90 * labels[:, None, None, None]
    np.savez(path, **{"x": images.astype(np.uint8), "y": labels, **changes})


def run(*arguments, code=0):
    """The outcome of a command that must end with this exit code."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def train(*arguments, code=0):
    base = ["train", "--data", "images.npz", "--model", "net.toml", "--batch-size", 8]
    return run(*base, "--threads", 1, *arguments, code=code)


def train_json(*arguments):
    return json.loads(train("--json", *arguments).stdout)


def start(*command):
    """A real process; it finds the same fastcnn from any folder."""
    environment = {**os.environ, "PYTHONPATH": str(Path(fastcnn.__file__).parents[1])}
    pipe = subprocess.PIPE
    options = {"stdout": pipe, "stderr": pipe, "text": True, "preexec_fn": hear_signals}
    process = subprocess.Popen(command, env=environment, **options)
    STARTED.append(process)
    return process


def hear_signals():
    """In a new process: those that nohup or a background job ignores are not ignored there."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def only_line(result):
    """The error, which must be one line without a traceback."""
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("fastcnn: ")]
    assert len(lines) == 1 and "Traceback" not in result.stderr, result.stderr
    assert result.stderr.splitlines()[-1] == lines[0]
    return lines[0]
