"""What a running comparison says on stderr: a line for each job, on a terminal a bar below."""

import sys
import time
from typing import Any

from fastcnn.compare.measure import DONE
from fastcnn.compare.measures import percent, seconds_text
from fastcnn.text import one_line, say, screen, show_line
from fastcnn.training.duration import duration_text


class Progress:
    """A context; `tell` for each result."""

    def __init__(self, total: int, finished: int, quiet: bool) -> None:
        self.total, self.count, self.quiet = total, finished, quiet
        self._first = finished
        self._started = time.perf_counter()
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        if not self.quiet and sys.stderr.isatty():
            self._bar = _bar()
            self._task = self._bar.add_task("", total=self.total, completed=self.count, left="")
            self._bar.start()
        if self.count:
            self._say(f"{self.count} of {self.total} fits are done already")
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, result: dict[str, Any]) -> None:
        self.count += 1
        self._say(f"{str(self.count).rjust(len(str(self.total)))}/{self.total}  {_line(result)}")
        if self._bar is not None:
            self._bar.update(self._task, completed=self.count, left=self._left())

    def _left(self) -> str:
        """By the mean so far; small sizes come first, so it is more than that."""
        each = (time.perf_counter() - self._started) / (self.count - self._first)
        return f"at least {duration_text(each * (self.total - self.count))} left"

    def _say(self, text: str) -> None:
        if self._bar is not None:
            show_line(self._bar.console, text)
        elif not self.quiet:
            say(text, err=True)


def _bar() -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    return Bar(*columns, console=screen(), transient=True)


def _line(result: dict[str, Any]) -> str:
    head = f"{one_line(result['model'])}, {result['size']:,} images, seed {result['seed']}"
    head += f", fold {result['fold'] + 1}"
    if result["status"] != DONE:
        return f"{head}: FAILED, {one_line(result['error'])}"
    test, training = percent(result["test_accuracy"]), percent(result["train_accuracy"])
    return f"{head}: test {test}, training {training}, {seconds_text(result['fit_seconds'])}"
