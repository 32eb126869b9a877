"""Nothing of the catalogue is forgotten: what is not compared with PyTorch stands here.

Needs no PyTorch, so that who adds a layer is told.
"""

from fastcnn.plugins.registry import (
    activations,
    initializers,
    layers,
    losses,
    optimizers,
    schedules,
)
from tests.torch import (
    test_activations,
    test_convolutions,
    test_initializers,
    test_losses,
    test_noise,
    test_normalization,
    test_optimizers,
    test_pooling,
    test_schedules,
    test_shapes,
)

NOT_IN_PYTORCH = {
    "layers": {
        "activity_regularization",  # a penalty, not an output
        "gaussian_dropout",
        "gaussian_noise",
        "patch_whitening",  # a convolution whose filters come from the data
        "zca_whitening",
    },
    "activations": set(),
    "losses": set(),
    "optimizers": {"lars", "lion"},
    "schedules": set(),
    "initializers": set(),
}
LAYER_ROWS = [
    *test_convolutions.ROWS,
    *test_pooling.ROWS,
    *test_shapes.ROWS,
    *test_normalization.ROWS,
    *test_noise.ROWS,
    *test_activations.LAYERS,
]
OTHER_TESTS = {  # without a row of a table
    "layers": {"batch_normalization", "normalization"},
    "optimizers": {"lbfgs"},
}
COMPARED = {
    "layers": {row[0].registered_name for row in LAYER_ROWS} | OTHER_TESTS["layers"],
    "activations": {name for name, *_ in test_activations.TABLE},
    "losses": set(test_losses.TABLE),
    "optimizers": {name for name, *_ in test_optimizers.TABLE} | OTHER_TESTS["optimizers"],
    "schedules": {name for name, *_ in test_schedules.TABLE},
    "initializers": {name for name, *_ in test_initializers.TABLE},
}


def test_everything_is_compared_or_not_in_pytorch():
    for registry in (layers, activations, losses, optimizers, schedules, initializers):
        compared, absent = COMPARED[registry.group], NOT_IN_PYTORCH[registry.group]
        assert not compared & absent
        assert compared | absent == set(registry.names()), registry.group
