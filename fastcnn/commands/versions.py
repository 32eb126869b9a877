"""What ran: versions, instruction set, threads."""

import platform

import numpy as np

from fastcnn import __version__
from fastcnn.kernels.native import isa_index, isas


def versions() -> dict[str, str]:
    return {
        "fastcnn": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def isa_in_use() -> str:
    return isas()[isa_index()]
