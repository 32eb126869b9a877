"""What a command says beside its results."""

from collections.abc import Iterable

from fastcnn.commands.callbacks import watchers
from fastcnn.commands.run_data import RunData
from fastcnn.engine.callback import Callback


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
