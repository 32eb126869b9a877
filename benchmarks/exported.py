"""A net as an ONNX file, for the runtimes that only infer. Needs PyTorch and onnx."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import Net, random_data
from worker_torch import build, facts_of


def export(net: Net, batch: int) -> tuple[bytes, np.ndarray, dict[str, Any]]:
    """The file's bytes, images (N, C, H, W) for several batches, and the facts of the net."""
    torch.manual_seed(0)
    model = build(net).eval()
    images = np.ascontiguousarray(random_data(net, batch)[0].transpose(0, 3, 1, 2))
    first = torch.from_numpy(images[:batch])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(model, (first,), path, dynamo=False, opset_version=17, **names)
        data = path.read_bytes()
    return data, images, facts_of(model, first)


def batches_of(images: np.ndarray, batch: int) -> list[np.ndarray]:
    return [images[k : k + batch] for k in range(0, len(images), batch)]
