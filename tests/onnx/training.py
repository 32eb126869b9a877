"""ONNX' losses and optimizers as ours. See layers.py."""

import numpy as np

from fastcnn import layers as L
from fastcnn.plugins.registry import losses, make
from tests.kernels.compare import run as run_kernel
from tests.onnx.cases import as_float
from tests.onnx.layers import run
from tests.run_layers import DTYPES, run_loss

CROSSENTROPY = {"name": "sparse_categorical_crossentropy", "from_logits": True}


def softmax_cross_entropy(case, backend):
    """Every pixel is a sample; one that is ignored has weight 0. The mean is that of weights."""
    scores, labels, class_weights = (*case.inputs, None)[:3]
    rows = as_float(np.moveaxis(scores, 1, -1).reshape(-1, scores.shape[1]))
    kept = labels != case.get("ignore_index", None)
    known = np.where(kept, labels, 0).reshape(-1)
    weights = np.ones(len(known)) if class_weights is None else as_float(class_weights)[known]
    weights = weights * kept.reshape(-1)
    each, _ = run_loss(make(losses, CROSSENTROPY), rows, known, weights, backend)
    outputs = [_reduced(each, weights, labels.shape, case.get("reduction", "mean"))]
    if len(case.outputs) == 2:
        flat = scores.reshape(*scores.shape[:2], -1)
        outputs.append(run(L.LogSoftmax(), [flat], {}, backend).y.reshape(scores.shape))
    return outputs


def _reduced(each, weights, shape, reduction):
    if reduction == "none":
        return each.reshape(shape)
    return each.sum() / (weights.sum() if reduction == "mean" else 1)


def optimizer(kernel, options, state, into=lambda s, rate: s, back=lambda s, rate: s, hyper=()):
    """A kernel's update of all parameters of a case, in one flat array.

    Inputs are rate, step (0 in all cases, which means no correction), then all parameters, all
    their gradients, and the arrays of each kind of state; outputs are parameters and state.
    options: the kernel's, of a case; into, back: ONNX' state as the kernel's, and back again.
    """

    def translate(case, backend):
        rate, _, *arrays = case.inputs
        count = len(arrays) // (2 + len(state))
        groups = [arrays[k : k + count] for k in range(0, len(arrays), count)]
        flat = [_flat(group, backend) for group in groups]
        bounds = np.arange(count + 1) * 16
        l2 = case.get("norm_coefficient", 0.0) / 2
        tensors = {"p": flat[0], "g": flat[1], "bounds": bounds}
        tensors["penalties"] = np.tile([0, l2, 0, 1], (count, 1)).astype(DTYPES[backend])
        tensors["hyper"] = np.array([rate, *hyper], np.float64)
        slots = zip(state, flat[2:], strict=True)
        tensors |= {name: into(s, float(rate)).astype(s.dtype) for name, s in slots}
        changed = run_kernel(kernel, tensors, backend, **options(case))
        results = [changed["p"], *(back(changed[name], float(rate)) for name in state)]
        return [
            result[start : start + array.size]
            for result, group in zip(results, [groups[0], *groups[2:]], strict=True)
            for start, array in zip(bounds, group, strict=False)
        ]

    return translate


def _flat(arrays, backend):
    """Each array at the beginning of 16 places; in the others the state must not be 0."""
    flat = np.ones(16 * len(arrays), DTYPES[backend])
    for k, array in enumerate(arrays):
        flat[16 * k : 16 * k + array.size] = array
    return flat


def momentum_options(case):
    nesterov = case.attributes["mode"] == "nesterov"
    return {"momentum": case.attributes["alpha"], "nesterov": int(nesterov)}


def adam_options(case):
    names = {"beta1": "alpha", "beta2": "beta", "epsilon": "epsilon"}
    return {ours: case.attributes[theirs] for ours, theirs in names.items()}


def adagrad_options(case):
    """epsilon is added to the root there, inside it here."""
    return {"epsilon": case.attributes["epsilon"] ** 2}


TRAINING = {
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
    "NegativeLogLikelihoodLoss": softmax_cross_entropy,
    "Momentum": optimizer(
        "sgd_update",
        momentum_options,
        ["velocity"],
        into=lambda v, rate: -rate * v,  # with the rate in it here
        back=lambda v, rate: v / -rate,
    ),
    "Adam": optimizer("adam_update", adam_options, ["m", "v"], hyper=(1.0, 1.0)),
    "Adagrad": optimizer("adagrad_update", adagrad_options, ["squares"]),
}
