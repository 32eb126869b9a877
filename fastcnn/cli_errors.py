"""What the command line makes of errors: one line, and an exit code."""

import os
import signal
import sys
import threading
import traceback
import warnings
from typing import Any

import click

from fastcnn.errors import DataWarning, DivergedError, FastcnnError, OptionError, SetupWarning
from fastcnn.signals import exit_code, listener
from fastcnn.text import printable, release_streams, say


class _Words:
    """What click itself prints: help, and errors that repeat words of the user."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)  # type: ignore[misc]
        except BrokenPipeError:  # `fastcnn train --help | head`
            raise click.exceptions.Exit(0) from None
        except click.ClickException as error:
            vars(error)["message"] = printable(error.message)
            raise


class Command(_Words, click.Command):
    """One of the commands."""


class Commands(_Words, click.Group):
    """Turns what a user can cause into one line on stderr and an exit code."""

    command_class = Command

    def main(self, *args: Any, **extra: Any) -> Any:
        usual, warnings.formatwarning = warnings.formatwarning, _warning_line
        try:
            return super().main(*args, **extra)
        finally:
            warnings.formatwarning = usual
            release_streams()

    def invoke(self, ctx: click.Context) -> Any:
        listener.working = True
        try:
            return super().invoke(ctx)
        except (FastcnnError, OSError, MemoryError, ImportError, KeyboardInterrupt) as error:
            listener.working = False
            if ctx.meta.get("fastcnn.debug"):
                say(traceback.format_exc(), err=True)
            say(f"fastcnn: {_line(error)}", err=True)
            if isinstance(error, KeyboardInterrupt):
                _leave_workers(_exit_code(error))
            ctx.exit(_exit_code(error))
        finally:
            listener.working = False


def _warning_line(message: Warning | str, category: type[Warning], *where: Any, **line: Any) -> str:
    kind = "note" if issubclass(category, DataWarning | SetupWarning) else "warning"
    return f"fastcnn: {kind}: {printable(' '.join(str(message).split()))}\n"


def _line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "; ".join(["interrupted", *map(str, error.args)])
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"error: {where}{error.strerror}"
    if isinstance(error, ImportError):
        return f"error: a library could not be loaded: {' '.join(str(error).split())}"
    if isinstance(error, MemoryError):
        return f"error: not enough memory. {error}".rstrip(". ")
    return "error: " + " ".join(str(error).split())


def _leave_workers(code: int) -> None:
    """Python would wait for threads that are in C code, which may be there for minutes."""
    if any(thread.name == "fastcnn-work" for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return exit_code(getattr(error, "number", signal.SIGINT))
    codes = {DivergedError: 3, OptionError: 2}
    return next((code for kind, code in codes.items() if isinstance(error, kind)), 1)
