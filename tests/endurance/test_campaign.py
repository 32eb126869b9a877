"""A little of the campaign, so that it can be run whenever it is wanted."""

import os
import random

import pytest

from tests.endurance.fuzz import fuzz, mutant
from tests.endurance.processes import TRIALS, failed
from tests.endurance.readers import READERS

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

SLOW = ("run.json", "compare.toml", "comparison.json", "job.json")  # some trainings for each file


@pytest.mark.parametrize("name", READERS)
def test_a_good_file_is_read(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    READERS[name].make(tmp_path)
    READERS[name].use(tmp_path / READERS[name].file)


@pytest.mark.parametrize("name", READERS)
def test_mutated_files_are_read_or_refused(name):
    outcome = fuzz(name, 8 if name in SLOW else 60, seed=1)
    assert not outcome.failures
    assert sum(outcome.counts.values()) == (8 if name in SLOW else 60)


def test_a_reader_that_fails_is_found(monkeypatch):
    """Or nobody would know that nothing is wrong."""

    def use(path):
        {"foreign": lambda: {}["x"], "crash": lambda: os._exit(3)}[kind]()

    for kind in ("foreign", "crash"):
        monkeypatch.setattr("tests.endurance.fuzz._use", _with(use))
        outcome = fuzz("npz", 3)
        assert [what.partition(":")[0] for what in outcome.failures] == [
            {"foreign": "foreign", "crash": "crashed"}[kind]
        ]


def _with(use):
    from dataclasses import replace

    from tests.endurance import fuzz as module

    original = module._use
    return lambda reader, path: original(replace(reader, use=use), path)


def test_mutants_are_repeatable():
    content = random.Random(0).randbytes(200)
    assert mutant("npz", content, 0, 3) == mutant("npz", content, 0, 3) != content


@pytest.mark.parametrize("name", TRIALS)
def test_trouble_loses_nothing(name, tmp_path):
    assert not failed(TRIALS[name]({"threads": 20, "forks": 6}.get(name, 1), tmp_path))
