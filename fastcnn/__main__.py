"""The command `fastcnn`, and `python -m fastcnn`: hears of signals before all else is imported."""

import sys

from fastcnn.signals import listener
from fastcnn.text import say

# With less address space, libraries fail in ways of their own as they are loaded: OpenBLAS has been
# seen to end the process, to wait for ever, and to interrupt itself.
LEAST_MEMORY = 640 * 2**20


def main() -> None:
    listener.listen()
    try:
        _check_memory()
        from fastcnn.cli import main as command
    except (ImportError, MemoryError, OSError) as error:
        say(f"fastcnn: error: can't start: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    command()


def _check_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < LEAST_MEMORY:
        raise MemoryError(
            f"this process may have {limit >> 20} MiB of memory (ulimit -v), fastcnn and its "
            f"libraries need {LEAST_MEMORY >> 20}"
        )


if __name__ == "__main__":
    main()
