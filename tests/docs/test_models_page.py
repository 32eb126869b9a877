"""The code in docs/models.md runs."""

import re
from pathlib import Path

import numpy as np

from fastcnn.models import build
from fastcnn.plugins.registry import models

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
RANDOM = np.random.default_rng(0)


def test_models():
    images = RANDOM.random((40, 32, 32, 3), np.float32)
    data = {"x": images, "images": images, "y": np.arange(40) % 10, "labels": np.arange(40) % 10}
    names = {**data, "angles": RANDOM.random(40), "__name__": "models_page"}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block.replace("epochs=5", "epochs=1, verbose=0"), names)
    assert "digit_accuracy" in names["model"].history.history
    wide = build({"name": "two_branches", "width": 2}, classes=4)
    assert wide.predict(images[:1]).shape == (1, 4)
    del models._found["two_branches"]
