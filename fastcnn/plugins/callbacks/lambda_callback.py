"""A callback from plain functions."""

from collections.abc import Callable
from typing import Any

from fastcnn.engine.callback import Callback
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks

Hook = Callable[..., Any] | None


@callbacks.register("lambda_callback")
class LambdaCallback(Callback):
    """Each given function is called as the hook of that name, with the hook's arguments.

    on_train_begin and on_train_end take (logs), on_epoch_begin and on_epoch_end (epoch, logs),
    on_batch_begin and on_batch_end (batch, logs).
    """

    def __init__(
        self,
        on_train_begin: Hook = None,
        on_train_end: Hook = None,
        on_epoch_begin: Hook = None,
        on_epoch_end: Hook = None,
        on_batch_begin: Hook = None,
        on_batch_end: Hook = None,
    ) -> None:
        given = {k: v for k, v in locals().items() if k.startswith("on_") and v is not None}
        for name, function in given.items():
            if not callable(function):
                raise OptionError(f"{name} must be a function, not {function!r}")
            setattr(self, name, function)
