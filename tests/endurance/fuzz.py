"""Mutated files, read in children: each must be read, or refused with an error of fastcnn's."""

import json
import os
import random
import resource
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fastcnn.errors import FastcnnError
from tests.endurance.readers import READERS

CHUNK = 100  # files for each child
SECONDS = 20  # for each file
MEMORY = 3 * 2**30  # beyond what the process has


@dataclass
class Outcome:
    """How often what happened; and for what must not happen, the numbers of the files."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: dict[str, list[int]] = field(default_factory=dict)
    slowest: float = 0.0

    def add(self, number: int, what: str, seconds: float) -> None:
        self.counts[what.partition(":")[0]] += 1
        self.slowest = max(self.slowest, seconds)
        if what not in ("read", "refused"):
            self.failures.setdefault(what, []).append(number)


def fuzz(name: str, count: int, seed: int = 0, keep: Path | None = None) -> Outcome:
    """keep: a folder for the files that did what must not happen."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder) / "good"
        good.mkdir()
        READERS[name].make(good)
        number = 0
        while number < count:
            number = _chunk(name, good, range(number, min(count, number + CHUNK)), seed, outcome)
    for numbers in outcome.failures.values() if keep else ():
        for number in numbers[:3]:
            _write_again(name, seed, number, keep / f"{name}-{seed}-{number}")
    return outcome


def mutant(name: str, content: bytes, seed: int, number: int) -> bytes:
    return READERS[name].mutate(content, random.Random(f"{name} {seed} {number}"))


def _write_again(name: str, seed: int, number: int, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        READERS[name].make(Path(folder))
        content = (Path(folder) / READERS[name].file).read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mutant(name, content, seed, number))


def _chunk(name: str, good: Path, numbers: range, seed: int, outcome: Outcome) -> int:
    """Read these in a child; the number after the last one that it came to."""
    log = good.with_name("log")
    log.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _child(name, good, numbers, seed, log)
    status = os.waitpid(child, 0)[1]
    done = numbers.start
    for line in log.read_text().splitlines() if log.exists() else ():
        number, what, seconds = json.loads(line)
        outcome.add(number, what, seconds)
        done = number + 1
    if done < numbers.stop:
        number_ = os.waitstatus_to_exitcode(status)
        what = "hung" if number_ == -signal.SIGALRM else f"crashed: {number_}"
        outcome.add(done, what, 0.0)
        done += 1
    return done


def _child(name: str, good: Path, numbers: range, seed: int, log: Path) -> None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        warnings.simplefilter("ignore")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):  # libpng and libjpeg talk, too
            os.dup2(nowhere, descriptor)
        _read_all(name, good, numbers, seed, log)
    finally:
        os._exit(0)


def _read_all(name: str, good: Path, numbers: range, seed: int, log: Path) -> None:
    reader = READERS[name]
    content = (good / reader.file).read_bytes()
    with open(log, "w") as file:
        for number in numbers:
            work = good.with_name("work")
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(good, work)
            (work / reader.file).write_bytes(mutant(name, content, seed, number))
            os.chdir(work)
            started = time.perf_counter()
            what = _use(reader, work / reader.file)
            print(json.dumps([number, what, time.perf_counter() - started]), file=file, flush=True)


def _use(reader, path: Path) -> str:
    signal.alarm(SECONDS)
    try:
        reader.use(path)
        return "read"
    except FastcnnError:
        return "refused"
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "/fastcnn/" in frame.filename] or frames
        place = f"{Path(own[-1].filename).name}:{own[-1].name}"
        return f"foreign: {type(error).__name__} in {place}: {str(error)[:80]}"
    finally:
        signal.alarm(0)
