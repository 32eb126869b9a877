"""The side of the runner: candidates as worker processes, of which one runs at a time, in turn."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from common import HERE, Net
from cost import cost

PAUSE = 0.03  # before each block: OpenMP's threads spin some milliseconds after their work

# glibc gives memory back after each step; on small nets PyTorch loses up to a third to page faults
# without this.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**28),
}


@dataclass(frozen=True)
class Candidate:
    """A library in one of its modes, and the interpreter that has it."""

    library: str
    mode: str
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        plain = self.library == "torch" and not self.environment
        return f"{self.library} {self.mode}" + (", default malloc" if plain else "")

    def command(self, net: Net, batch: int, threads: int) -> list[str]:
        worker = str(HERE / f"worker_{self.library}.py")
        return [self.python, worker, net.key, str(batch), str(threads), self.mode]

    def variables(self, threads: int) -> dict[str, str]:
        # Inductor's pool of compiling processes would stay beside the measurement: one is enough.
        limits = {"OMP_NUM_THREADS": str(threads), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        return {**os.environ, **limits, **self.environment}


def fastcnn(backend: str = "native", precision: str = "float32") -> Candidate:
    return Candidate("fastcnn", backend + end_of_mode(precision))


def end_of_mode(precision: str) -> str:
    return "" if precision == "float32" else f"+{precision}"


def peers(text: str, batch: int, precision: str = "float32") -> list[Candidate]:
    """Every mode worth trying of the peers in "torch=PYTHON,keras=PYTHON"."""
    torch = ["eager", "fused", "channels_last+fused", "compile+fused"]
    torch += ["channels_last+compile+fused"]
    if batch < 64:  # bound by calls
        torch += ["compile+compile_step", "compile+fused+cpp_wrapper"]
    torch = [mode + end_of_mode(precision) for mode in torch]
    found = []
    for pair in filter(None, text.split(",")):
        library, _, python = pair.partition("=")
        if library == "torch":
            found += [Candidate(library, mode, python, KEEP_MEMORY) for mode in torch]
            found.append(Candidate(library, torch[0], python))
        elif library == "keras" and precision == "float32":
            found += [Candidate(library, mode, python) for mode in ("graph", "xla")]
        else:
            known = "torch=PYTHON and keras=PYTHON" if precision == "float32" else "torch=PYTHON"
            raise SystemExit(f"--peers knows {known} in {precision}, not {pair!r}")
    return found


def inference_peers(text: str) -> list[Candidate]:
    """The same for inference, of "torch=PYTHON,onnxruntime=PYTHON,openvino=PYTHON"."""
    torch = ["eager", "channels_last", "compile", "channels_last+compile"]
    found = []
    for pair in filter(None, text.split(",")):
        library, _, python = pair.partition("=")
        if library == "torch":
            found += [Candidate(library, f"infer+{mode}", python, KEEP_MEMORY) for mode in torch]
        elif library in ("onnxruntime", "openvino"):
            found.append(Candidate(library, "fp32", python))
        else:
            raise SystemExit(f"--peers knows torch, onnxruntime and openvino, not {pair!r}")
    return found


class Worker:
    """A started candidate. It has warmed up and waits; `run` lets it train for some seconds."""

    def __init__(
        self, candidate: Candidate, net: Net, batch: int, threads: int, core: int | None = None
    ) -> None:
        """core: where a worker of one thread is pinned."""
        self.candidate, self.batch = candidate, batch
        self.label = candidate.label
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in `close`
        with pinned(core if threads == 1 else None):
            self._process = subprocess.Popen(
                candidate.command(net, batch, threads),
                env=candidate.variables(threads),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        self.facts = self._answer()
        self._check(net)

    def _check(self, net: Net) -> None:
        """A peer that built another net would be compared with nothing."""
        expected = cost(net)
        for name, value in (
            ("parameters", expected.parameters),
            ("multiply_adds", expected.forward),
        ):
            if self.facts[name] != value:
                self.close()
                raise SystemExit(
                    f"{self.label} built another net than {net.key}: {name} are "
                    f"{self.facts[name]}, by nets.toml {value}"
                )

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            reason = self._log.read().strip().splitlines()[-1:] or ["no message"]
            raise RuntimeError(f"{self.label} failed: {reason[0]}")
        return json.loads(line)

    def run(self, seconds: float) -> float:
        """Images a second over a block of about that length."""
        time.sleep(PAUSE)
        print(f"run {seconds}", file=self._process.stdin, flush=True)
        answer = self._answer()
        return answer["steps"] * self.batch / answer["seconds"]

    def cpu_seconds(self) -> float:
        """What all its threads have used so far. Linux only."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Processes started inside inherit this core (None: no change)."""
    saved = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, saved)


def interleave(workers: list[Worker], rounds: int, seconds: float) -> list[list[float]]:
    """Images a second of each worker in each round; a round gives each worker one block."""
    rates: list[list[float]] = [[] for _ in workers]
    for _ in range(rounds):
        for worker, own in zip(workers, rates, strict=True):
            own.append(worker.run(seconds))
    return rates


def idle_share(workers: list[Worker], seconds: float = 0.5) -> float:
    """Cores that the waiting workers use together; it should be next to nothing."""
    time.sleep(PAUSE)
    before = sum(w.cpu_seconds() for w in workers)
    time.sleep(seconds)
    return (sum(w.cpu_seconds() for w in workers) - before) / seconds
