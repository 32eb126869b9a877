"""Models of plugins: the file names the package, and loading without it says what to install."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn.errors import ModelFileError
from fastcnn.layers import Dense, Flatten
from fastcnn.plugins.registry import layers, make
from fastcnn.plugins.usage import missing_plugins, used_plugins
from fastcnn.training.model_file import read_model_file
from tests.plugins.packages import PLUGIN, install, uninstall
from tests.plugins.test_registry import POINTS, clean  # noqa: F401

IMAGES = np.zeros((2, 4, 4, 1), np.float32)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A model with a plugin's layer, in a file."""
    install(tmp_path, monkeypatch, "my-plugin", PLUGIN, POINTS)
    model = Sequential([make(layers, "squash"), Dense(2)], (4, 4, 1), threads=1)
    model.save(tmp_path / "model.safetensors")
    return model, tmp_path / "model.safetensors"


def test_the_file_names_package_and_version(saved):
    model, path = saved
    expected = {"kind": "layer", "name": "squash", "package": "my-plugin", "version": "1.2"}
    assert read_model_file(path)[1]["plugins"] == [expected]
    assert np.array_equal(load_model(path).predict(IMAGES), model.predict(IMAGES))


def test_loading_without_it_says_what_to_install(saved, tmp_path):
    uninstall(tmp_path, "my-plugin")
    layers._found.pop("squash")
    with pytest.raises(ModelFileError) as error:
        load_model(saved[1])
    assert "unknown layer 'squash'" in str(error.value)
    assert "of the package my-plugin 1.2: pip install my-plugin" in str(error.value)


def test_loading_with_a_version_that_lacks_it_names_both(saved, tmp_path, monkeypatch):
    uninstall(tmp_path, "my-plugin")
    layers._found.pop("squash")
    install(tmp_path, monkeypatch, "my-plugin", PLUGIN, "", version="0.9")
    with pytest.raises(ModelFileError, match=r"my-plugin 1\.2 \(installed is 0\.9\)"):
        load_model(saved[1])


def test_models_of_built_ins_need_no_plugins(tmp_path):
    Sequential([Flatten(), Dense(2)], (4, 4, 1), threads=1).save(tmp_path / "m")
    assert read_model_file(tmp_path / "m")[1]["plugins"] == []


def test_names_are_looked_for_among_values(saved):
    found = used_plugins({"squash": 1, "x": [{"y": ("no",)}, {"name": "other"}]})
    assert found == []
    assert used_plugins({"x": [{"y": "squash"}]})[0]["name"] == "squash"


@pytest.mark.parametrize("garbage", [None, 3, "x", {"a": 1}, [3], [{}], [{"kind": [], "name": 1}]])
def test_garbage_in_a_file_is_no_hint(garbage):
    assert missing_plugins(garbage) == ""
