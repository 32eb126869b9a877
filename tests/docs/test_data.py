"""docs/data.md: its Python runs, and it names what there is."""

import re
import shutil
from pathlib import Path

from fastcnn.data import archive
from fastcnn.data.parts import PART_NAMES
from fastcnn.data.picture_options import COLOURS, MAX_PIXELS
from fastcnn.data.picture_types import TYPES
from tests.data.files import write_classes

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_classes(Path("pets"))
    shutil.make_archive("pets", "zip", "pets")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(block, names)
    assert names["same"].image_shape == (32, 48, 3)


def test_names_and_limits():
    words = TEXT.replace("\n", " ")
    assert all(kind in words for kind in TYPES)
    assert all(f"`{name}`" in TEXT for names in PART_NAMES.values() for name in names)
    assert f"--background {'|'.join(COLOURS)}|R,G,B" in TEXT
    assert f"{MAX_PIXELS // 10**6} million pixels" in TEXT
    assert f"{archive.MAX_FILES:,} files and {archive.MAX_BYTES >> 30} GiB" in TEXT
    assert f"{archive.MAX_MEMBER >> 30} GiB a file" in words
