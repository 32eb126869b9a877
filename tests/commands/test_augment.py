"""`fastcnn augment`."""

import json

import cv2
import pytest
from click.testing import CliRunner

from fastcnn.cli import main


def invoke(*arguments):
    return CliRunner().invoke(main, ["augment", *arguments])


@pytest.mark.parametrize("columns", [1, 4])
def test_the_sheet_is_a_picture(tmp_path, columns):
    path = tmp_path / "sheet.png"
    options = ["--augment", "shift:pixels=1", "--augment", "cutout:size=2", "--images", "2"]
    result = invoke(*options, "--columns", str(columns), "--out", str(path))
    assert result.exit_code == 0, result.output
    picture = cv2.imread(str(path))
    assert picture.shape[1] / picture.shape[0] == pytest.approx(
        (0.8 * (columns + 1) + 1) / (0.8 * 2 + 0.7), rel=0.05
    )


def test_the_same_seed_draws_the_same(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path, seed in zip(paths, "001", strict=True):
        assert invoke("--augment", "mixup", "--seed", seed, "--out", str(path)).exit_code == 0
    first, second, third = (path.read_bytes() for path in paths)
    assert first == second != third


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--augment names one of: brightness"),
        (["--augment", "zom"], "did you mean 'zoom'"),
        (["--augment", "flip:side=1"], "unknown option of augmentation 'flip' 'side'"),
        (["--augment", "flip", "--fill", "black"], "unknown fill 'black'"),
    ],
)
def test_mistakes_are_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_train_and_resume(tmp_path, monkeypatch):
    """The run keeps its augmentations; resumed, it gives the weights of the whole run."""
    monkeypatch.chdir(tmp_path)

    def train(*arguments):
        result = CliRunner().invoke(main, ["train", *arguments, "--json", "--quiet"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["weights_sha256"]

    options = ["--augment", "shift:pixels=1", "--augment", "mixup", "--augment-fill", "constant"]
    train(*options, "--epochs", "1", "--out", "a")
    whole = train(*options, "--epochs", "2", "--out", "b")
    assert train("--resume", "a", "--epochs", "2") == whole
    assert train("--epochs", "2", "--out", "c") != whole
