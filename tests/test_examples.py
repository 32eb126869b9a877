"""The examples run as they are."""

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_digits():
    run = subprocess.run(
        [sys.executable, EXAMPLES / "digits.py"], capture_output=True, text=True, check=True
    )
    assert "conv2d (Conv2D)" in run.stdout
    accuracy = re.search(r"'accuracy': ([0-9.]+)", run.stdout)
    assert accuracy and float(accuracy[1]) > 0.97


def test_small_toml(tmp_path):
    command = [sys.executable, "-m", "fastcnn", "train", "--data", "digits", "--epochs", "1"]
    command += ["--model", str(EXAMPLES / "small.toml"), "--out", str(tmp_path / "run")]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_profit_loss():
    run = subprocess.run(
        [sys.executable, EXAMPLES / "profit_loss.py"], capture_output=True, text=True, check=True
    )
    squares, money, known = (float(n) for n in re.findall(r": ([0-9.]+) a day", run.stdout))
    assert squares + 0.2 < money < known


def test_estimators():
    run = subprocess.run(
        [sys.executable, EXAMPLES / "estimators.py"], capture_output=True, text=True, check=True
    )
    scores = [float(n) for n in re.findall(r"test ([0-9.]+)", run.stdout)]
    assert len(scores) == 3 and min(scores) > 0.9
