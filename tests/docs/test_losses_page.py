"""The code in docs/losses.md runs, and its table is right."""

import re
from pathlib import Path

import numpy as np
import pytest

import fastcnn
from fastcnn import Sequential
from fastcnn.errors import OptionError
from fastcnn.layers import Conv2D, Dense, Flatten
from fastcnn.plugins.registry import losses

PAGE = (Path(__file__).parents[2] / "docs" / "losses.md").read_text(encoding="utf-8")
DRAW = np.random.default_rng(0)
IMAGES = DRAW.random((12, 5, 5, 1), np.float32)


def test_the_code_runs(tmp_path):
    names = {"Sequential": Sequential, "Conv2D": Conv2D, "Dense": Dense, "Flatten": Flatten}
    names |= {"images": IMAGES, "masks": IMAGES > 0.5, "sales": IMAGES.sum(axis=(1, 2, 3))}
    names |= {"path": tmp_path / "model.safetensors", "load_model": fastcnn.load_model}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks[:-1]:
        exec(block.replace("epochs=5", "epochs=1, verbose=0"), names)
    with pytest.warns(UserWarning, match="will not hold the loss 'soft_dice'"):
        exec(blocks[-1], names)
    names["again"].fit(IMAGES, IMAGES > 0.5, epochs=2, verbose=0)


ROWS = re.findall(r"^\| (.*?) \| (.*?`.*?) \| (.*?) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("targets", "end", "names"), ROWS)
def test_rows_of_the_table_train_without_a_word(targets, end, names):
    classes, yes = np.arange(12) % 3, np.arange(12) % 2
    y = {
        "one class, as a number": classes,
        "one class, one-hot or soft": np.eye(3)[classes],
        "one class": classes,
        "yes or no, 0 and 1": yes,
        "several classes at once, 0 and 1": np.ones((12, 3)) * yes[:, None],
        "yes or no, -1 and 1": 2 * yes - 1,
        "numbers": yes * 7.5 - 3,
        "counts": classes,
        "masks, 0 and 1": IMAGES > 0.5,
    }[targets]
    layer = eval(re.search(r"`(.*?)`", end)[1], globals() | {"classes": 3})
    tables = [name for name in re.findall(r"`(.*?)`", names) if name in losses.names()]
    if "from_logits=True" in names:
        logits = {"name": "sparse_categorical_crossentropy", "from_logits": True}
        tables = [logits, logits | {"name": "categorical_crossentropy"}, *tables]
    assert tables
    for table in tables:
        stack = [layer] if isinstance(layer, Conv2D) else [Flatten(), layer]
        model = Sequential(stack, (5, 5, 1), seed=1)
        model.compile("adam", table)
        model.fit(IMAGES, y, verbose=0)


def test_an_error_of_the_page():
    model = Sequential([Flatten(), Dense(1, activation="softmax")], (5, 5, 1))
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(OptionError, match="always 1"):
        model.fit(IMAGES, np.arange(12) % 2, verbose=0)
