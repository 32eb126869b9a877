"""What the built-ins are held to, for authors of plugins: one check for each kind of thing.

A check takes a name, a table {"name": ..., option: ...} or an object, and raises an AssertionError
that says what is wrong. It needs no test framework:

    from fastcnn.testing import check_layer

    def test_my_layer():
        check_layer({"name": "my_layer", "power": 2})

Every check wants the thing registered, documented, made again from its options, and an error that
names an option it does not have. What else it wants stands in its docstring.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastcnn.testing.activation import check_activation
    from fastcnn.testing.augmentation import check_augmentation
    from fastcnn.testing.baseline import check_baseline
    from fastcnn.testing.callback import check_callback
    from fastcnn.testing.constraint import check_constraint
    from fastcnn.testing.initializer import check_initializer
    from fastcnn.testing.layer import check_layer
    from fastcnn.testing.loss import check_loss
    from fastcnn.testing.metric import check_metric
    from fastcnn.testing.optimizer import check_optimizer
    from fastcnn.testing.regularizer import check_regularizer
    from fastcnn.testing.schedule import check_schedule

__all__ = [
    "check_activation",
    "check_augmentation",
    "check_baseline",
    "check_callback",
    "check_constraint",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_regularizer",
    "check_schedule",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.{name.removeprefix('check_')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
