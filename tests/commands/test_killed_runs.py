"""What a killed run leaves behind, and how the next start goes on from there."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fastcnn.signals import SIGNALS
from fastcnn.training.model_file import remove_litter, write_atomically
from tests.cli_runs import folder, only_line, run, start, train, train_json  # noqa: F401

KILL_IN_WRITING = """
import os, sys
from pathlib import Path
from fastcnn.training.model_file import write_atomically
def write(temporary):
    temporary.write_text("half")
    print(temporary, flush=True)
    sys.stdin.read()
write_atomically(Path(sys.argv[1]), write)
"""


def writing(path):
    """A process in the middle of write_atomically, and its temporary file."""
    command = [sys.executable, "-c", KILL_IN_WRITING, str(path)]
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("name", ["run.json", "checkpoint.safetensors", "best.safetensors"])
def test_litter_of_a_killed_process_goes_and_that_of_a_living_one_stays(name):
    other = [Path(".notes.txt.abcdefgh"), Path(".run.json"), Path("x.json.abcdefgh")]
    for path in other:
        path.write_text("mine")
    process, temporary = writing(name)
    remove_litter(Path())
    assert temporary.read_text() == "half"
    process.kill()
    process.communicate()
    assert temporary.exists()
    remove_litter(Path())
    assert not temporary.exists() and all(path.exists() for path in other)


def test_nothing_is_left_after_writing():
    write_atomically(Path("a.json"), lambda temporary: temporary.write_text("{}"))
    with pytest.raises(ZeroDivisionError):
        write_atomically(Path("a.json"), lambda temporary: 1 / 0)
    assert [p.name for p in Path().glob("*a.json*")] == ["a.json"]


def test_resume_removes_the_litter_of_its_run():
    train("--epochs", 1, "--out", "a", "--quiet")
    process, temporary = writing("a/checkpoint.safetensors")
    process.kill()
    process.communicate()
    run("train", "--resume", "a", "--epochs", 2, "--quiet")
    assert not temporary.exists()


def killed_early(**changes):
    """The folder of a run that was killed before its first checkpoint."""
    options = ("--epochs", 3, "--lr", 0.02, "--augment", "flip", "--callback", "swa:start_epoch=1")
    whole = train_json(*options, "--out", "whole")
    Path("early").mkdir()
    record = json.loads(Path("whole/run.json").read_text()) | {"status": "running"} | changes
    Path("early/run.json").write_text(json.dumps(record))
    return whole


def test_a_run_without_a_checkpoint_begins_anew_and_ends_the_same():
    whole = killed_early()
    result = run("train", "--resume", "early", "--json")
    assert "early has no checkpoint yet: the run begins anew" in result.stderr
    again = json.loads(result.stdout)
    assert again["weights_sha256"] == whole["weights_sha256"]
    assert run("train", "--resume", "early", "--json").exit_code == 0


def test_options_that_differ_are_named():
    killed_early()
    line = only_line(run("train", "--resume", "early", "--lr", 0.5, code=2))
    assert "--lr 0.5 (the run has 0.02)" in line
    longer = json.loads(run("train", "--resume", "early", "--epochs", 4, "--json").stdout)
    assert longer["epochs"] == 4


@pytest.mark.parametrize("options", [5, {"lr": "x"}, {"x": 1}, {"augment": 3}, {"epochs": 1.5}])
def test_wrong_options_in_the_record(options):
    killed_early(options=options)
    assert "early/run.json" in only_line(run("train", "--resume", "early", code=1))


def test_a_finished_run_whose_checkpoint_is_gone_does_not_begin_anew():
    train("--epochs", 1, "--out", "a", "--quiet")
    Path("a/checkpoint.safetensors").unlink()
    assert "can't read the model file" in only_line(run("train", "--resume", "a", code=1))


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("delay", [0.15, 0.4, 0.8])
def test_a_process_killed_while_it_starts_can_be_begun_again(delay):
    base = ("train", "--data", "images.npz", "--model", "net.toml", "--epochs", "2")
    process = start(sys.executable, "-m", "fastcnn", *base, "--out", "a")
    time.sleep(delay)
    process.kill()
    process.communicate()
    started = Path("a/run.json").exists()
    again = ("train", "--resume", "a") if started else (*base, "--out", "a")
    done = json.loads(run(*again, "--json").stdout)
    assert done["status"] == "finished" and done["epochs"] == 2


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("delay", [0.2, 0.5])
def test_signals_while_a_command_starts_are_one_line(number, delay):
    command = ("train", "--data", "images.npz", "--model", "net.toml", "--epochs", "100000")
    process = start(sys.executable, "-m", "fastcnn", *command, "--quiet", "--out", "a")
    time.sleep(delay)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert len(errors.splitlines()) == 1 and errors.startswith("fastcnn: interrupted"), errors


def limited(kind, value, *arguments):
    import resource

    def limit():
        resource.setrlimit(kind, (value, value))

    command = [sys.executable, "-m", "fastcnn", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        command, preexec_fn=limit, capture_output=True, text=True, env=environment, timeout=60
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux has them")
@pytest.mark.parametrize("size", [2**27, 2**28, 2**29])
def test_too_little_memory_to_start_is_one_line(size):
    import resource

    done = limited(resource.RLIMIT_AS, size, "train", "--data", "images.npz", "--out", "a")
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "memory" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux has them")
@pytest.mark.parametrize("count", [5, 6, 7])
def test_too_few_descriptors_are_no_traceback(count):
    import resource

    base = ("train", "--data", "images.npz", "--model", "net.toml", "--epochs", "1", "--quiet")
    done = limited(resource.RLIMIT_NOFILE, count, *base, "--out", "a")
    if done.returncode:
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1 and "open files" in done.stderr
