"""The checks for authors of plugins, run over everything that is registered."""

import cv2
import numpy as np
import pytest

import fastcnn.testing
from fastcnn.plugins.registry import REGISTRIES, activations, layers
from tests.classical.cases import FAST, NEEDS_OPENCV_4, QUICK
from tests.plugins import (
    test_activations,
    test_constraints,
    test_losses,
    test_regularizers,
    test_schedules,
)

IMAGES, ROWS = (7, 5, 3), (9, 4)


def of_cases(cases):
    """{name: [options, ...]} of [(name, options, ...), ...]"""
    found = {}
    for name, options, *_ in cases:
        found.setdefault(name, []).append(options)
    return found


# By kind and name, where nothing but the name is too little: options of one or more cases.
OPTIONS = {
    "layer": {
        "activation": [{"activation": "tanh"}, {"activation": "gelu"}],
        "activity_regularization": [{"l1": 0.1, "l2": 0.2}],
        "add": [{}, {"activation": "tanh"}],
        "alpha_dropout": [{"rate": 0.3}],
        "average_pooling1d": [{}, {"pool_size": 3, "strides": 2, "padding": "same"}],
        "average_pooling2d": [{}, {"pool_size": (3, 2), "strides": 1, "padding": "same"}],
        "channel_padding": [{"padding": (1, 2)}],
        "conv1d": [
            {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
            {"filters": 3, "kernel_size": 2, "strides": 2, "groups": 3, "use_bias": False},
        ],
        "conv2d": [
            {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"},
            {"filters": 3, "kernel_size": (2, 3), "strides": 2, "groups": 3, "use_bias": False},
            {"filters": 2, "kernel_size": 2, "padding": ((1, 0), (2, 1)), "dilation_rate": 2},
        ],
        "conv2d_transpose": [
            {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
            {"filters": 2, "kernel_size": 2, "strides": (3, 1), "activation": "tanh"},
        ],
        "cropping2d": [{"cropping": ((1, 0), (0, 1))}],
        "dense": [{"units": 4, "activation": "tanh"}, {"units": 4, "activity_regularizer": "l2"}],
        "depthwise_conv2d": [{"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}],
        "dropout": [{"rate": 0.3}],
        "gaussian_dropout": [{"rate": 0.3}],
        "gaussian_noise": [{"stddev": 0.3}],
        "global_max_pooling2d": [{}, {"keepdims": True}],
        "group_normalization": [{"groups": -1}, {"groups": 1, "center": False}],
        "locally_connected2d": [{"filters": 2, "kernel_size": 3}],
        "maxout": [{"pool": 3}],
        "maximum": [{}, {"activation": "relu"}],
        "max_pooling1d": [{}, {"pool_size": 3, "strides": 2, "padding": "same"}],
        "max_pooling2d": [{}, {"pool_size": 3, "strides": 2, "padding": "same"}],
        "patch_whitening": [
            {"activation": "gelu"},
            {"kernel_size": (3, 1), "epsilon": 0.1, "use_bias": False},
        ],
        "permute": [{"dims": (2, 3, 1)}],
        "prelu": [{}, {"alpha_initializer": "uniform", "shared_axes": (1,)}],
        "rescaling": [{"scale": 0.3, "offset": -1.5}],
        "reshape": [{"target_shape": (5, 7, 3)}],
        "separable_conv2d": [{"filters": 4, "kernel_size": 3, "depth_multiplier": 2}],
        "spatial_dropout2d": [{"rate": 0.3}],
        "up_sampling2d": [{}, {"size": (3, 2), "interpolation": "bilinear"}],
    },
    "activation": of_cases(
        [(name, {}) for name in activations.names() if name not in ("leaky_relu", "threshold")]
        + [
            (a["name"], {k: v for k, v in a.items() if k != "name"})
            for a in test_activations.OPTIONS
        ]
    ),
    "loss": {  # the defaults, and what has the most options
        name: [{}] + ([cases[-1][0]] if len(cases) > 1 else [])
        for name, cases in test_losses.FORMULAS.items()
    },
    "optimizer": {
        "adam": [{}, {"amsgrad": True, "weight_decay": 0.1, "clipnorm": 0.5}],
        "sgd": [{}, {"momentum": 0.9, "nesterov": True, "global_clipnorm": 1.0}],
    },
    "schedule": of_cases(test_schedules.CASES),
    "regularizer": of_cases(test_regularizers.CASES),
    "constraint": of_cases(test_constraints.CASES),
    "callback": {
        "csv_logger": [{"filename": "log.csv"}],
        "early_stopping": [{"patience": 2, "min_delta": 0.01}],
        "ema": [{"decay": 0.8}],
        "json_logger": [{"filename": "log.jsonl"}],
        "learning_rate_scheduler": [{"schedule": lambda epoch, rate: rate * 0.7}],
        "lookahead": [{}, {"period": 2, "decay": 0.8, "power": 3}],
        "lr_finder": [{"steps": 10}],
        "mlflow": [{"tracking_uri": "mlruns"}],
        "model_checkpoint": [{"filepath": "{epoch}.safetensors"}],
        "reduce_lr_on_plateau": [{"patience": 0, "min_delta": 0.1, "factor": 0.5}],
        "swa": [{"start_epoch": 1}],
        "time_budget": [{"steps": 27}],
    },
    "metric": {"top_k": [{"k": 2}]},
    "baseline": {name: [options] for name, options in {**FAST, **QUICK}.items()},
    "augmentation": {"flip": [{}, {"vertical": True, "alternate": True}]},
}
NEEDS = {"tensorboard": "tensorboardX", "mlflow": "mlflow"}
MORE = {  # arguments of the check
    "activation": {"input_shapes": [IMAGES]},
    "permute": {"input_shapes": [IMAGES]},
    "reshape": {"input_shapes": [IMAGES]},
    "lbfgs": {"full_batch": True},
}
CHECKED = [
    registry for registry in REGISTRIES if f"check_{registry.kind}" in fastcnn.testing.__all__
]
CASES = [
    pytest.param(registry, {"name": name, **options}, id=f"{registry.kind}-{name}-{k}")
    for registry in CHECKED
    for name in registry.names()
    for k, options in enumerate(OPTIONS.get(registry.kind, {}).get(name, [{}]))
]


def test_every_kind_has_a_check():
    without = {registry.group for registry in REGISTRIES if registry not in CHECKED}
    assert without == {"models", "data"}
    assert {f"check_{registry.kind}" for registry in CHECKED} == set(fastcnn.testing.__all__)


@pytest.mark.parametrize(("registry", "config"), CASES)
def test_passes(registry, config, monkeypatch):
    name = config["name"]
    if name == NEEDS_OPENCV_4 and not hasattr(cv2, "ml"):
        pytest.skip("this OpenCV has no cv2.ml")
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database needs more than the extra
    more = MORE.get(name, {}) if registry.kind in ("layer", "optimizer") else {}
    getattr(fastcnn.testing, f"check_{registry.kind}")(config, **more)


@pytest.mark.parametrize(
    ("config", "shapes"),
    [
        ({"name": "concatenate", "axis": 1}, [[(4, 5, 3), (2, 5, 3)]]),
        ({"name": "concatenate"}, [[(4, 5, 3), (4, 5, 1), (4, 5, 2)], [(5, 2), (5, 3)]]),
        ({"name": "permute", "dims": (2, 1)}, [ROWS]),
        ({"name": "reshape", "target_shape": (9, 2, 2)}, [ROWS, (36,)]),
        ({"name": "prelu", "shared_axes": (1, 2)}, [IMAGES, ROWS]),
        (
            {"name": "layer_normalization", "epsilon": 0.1, "gamma_initializer": "uniform"},
            [IMAGES, (1, 1, 5)],
        ),
        ({"name": "group_normalization", "groups": 2}, [(7, 5, 4), (9, 6), (8,)]),
        ({"name": "local_response_normalization", "size": 3, "alpha": 1.0, "k": 1.0}, [(7, 5, 4)]),
    ],
    ids=str,
)
def test_layers_on_other_shapes(config, shapes):
    fastcnn.testing.check_layer(config, input_shapes=shapes)


def test_a_layer_that_is_an_object_stays_as_it_is():
    layer = layers.get("dense")(2)
    before = dict(vars(layer))
    fastcnn.testing.check_layer(layer)
    assert vars(layer) == before and np.ndim(layer.units) == 0
