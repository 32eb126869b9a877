"""The code in docs/estimators.md runs."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "estimators.md"


def test_estimators():
    pytest.importorskip("sklearn.callback", reason="scikit-learn is older than 1.9")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 12, 12, 3)).astype(np.uint8)
    names = {"images": images, "labels": np.array(["cat", "dog"])[np.arange(40) % 2]}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(block, names)
    assert names["model"].get_params()["layers__2__units"] == 50
    assert names["learned"][0].transform(images).shape == (40, 32)
