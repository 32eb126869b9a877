"""The rooms of the house: who may import whom, and what may not be imported when."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fastcnn

ROOT = Path(fastcnn.__file__).parent

# Low to high. A module may import modules of its own rank or lower. The longest prefix counts.
RANKS = [
    ["arguments", "errors", "locks", "rng", "signals", "text"],
    ["_kernels"],
    ["kernels"],
    ["engine"],
    ["plugins"],
    [
        "activations",
        "augmentations",
        "constraints",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "optimizers",
        "regularizers",
        "schedules",
    ],
    ["plugins.models"],
    ["data", "datasets"],
    ["training", "callbacks", "plugins.callbacks"],
    [
        "model",
        "models",
        "outputs",
        "planned_network",
        "recipes",
        "saving",
        "sequential",
        "structure",
    ],
    ["features"],
    ["classical"],
    ["plugins.baselines", "baselines"],
    ["estimators"],
    ["compare"],
    ["commands"],
    ["testing"],
    ["cli_errors", "cli_options", "cli", "__main__"],
]
HEAVY = (
    "sklearn",
    "cv2",
    "rich",
    "matplotlib",
    "pooch",
    "safetensors",
    "numba",
    "llvmlite",
    "jinja2",
    "scipy",
)
# Rooms whose classes are subclasses of a library's, or that are written in it.
AT_HOME = {
    "kernels.numba_": {"numba", "llvmlite"},
    "features": {"sklearn"},
    "classical": {"sklearn"},
    "estimators": {"sklearn", "scipy"},
}


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        name = (
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
            .removesuffix("__init__")
            .strip(".")
        )
        if name:
            yield name, ast.parse(path.read_text())


def rank(module):
    found = [(len(p), k) for k, names in enumerate(RANKS) for p in names if _within(module, p)]
    assert found, f"fastcnn.{module} has no place in RANKS"
    return max(found)[1]


def test_every_room_exists():
    names = [name for name, _ in modules()] + ["_kernels"]
    for room in (room for row in RANKS for room in row):
        assert any(_within(name, room) for name in names), room


def _within(module, prefix):
    return module == prefix or module.startswith(f"{prefix}.")


def imports(tree):
    """fastcnn modules that a module imports, at any depth, except for type checking only."""
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fastcnn"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (n.removeprefix("fastcnn").strip(".") for n in names)
        elif isinstance(node, ast.Import):
            yield from (
                a.name.removeprefix("fastcnn.") for a in node.names if a.name.startswith("fastcnn.")
            )


@pytest.mark.parametrize(("name", "tree"), [pytest.param(n, t, id=n) for n, t in modules()])
def test_imports_point_downwards(name, tree):
    for target in imports(tree):
        if target.startswith(("plugins.registry", "plugins.discovery")):
            continue  # import only errors, so every room may register
        if target == "__version__":
            continue
        assert rank(target) <= rank(name), f"fastcnn.{name} must not import fastcnn.{target}"


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("plugins.registry", {"arguments", "errors", "plugins"}),
        ("plugins.discovery", {"errors", "__version__"}),
    ],
)
def test_registry_and_discovery_import_only_errors(name, targets):
    assert {t.split(".")[0] for t in imports(dict(modules())[name])} == targets


def test_only_the_native_maker_touches_the_extension():
    users = {name for name, tree in modules() if any(_within(t, "_kernels") for t in imports(tree))}
    assert users == {"kernels.native", "kernels.threads"}


@pytest.mark.parametrize(("name", "tree"), [pytest.param(n, t, id=n) for n, t in modules()])
def test_heavy_libraries_are_imported_where_they_are_used(name, tree):
    own = next((libraries for room, libraries in AT_HOME.items() if _within(name, room)), set())
    for node in tree.body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not any(n.split(".")[0] in set(HEAVY) - own for n in names), (
            f"fastcnn.{name} imports {names} at once"
        )


def test_import_fastcnn_imports_no_numpy():
    code = "import sys, fastcnn; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
