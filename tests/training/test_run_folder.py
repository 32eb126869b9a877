"""Folders of runs: nothing is overwritten, damaged records are named."""

import pytest

from fastcnn.errors import FastcnnError, OptionError
from fastcnn.training.run_folder import RunFolder


def test_default_folders_are_numbered(tmp_path):
    names = [RunFolder.create(None, tmp_path / "runs" / "a").path.name for _ in range(3)]
    assert names == ["a", "a-2", "a-3"]


@pytest.mark.parametrize("name", ["run.json", "checkpoint.safetensors", "model.safetensors"])
def test_a_wanted_folder_must_not_hold_a_run(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(OptionError, match=r"holds a run already.*--resume"):
        RunFolder.create(str(tmp_path), "unused")


def test_a_wanted_folder_may_hold_other_things(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    assert RunFolder.create(str(tmp_path), "unused").path == tmp_path


@pytest.mark.parametrize("content", [None, "{", "[]", '{"arguments": 3}', b"\xff"])
def test_damaged_records_are_named(tmp_path, content):
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "run.json").write_bytes(data)
    with pytest.raises(FastcnnError, match=r"run\.json"):
        RunFolder(tmp_path).read_record()


def test_history_is_replaced_and_appended(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_history([{"epoch": 1}])
    folder.append_history({"epoch": 2})
    assert folder.history.read_text() == '{"epoch": 1}\n{"epoch": 2}\n'
    folder.write_history([{"epoch": 1}])
    assert folder.history.read_text() == '{"epoch": 1}\n'
