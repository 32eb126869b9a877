"""examples/plugin-package is installed, used from the command line, and removed again."""

import json
import shutil
from importlib.util import find_spec

import pytest

from tests.environments import ROOT, environment, pip, pip_install, run

PACKAGE = ROOT / "examples" / "plugin-package"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("setuptools") is None, reason="needs setuptools to build"),
    pytest.mark.skipif(find_spec("numba") is None, reason="the package needs numba"),
]
BROKEN = {
    "no_import": "import no_such_module",
    "no_layer": "Thing = 3",
    "bad_signature": (
        "from fastcnn.layers import Flatten\n"
        "class Thing(Flatten):\n    def __init__(self, *sizes): pass"
    ),
    "channel_shuffle": "from fastcnn.layers import Flatten\nclass Thing(Flatten): 'A second one.'",
    "conv2d": "from fastcnn.layers import Flatten\nclass Thing(Flatten): 'Of a built-in name.'",
}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Of an environment with the checkout and the example package."""
    folder = tmp_path_factory.mktemp("plugin-package")
    found = environment(folder / "env", ROOT)
    built = shutil.ignore_patterns("*.egg-info", "build", "__pycache__")
    pip_install(found, shutil.copytree(PACKAGE, folder / "src", ignore=built))
    return found


def fastcnn(python, *arguments, folder):
    done = run(python, "-m", "fastcnn", *arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_own_tests_pass(python):
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", PACKAGE / "tests")
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_in_the_list(python, tmp_path):
    found = fastcnn(python, "plugins", "--json", folder=tmp_path)
    theirs = {
        f"{group}/{entry['name']}": entry["summary"]
        for group, entries in found["plugins"].items()
        for entry in entries
        if (entry["package"], entry["version"]) == ("fastcnn-shuffle", "0.3.0")
    }
    assert set(theirs) == {
        "layers/channel_shuffle",
        "activations/hard_swish",
        "optimizers/qhm",
        "callbacks/best_so_far",
        "models/shuffle_net",
    }
    assert all(theirs.values()) and not found["problems"]


def test_training_by_names(python, tmp_path):
    names = ["--model", "shuffle_net:groups=3", "--optimizer", "qhm", "--callback", "best_so_far"]
    options = ["--epochs", "2", "--out", "run", "--json"]
    result = fastcnn(python, "train", "--data", "digits", *names, *options, folder=tmp_path)
    assert result["status"] == "finished" and result["model"] == "shuffle_net"


def break_it(python, folder):
    """Install a second package, all of whose plugins are wrong."""
    points = "\n".join(f'{name} = "broken_{name}:Thing"' for name in BROKEN)
    modules = ", ".join(f'"broken_{name}"' for name in BROKEN)
    for name, source in BROKEN.items():
        (folder / f"broken_{name}.py").write_text(source, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "broken-plugins"\nversion = "0.1"\n'
        f"[tool.setuptools]\npy-modules = [{modules}]\n"
        f'[project.entry-points."fastcnn.layers"]\n{points}\n',
        encoding="utf-8",
    )
    pip_install(python, folder)


def test_a_broken_package_breaks_nothing_else(python, tmp_path):
    package, work = tmp_path / "broken", tmp_path / "work"
    package.mkdir()
    work.mkdir()
    break_it(python, package)
    try:
        problems = "\n".join(fastcnn(python, "plugins", "--json", folder=work)["problems"])
        for name in BROKEN:
            assert f"layer {name!r} of the package" in problems
        for reason in ("no_such_module", "expected a subclass", "'*sizes' has none", "left out"):
            assert reason in problems
        assert "fastcnn-shuffle 0.3.0" in problems  # the other of two of one name
        train = ["train", "--data", "digits", "--epochs", "1", "--out", "run", "--json"]
        assert fastcnn(python, *train, folder=work)["status"] == "finished"
    finally:
        pip(python, "uninstall", "-y", "broken-plugins")


def test_a_model_outlives_the_package_and_says_what_it_needs(python, tmp_path):
    """Last, since the package is removed."""
    model = ["--model", PACKAGE / "shuffle.toml", "--epochs", "6", "--out", "run", "--json"]
    trained = fastcnn(python, "train", "--data", "digits", *model, folder=tmp_path)
    assert trained["test_accuracy"] > 0.9
    history = (tmp_path / "run" / "history.jsonl").read_text(encoding="utf-8")
    assert "best_val_accuracy" in history
    measured = fastcnn(python, "evaluate", "run", "--json", folder=tmp_path)
    assert measured["accuracy"] == trained["test_accuracy"]
    pip(python, "uninstall", "-y", "fastcnn-shuffle")
    done = run(python, "-m", "fastcnn", "evaluate", "run", folder=tmp_path)
    assert done.returncode != 0
    assert "of the package fastcnn-shuffle 0.3.0: pip install fastcnn-shuffle" in done.stderr
