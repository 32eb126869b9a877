"""Fresh environments, into which packages are really installed; without a network."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def environment(folder: Path, *more: Path) -> Path:
    """The Python of a new environment that also finds the packages of the one that runs the tests,
    and those in the folders `more`."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    paths = [*map(str, more), sysconfig.get_path("purelib")]
    (site / "others.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    return folder / "bin" / "python"


def pip(python: Path, *arguments: object, **variables: str) -> str:
    """What pip said; it must succeed."""
    command = [sys.executable, "-m", "pip", "--python", python, *arguments]
    variables = {
        **os.environ,
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    } | variables
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def pip_install(python: Path, source: Path, *options: str, **variables: str) -> str:
    """Install a folder as it is: neither what it needs nor what builds it comes from elsewhere."""
    return pip(
        python, "install", "--no-deps", "--no-build-isolation", *options, source, **variables
    )


def run(python: Path, *arguments: object, folder: Path | None = None):
    """The finished process, away from the checkout."""
    drop = ("PYTHONPATH", "FASTCNN_BACKEND")
    variables = {k: v for k, v in os.environ.items() if k not in drop}
    where = folder or python.parent
    command = [python, *map(str, arguments)]
    return subprocess.run(command, env=variables, cwd=where, capture_output=True, text=True)
