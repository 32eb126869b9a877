"""Compiled kernels that several processes keep in one folder."""

import os
import subprocess
import sys

LOSSES = """
import sys
import numpy as np
from fastcnn.kernels import new_program

for name in sys.argv[1:]:
    arrays = {"predictions": np.full((1, 1, 1), 0.25, np.float32)}
    arrays |= {"targets": np.ones((1, 1, 1), np.float32), "order": np.zeros((1, 1), np.int64)}
    arrays |= {"loss": np.zeros((1, 1), np.float32)}
    arrays |= {"dpredictions": np.zeros((1, 1, 1), np.float32)}
    program = new_program("numba")
    program.add(name, arrays)
    program.run()
    print(round(float(arrays["loss"][0, 0]), 4))
"""


def losses(folder, *names):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", LOSSES, *names]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(line) for line in run.stdout.split()]


def test_kernels_of_two_processes_are_told_apart_by_a_third(tmp_path):
    """Both are made by one function, so that their helpers have one name."""
    assert losses(tmp_path, "dice") == [0.6]
    assert losses(tmp_path, "cosine_similarity") == [-1]
    assert losses(tmp_path, "cosine_similarity", "dice") == [-1, 0.6]
