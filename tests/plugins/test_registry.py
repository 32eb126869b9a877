"""The road for plugins of other packages: found, checked, named when they break."""

import sys
import warnings

import pytest

from fastcnn.errors import OptionError
from fastcnn.plugins import registry
from fastcnn.plugins.registry import REGISTRIES, Registry, callbacks, layers, make
from tests.plugins.packages import PLUGIN, install

POINTS = (
    "[fastcnn.layers]\nsquash = my_plugin:Squash\n[fastcnn.callbacks]\nquiet = my_plugin:Quiet\n"
)


@pytest.fixture(autouse=True)
def clean():
    """What a test registers is forgotten afterwards, and its modules."""
    modules = set(sys.modules)
    before = {each.group: each.outside() for each in REGISTRIES}
    yield
    for each in REGISTRIES:
        for name in set(each.outside()) - set(before[each.group]):
            del each._found[name]
        each._packages.clear()
        each._problems.clear()
    for name in set(sys.modules) - modules:
        if not name.startswith("fastcnn"):
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def test_a_plugin_is_found_by_name_and_loaded_when_asked_for(folder, monkeypatch):
    module = install(folder, monkeypatch, "my-plugin", PLUGIN, POINTS)
    assert "squash" in layers.names() and "quiet" in callbacks.names()
    assert module not in sys.modules
    squash = make(layers, {"name": "squash", "power": 3})
    assert squash.power == 3 and registry.config_of(squash)["name"] == "squash"
    assert make(callbacks, "quiet").registered_name == "quiet"  # it has no decorator
    assert str(layers.package("squash")) == str(callbacks.package("quiet")) == "my-plugin 1.2"
    assert layers.outside() == ["squash"] and layers.problems() == {}
    assert str(layers.package("conv2d" if layers.get("conv2d") else "")).startswith("fastcnn ")


BROKEN = {
    "import error": ("import no_such_module", "No module named 'no_such_module'"),
    "syntax error": ("def (", "SyntaxError"),
    "exit": ("raise SystemExit(3)", "SystemExit"),
    "nothing of that name": ("", "AttributeError"),
    "no class": ("Bad = 3", "expected a subclass of fastcnn.engine.layer.Layer, not 3"),
    "another class": ("class Bad: pass", "expected a subclass"),
    "a function": ("def Bad(): pass", "expected a subclass"),
    "abstract": (
        "from fastcnn.engine.layer import Layer\nclass Bad(Layer): pass",
        "Bad does not define backward, forward, output_shape",
    ),
    "options without names": (
        "from fastcnn.layers import Flatten\n"
        "class Bad(Flatten):\n    def __init__(self, *sizes): pass",
        "every option needs a name, '*sizes' has none",
    ),
    "another name": (
        "from fastcnn.layers import Flatten\nfrom fastcnn.plugins.registry import layers\n"
        "@layers.register('good')\nclass Bad(Flatten): pass",
        "registers itself as 'good'",
    ),
    "name of a built-in": (
        "from fastcnn.layers import Flatten\nfrom fastcnn.plugins.registry import layers\n"
        "@layers.register('conv2d')\nclass Bad(Flatten): pass",
        "two layers are named 'conv2d'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_warns_once_and_breaks_nothing_else(folder, monkeypatch, case):
    source, words = BROKEN[case]
    install(folder, monkeypatch, "my-plugin", PLUGIN, POINTS)
    install(folder, monkeypatch, "bad", source, "[fastcnn.layers]\nbad = bad:Bad\n", "0.3")
    with (
        pytest.warns(UserWarning, match="layer 'bad' of the package bad 0.3 failed to load"),
        pytest.raises(OptionError) as error,
    ):
        layers.get("bad")
    assert words in str(error.value) and "package bad 0.3" in str(error.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OptionError, match=r"package bad 0\.3 failed to load"):
            layers.get("bad")  # again: the same error, no second warning
        assert make(layers, "squash") and make(layers, "flatten")
        assert list(layers.problems()) == ["bad"]


def test_a_plugin_of_the_name_of_a_built_in_is_left_out(folder, monkeypatch):
    points = (
        "[fastcnn.layers]\nconv2d = my_plugin:Squash\n[fastcnn.losses]\nmse = my_plugin:Quiet\n"
    )
    install(folder, monkeypatch, "my-plugin", PLUGIN, points)
    for each, name in ((layers, "conv2d"), (registry.losses, "mse")):
        assert each.get(name).__module__.startswith("fastcnn.plugins.")
        with pytest.warns(UserWarning, match=f"{name!r} of the package my-plugin 1.2 is left out"):
            each.names()
        each.names()


def test_two_packages_with_one_name_are_both_named(folder, monkeypatch):
    for package in ("first", "second"):
        install(folder, monkeypatch, package, PLUGIN, f"[fastcnn.callbacks]\nq = {package}:Quiet\n")
    with pytest.warns(UserWarning), pytest.raises(OptionError) as error:
        callbacks.get("q")
    assert all(f"{package} 1.2" in str(error.value) for package in ("first", "second"))
    assert callbacks.get("ema")


def test_a_package_that_is_seen_twice_is_one(folder, monkeypatch, tmp_path):
    install(folder, monkeypatch, "my-plugin", PLUGIN, POINTS)
    other = tmp_path / "again"
    other.mkdir()
    monkeypatch.syspath_prepend(str(other))
    install(other, monkeypatch, "my-plugin", PLUGIN, POINTS)
    assert layers.get("squash")


def thing(module):
    return type("Thing", (), {"__module__": module})


def test_two_things_of_one_name_are_both_named():
    mine = Registry("thing", "things")
    mine.register("x")(thing("one"))
    mine.register("x")(thing("one"))  # a module that was imported again
    with pytest.raises(OptionError, match=r"two things are named 'x': one\.Thing and two\.Thing"):
        mine.register("x")(thing("two"))


@pytest.mark.parametrize("name", ["average_pooling2d", "dense"])
def test_nobody_takes_the_name_of_a_built_in_even_before_it_is_imported(name, monkeypatch):
    monkeypatch.setattr(layers, "_found", {})
    with pytest.raises(OptionError, match=f"plugins.layers.{name} and other.Thing"):
        layers.register(name)(thing("other"))


@pytest.mark.parametrize("each", REGISTRIES, ids=lambda each: each.group)
def test_built_ins_pass_the_checks_for_plugins(each):
    from fastcnn.plugins.discovery import check

    for name in each.names():
        check(each.get(name), each.base)
