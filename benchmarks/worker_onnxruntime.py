"""ONNX Runtime, fp32 inference of a net exported from PyTorch. See serve.py."""

from itertools import cycle
from typing import Any

import onnxruntime
from common import Net
from exported import batches_of, export
from serve import Run, repeat, serve


def worker(net: Net, batch: int, threads: int, mode: str) -> tuple[Run, dict[str, Any]]:
    data, images, facts = export(net, batch)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    parts = cycle(batches_of(images, batch))
    version = f"ONNX Runtime {onnxruntime.__version__}"
    return repeat(lambda: session.run(None, {"x": next(parts)})), facts | {"version": version}


if __name__ == "__main__":
    serve(worker)
