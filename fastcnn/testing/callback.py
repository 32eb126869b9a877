"""The check for callbacks."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import chdir
from copy import deepcopy
from typing import Any

from fastcnn.plugins.registry import callbacks, make
from fastcnn.testing.registered import case, checking
from fastcnn.testing.training import Course, check_training, same_weights, small_model

BREAKS = (8, 12, 25)  # in the middle of an epoch, at the end of one, and later


def check_callback(callback: Any, *, breaks: Sequence[int] = BREAKS) -> None:
    """Raise an AssertionError that says what is wrong with a callback.

    callback: a name, {"name": ..., option: ...} or an object. Relative paths in its options lie in
        a folder that is removed afterwards.
    breaks: steps, of 54 (9 epochs), after which training is saved and resumed.

    - training with validation has the same bits and history if it is saved in the middle or at the
      end of an epoch, loaded and resumed with a new callback of the same options: what it must
      remember goes through `state_dict` and `load_state`
    - the same bits on 1, 2 and 3 threads
    - an object serves one model after another, beginning anew with each
    """
    with (
        checking(callbacks, callback, saved=False) as made,
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),
    ):
        check_training(small_model, _course(lambda: [make(callbacks, deepcopy(callback))]), breaks)
        _check_again(made)


def _course(make_callbacks: Callable[[], list[Any]]) -> Course:
    return Course(callbacks=make_callbacks, validated=True)


def _check_again(made: Any) -> None:
    with case("the same object in another training"):
        course, weights = _course(lambda: [made]), []
        for _ in range(2):
            model = course.compile(small_model())
            course.fit(model)
            weights.append(model.get_weights())
        same_weights(*weights)
