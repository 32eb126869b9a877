"""What a command says beside its results."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from fastcnn.commands.callbacks import watchers
from fastcnn.commands.run_data import RunData
from fastcnn.engine.callback import Callback
from fastcnn.errors import SetupWarning


@contextmanager
def warnings_as_notes(note: Callable[[str], None]) -> Iterator[None]:
    """Those of set-ups that look like a mistake, without the place in our code."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, SetupWarning):
                note(f"note   {message}")
            else:
                shown(message, category, *place, **more)

        warnings.showwarning = show
        yield


def note_on_choosing(
    callbacks: Iterable[Callback], data: RunData, by_test: bool, unasked: bool
) -> str:
    """Which images decide, where something does, and that was not asked for; else nothing."""
    names = ", ".join(watchers(callbacks))
    if names and by_test:
        return (
            f"note   {names} will choose by the test set, which flatters its figures: "
            "--validation 0.1 holds out training images instead"
        )
    if names and unasked:
        return (
            f"note   {names} will choose by {len(data.held_out or ()):,} training images that are "
            f"held out: --validation takes another part than {data.validation:g}"
        )
    return ""
