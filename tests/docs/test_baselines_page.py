"""The code in docs/baselines.md runs."""

import re
from pathlib import Path

import numpy as np

import fastcnn
from fastcnn.plugins.registry import baselines
from tests.classical.cases import images

PAGE = Path(__file__).parents[2] / "docs" / "baselines.md"


def test_baselines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    names = {"__name__": "page"}
    try:
        for block in blocks:
            exec(block, names)
        _is_kept(tmp_path / "b")
    finally:
        baselines._found.pop("nearest_mean", None)


def _is_kept(path):
    x, y = images(60)
    fitted = fastcnn.BaselineClassifier("nearest_mean").fit(x, y)
    assert fitted.tuning_["images"] == 60 and fitted.score(*images(30, seed=1)) > 0.9
    fitted.save(path)
    scores = fastcnn.load_baseline(path).decision_function(x)
    np.testing.assert_array_equal(scores, fitted.decision_function(x))


def test_every_baseline_is_in_the_table():
    rows = re.findall(r"^\| `([^`]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {baselines.aliases.get(name, name) for name in rows} == set(baselines.names())
