"""The code in docs/models.md runs."""

import re
from pathlib import Path

import numpy as np

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.models import build
from fastcnn.plugins.registry import models

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
RANDOM = np.random.default_rng(0)


def small(*layers, shape):
    model = Sequential(list(layers), shape)
    model.compile()
    return model


def of_training(images):
    """What the blocks of "Shared weights" and "Training" take for granted."""
    flat, softmax = L.Flatten(), L.Dense(10, activation="softmax")
    parts = ((images[:4], np.arange(4)) for _ in range(100))
    return {
        "np": np,
        "generator": Sequential([L.Dense(6)], (64,)),
        "discriminator": Sequential([L.Dense(1, activation="sigmoid")], (6,)),
        "steps": 2,
        "z": RANDOM.random((2, 8, 64), np.float32),
        "real": RANDOM.random((2, 8, 6), np.float32),
        "real_or_fake": np.repeat([1.0, 0.0], 8),
        "ones": np.ones(8),
        "classifier": small(flat, softmax, shape=(32, 32, 3)),
        "endless_iterator": parts,
        "test_images": images,
        "test_labels": np.arange(40) % 10,
    }


def test_models():
    images = RANDOM.random((200, 32, 32, 3), np.float32)
    numbers = np.arange(200) % 10
    data = {"x": images, "images": images, "y": numbers, "labels": numbers}
    names = {**data, "angles": RANDOM.random(200), "__name__": "models_page"}
    names |= of_training(images[:40])
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    for number, block in enumerate(blocks):
        if number == 3:
            assert "digit_accuracy" in names["model"].history.history
            names["model"] = names["classifier"]
        exec(block.replace("epochs=5", "epochs=1, verbose=0"), names)
    assert names["discriminator"].optimizer.iterations == 2 == names["joint"].optimizer.iterations
    assert names["model"].optimizer.iterations == 200
    wide = build({"name": "two_branches", "width": 2}, classes=4)
    assert wide.predict(images[:1]).shape == (1, 4)
    del models._found["two_branches"]
