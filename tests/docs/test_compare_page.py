"""docs/compare.md: its Python runs, its options exist, and the example is a comparison."""

import re
from pathlib import Path

import numpy as np

from fastcnn.cli import compare
from fastcnn.compare.candidates import candidates
from fastcnn.compare.options import CompareOptions, read_pipeline

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")


def test_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    labels = np.arange(36) % 3
    names = {"images": random.integers(0, 255, (36, 8, 8, 1)).astype(np.uint8), "labels": labels}
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(block, names)
    assert [row["model"] for row in names["result"]["rows"]] == ["most frequent", "net"]
    assert (tmp_path / "digits-comparison" / "report.html").exists()


def test_options():
    known = {option for parameter in compare.params for option in parameter.opts}
    told = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", "".join(re.findall("`.*?`", TEXT))))
    assert told and told <= known


def test_example():
    options = CompareOptions(**read_pipeline(ROOT / "examples" / "compare.toml"))
    titles = [candidate.title for candidate in candidates(options)]
    assert titles == ["digits_convnet", "hog-svm", "logistic:C=1.0"]
