"""`fastcnn compare`: flags and a pipeline file in, a comparison out."""

from typing import Any

from fastcnn.commands.named_options import named_list
from fastcnn.compare.compare_models import compare_models
from fastcnn.compare.options import read_pipeline
from fastcnn.plugins.registry import optimizers
from fastcnn.training.interrupt import signals_interrupt


def compare(pipeline: str | None, **flags: Any) -> dict[str, Any]:
    """The results; flags that are None leave it to the pipeline file, or to the defaults."""
    options = {} if pipeline is None else read_pipeline(pipeline)
    options |= {name: value for name, value in flags.items() if value is not None}
    for name, registry in (("models", None), ("optimizers", optimizers)):
        if isinstance(options.get(name), str):
            options[name] = named_list(options[name], f"--{name}", registry)
    with signals_interrupt():
        return compare_models(**options)
