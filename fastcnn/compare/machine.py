"""On what a comparison ran: times mean nothing without it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastcnn import __version__
from fastcnn.kernels.threads import effective_cores

PACKAGES = ("numpy", "scikit-learn", "scipy")


def machine() -> dict[str, Any]:
    """load: mean number of running processes over the last minute, ours included."""
    return {
        "processor": _processor(),
        "cores": effective_cores(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(),
        "versions": {
            "fastcnn": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
