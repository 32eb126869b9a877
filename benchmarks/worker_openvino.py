"""OpenVINO, fp32 inference of a net exported from PyTorch, in one stream. See serve.py."""

from itertools import cycle
from typing import Any

import openvino
from common import Net
from exported import batches_of, export
from serve import Run, repeat, serve


def worker(net: Net, batch: int, threads: int, mode: str) -> tuple[Run, dict[str, Any]]:
    data, images, facts = export(net, batch)
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    options["INFERENCE_PRECISION_HINT"] = "f32"
    core = openvino.Core()
    request = core.compile_model(core.read_model(data), "CPU", options).create_infer_request()
    tensors = cycle([openvino.Tensor(x, shared_memory=True) for x in batches_of(images, batch)])

    def step() -> None:
        request.set_input_tensor(next(tensors))
        request.infer()

    return repeat(step), facts | {"version": f"OpenVINO {openvino.__version__}"}


if __name__ == "__main__":
    serve(worker)
