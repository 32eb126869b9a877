"""The table of kernels: one module for each family, the same names as in csrc/ and reference/."""

from fastcnn.errors import BackendError, OptionError
from fastcnn.kernels.spec import (
    activation,
    activity,
    augment,
    batch_norm,
    bias,
    color_histogram,
    conv2d,
    copy,
    dense,
    dropout,
    elementwise_loss,
    fold,
    gather,
    gradient,
    group_norm,
    hog,
    layer_norm,
    local2d,
    log_softmax,
    loss,
    lrn,
    maxout,
    merge,
    noise,
    optimizer,
    peak,
    pool2d,
    prelu,
    rng,
    sample_loss,
    upsampling2d,
    weights,
    winograd,
)
from fastcnn.kernels.spec.op import (
    ACTIVATION,
    DTYPES,
    ENUMS,
    SLOPE_FROM_INPUT,
    SLOPE_FROM_OUTPUT,
    Op,
)

FAMILIES = (
    activation,
    activity,
    augment,
    batch_norm,
    bias,
    color_histogram,
    conv2d,
    copy,
    dense,
    dropout,
    elementwise_loss,
    fold,
    gather,
    gradient,
    group_norm,
    hog,
    layer_norm,
    local2d,
    log_softmax,
    loss,
    lrn,
    maxout,
    merge,
    noise,
    optimizer,
    peak,
    pool2d,
    prelu,
    rng,
    sample_loss,
    upsampling2d,
    weights,
    winograd,
)
OPS: dict[str, Op] = {name: op for family in FAMILIES for name, op in family.OPS.items()}


def register_kernel(op: Op) -> None:
    """Enter a plugin's kernel, a Python function of the tensors and, by keyword, the parameters."""
    old = OPS.get(op.name)
    if op.python is None:
        raise BackendError(f"kernel {op.name!r} needs a Python function")
    if old is not None and (old.python is None or old.python.__module__ != op.python.__module__):
        raise OptionError(f"there is a kernel {op.name!r} already: {old}")
    OPS[op.name] = op


__all__ = [
    "ACTIVATION",
    "DTYPES",
    "ENUMS",
    "FAMILIES",
    "OPS",
    "SLOPE_FROM_INPUT",
    "SLOPE_FROM_OUTPUT",
    "Op",
    "register_kernel",
]
