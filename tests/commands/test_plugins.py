"""`fastcnn plugins`."""

import json

from click.testing import CliRunner

from fastcnn.cli import main
from fastcnn.plugins.registry import REGISTRIES, layers
from tests.plugins.packages import PLUGIN, install
from tests.plugins.test_registry import POINTS, clean  # noqa: F401


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["plugins", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_everything_is_listed_with_signature_and_first_line():
    found = json.loads(run("--json").stdout)["plugins"]
    for registry in REGISTRIES:
        entries = found[registry.group]
        assert [entry["name"] for entry in entries] == registry.names()
        for entry in entries:
            assert entry["package"] == "fastcnn" and entry["signature"].startswith("(")
            assert entry["summary"], entry
    (dense,) = (entry for entry in found["layers"] if entry["name"] == "dense")
    assert dense["signature"].startswith("(units, activation=None")
    assert ["mse"] in [entry["aliases"] for entry in found["losses"]]


def test_kinds_filter():
    text = run("layers", "callbacks").stdout
    assert f"layers ({len(layers.names())})" in text and "  ema(decay=0.999, warmup=True)" in text
    assert "optimizers" not in text
    assert "did you mean 'layers'" in run("layer", code=2).stderr


def test_plugins_show_their_package_and_broken_ones_their_reason(tmp_path, monkeypatch, recwarn):
    install(tmp_path, monkeypatch, "my-plugin", PLUGIN, POINTS)
    install(tmp_path, monkeypatch, "bad", "import nowhere", "[fastcnn.layers]\nb = bad:B\n", "0.3")
    text = run("layers").stdout
    assert "  squash(power=1, name=None)  [my-plugin 1.2]\n      Everything in a row.\n" in text
    last = text.splitlines()[-1]
    assert last.startswith("PROBLEM: layer 'b' of the package bad 0.3 failed to load")
    assert "nowhere" in last and not recwarn.list
    document = json.loads(run("callbacks", "--json").stdout)
    assert document["problems"] == []
    (quiet,) = (e for e in document["plugins"]["callbacks"] if e["name"] == "quiet")
    assert (quiet["package"], quiet["version"]) == ("my-plugin", "1.2")
