"""Text leaves safely: any name, any encoding, a stream that nobody reads, a full disk."""

import ast
import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn.errors import OptionError
from fastcnn.plugins.callbacks.csv_logger import CSVLogger
from fastcnn.text import Screen, csv_cell, one_line, printable, say, screen, show_line, shown
from fastcnn.training.curves import draw_curves
from fastcnn.training.model_file import write_text
from tests.test_imports import modules

WILD = (
    "\x1b]0;title\x07 \x1b[2J\r\b\x7f\x9b2J \u202etxt\u2066 \udce9 \ud800 猫🐶 $a_ $ [red]x[/red]"
)
DOES_SOMETHING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
anything = st.text(st.characters(), max_size=20)  # surrogates too


@given(anything)
def test_nothing_that_acts_is_left_and_nothing_else_is_changed(text):
    assert not DOES_SOMETHING.search(printable(text).replace("\t", ""))
    assert not DOES_SOMETHING.search(one_line(text)) and "\n" not in one_line(text)
    printable(text).encode("utf-8")
    plain = "".join(c for c in text if c.isprintable())
    assert printable(plain) == plain and printable(printable(text)) == printable(text)


def test_how_it_is_written():
    assert one_line("a\x1b[0m\n\x07\r\u202e\udce9\x85") == r"a\x1b[0m\n\a\r\u202e\xe9\x85"
    assert printable("two\nlines\tand") == "two\nlines\tand"
    assert shown({"\n": ["\n", 1, ("\x1b", None)]}) == {"\n": ["\\n", 1, ("\\x1b", None)]}
    assert str(OptionError("no \x1b[2J")) == r"no \x1b[2J"


@given(anything, st.sampled_from(["ascii", "latin-1", "cp1252", "utf-8", "utf-16", "shift_jis"]))
def test_any_text_fits_any_encoding(text, encoding):
    for err in (False, True):
        file = io.BytesIO()
        stream, usual = io.TextIOWrapper(file, encoding, newline=""), (sys.stdout, sys.stderr)
        sys.stdout = sys.stderr = stream
        try:
            say(text, err)
            screen().print(printable(text), markup=False)
        finally:
            sys.stdout, sys.stderr = usual
        lines = file.getvalue().decode(encoding)
        assert lines.endswith("\n") and not DOES_SOMETHING.search(lines.replace("\t", ""))


@given(anything)
def test_any_text_can_be_written(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("texts") / "text.md"
    write_text(path, text)
    path.read_bytes().decode("utf-8")


class Failing(io.StringIO):
    encoding = "utf-8"

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


@pytest.mark.parametrize(
    ("error", "err", "told"),
    [
        (BrokenPipeError(32, "Broken pipe"), False, False),
        (BrokenPipeError(32, "Broken pipe"), True, False),
        (ValueError("I/O operation on closed file"), False, False),
        (OSError(28, "No space left on device"), False, True),
        (OSError(28, "No space left on device"), True, False),
        (OSError(5, "Input/output error"), True, False),
    ],
)
def test_streams_that_fail(monkeypatch, error, err, told):
    monkeypatch.setattr(sys, "stderr" if err else "stdout", Failing(error))
    if told:
        with pytest.raises(OSError, match="standard output"):
            say("text", err)
    else:
        say("text", err)
    assert Screen(Failing(error)).write("text") == 4


def test_no_stream_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    say("text")
    say("text", err=True)


def test_lines_above_a_bar_are_no_markup(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    show_line(screen(), "[red]a[/red] :cat: \x1b[2J")
    assert sys.stderr.getvalue() == "[red]a[/red] :cat: \\x1b[2J\n"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-cmd", "'-cmd"),
        ("@sum", "'@sum"),
        ("\tx", "'\\tx"),
        ("\rx", "'\\rx"),
        ("-", "'-"),
        ("-0.5", "-0.5"),
        ("+1e3", "+1e3"),
        ("-inf", "-inf"),
        (-0.5, -0.5),
        (-3, -3),
        (None, None),
        ("cat=1", "cat=1"),
        ("'=1", "'=1"),
        ("\x1b[2J", "\\x1b[2J"),
    ],
)
def test_cells_that_a_spreadsheet_would_compute(cell, written):
    assert csv_cell(cell) == written


def test_a_csv_log_reads_its_own_rows(tmp_path):
    log = CSVLogger(tmp_path / "log.csv")
    log.write([])
    log.add({"epoch": 1, "loss": -0.5, "=f1": 0.25})
    log.add({"epoch": 2, "loss": -0.25, "=f1": 0.5, "note": "=1+1"})
    log.add({"epoch": 3, "loss": 1e-7, "=f1": 0.5, "note": "x"})
    with open(tmp_path / "log.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["epoch", "loss", "'=f1", "note"],
        ["1", "-0.5", "0.25", ""],
        ["2", "-0.25", "0.5", "'=1+1"],
        ["3", "1e-07", "0.5", "x"],
    ]


@pytest.mark.parametrize(
    "name", [WILD, "Кошка", "猫", "🐶", "$", "$x$", "$\\frac$", "a_{b", "%", "\\"]
)
def test_names_in_pictures(name):
    title = one_line(name) if "\udce9" in name else name
    assert draw_curves({"loss": [1.0, 0.5]}, title, "test").startswith(b"\x89PNG")


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_names_in_pictures_of_models(tmp_path, ending):
    from fastcnn import Sequential
    from fastcnn.layers import Dense, Flatten

    model = Sequential([Flatten(), Dense(2, name=f"dense {WILD}")], name=WILD)
    model.build((2, 2))
    model.plot(tmp_path / f"model.{ending}")
    assert not DOES_SOMETHING.search(model.summary().replace("\n", ""))


# Who prints


def _spelling(node):
    """ "sys.stdout.write" of such a call, as far as it can be read."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id if isinstance(node, ast.Name) else "?"]))


BY_THE_DOOR = re.compile(
    r"print|pprint|input|(click|typer)\.(echo|secho|echo_via_pager)|sys\.(__)?std(out|err)(__)?\.write(lines)?"
    r"|traceback\.print_\w+|rich\.print(_json)?|.*\.write_text"
)


def test_only_one_module_prints():
    allowed = {"compare.memory: CLEAR.write_text"}  # a file of the kernel's
    found = set()
    for name, tree in modules():
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        spelt = [(_spelling(call.func), {k.arg for k in call.keywords}) for call in calls]
        if name != "text":
            found |= {f"{name}: {s}" for s, _ in spelt if BY_THE_DOOR.fullmatch(s)}
            found |= {f"{name}: {s}" for s, k in spelt if s == "Console" and "file" not in k}
    assert found == allowed


# The commands

NAMES = [b"caf\xe9", "Кошка 猫".encode(), b'=<b>&"x"', b"\x1b[2J\x1b]0;t\x07"]


def fastcnn_command(*words, folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables):
    return subprocess.run(
        [sys.executable, "-m", "fastcnn.cli", *words],
        stdout=stdout,
        stderr=stderr,
        cwd=folder,
        env={**os.environ, **variables},
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with a class for each of the names; and a run on it."""
    from cv2 import imencode

    folder = tmp_path_factory.mktemp("names")
    random = np.random.default_rng(0)
    for k, name in enumerate(NAMES):
        path = os.path.join(os.fsencode(folder), b"data", name)
        os.makedirs(path)
        for n in range(12):
            image = random.integers(0, 60, (8, 8, 3)) + 60 * (np.arange(3) == k)
            with open(os.path.join(path, b"%d.png" % n), "wb") as file:
                file.write(imencode(".png", image.astype(np.uint8))[1])
    words = ("train", "--data", "data", "--epochs", "1", "--out", "run")
    run = fastcnn_command(*words, folder=folder, PYTHONIOENCODING="latin-1")
    assert run.returncode == 0, run.stderr
    return folder


def acts(output):
    return DOES_SOMETHING.search(output.decode("latin-1").replace("\n", "").replace("\x9f", ""))


POSIX = pytest.mark.skipif(os.name != "posix", reason="names of bytes")
ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C"},
]


@POSIX
@pytest.mark.parametrize("variables", ENCODINGS, ids=lambda v: "-".join(v.values()))
def test_predict_and_evaluate_say_any_name(pictures, variables):
    image = os.path.join(b"data", NAMES[0], b"0.png")
    for words in (("predict", "run", image, "--top", "4"), ("evaluate", "run")):
        result = fastcnn_command(*words, folder=pictures, **variables)
        assert result.returncode == 0, result.stderr
        assert b"\x1b" not in result.stdout and rb"\x1b[2J" in result.stdout
        assert rb"caf\xe9" in result.stdout


@POSIX
def test_json_can_be_read_back(pictures):
    words = ("predict", "run", os.path.join(b"data", NAMES[0], b"0.png"), "--top", "4", "--json")
    result = fastcnn_command(*words, folder=pictures, PYTHONIOENCODING="ascii")
    (found,) = json.loads(result.stdout)
    assert {os.fsencode(c["class"]) for c in found["classes"]} == set(NAMES)
    assert os.fsencode(found["image"]).endswith(NAMES[0] + b"/0.png")


@POSIX
def test_compare_writes_every_report(pictures):
    words = ("compare", "--data", "data", "--models", "knn,logistic", "--folds", "2", "--out", "c")
    result = fastcnn_command(*words, folder=pictures, PYTHONIOENCODING="latin-1")
    assert result.returncode == 0, result.stderr
    page = (pictures / "c" / "report.html").read_text(encoding="utf-8")
    assert r"caf\xe9" in page and "Кошка 猫" in page and '=<b>&"x"' not in page
    for name in ("report.html", "report.md", "results.csv", "results.json"):
        assert not DOES_SOMETHING.search(
            (pictures / "c" / name).read_text("utf-8").replace("\n", "")
        )
    classes = json.loads((pictures / "c" / "results.json").read_text("utf-8"))["data"]["classes"]
    assert {os.fsencode(name) for name in classes} == set(NAMES)


@POSIX
@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_streams_that_nobody_reads(tmp_path, closed):
    """The run goes on to its end; status 0, since nothing that was asked for failed."""
    read, write = os.pipe()
    os.close(read)
    streams = {n: write for n in ("stdout", "stderr") if closed in (n, "both")}
    words = ("train", "--epochs", "1", "--train-size", "100", "--out", "r")
    result = fastcnn_command(*words, folder=tmp_path, **streams)
    os.close(write)
    assert result.returncode == 0 and b"Traceback" not in (result.stderr or b"")
    assert json.loads((tmp_path / "r" / "run.json").read_text())["status"] == "finished"
    assert (
        b"Error" not in (result.stderr or b"") and (tmp_path / "r" / "model.safetensors").exists()
    )


@POSIX
@pytest.mark.parametrize("words", [("--help",), ("train", "--help"), ("models",), ("--version",)])
def test_the_head_of_a_help_page(tmp_path, words):
    read, write = os.pipe()
    os.close(read)
    result = fastcnn_command(*words, folder=tmp_path, stdout=write)
    os.close(write)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_loses_no_results(tmp_path):
    words = ("train", "--epochs", "1", "--train-size", "100", "--out", "r", "--quiet")
    with open("/dev/full", "w") as full:
        result = fastcnn_command(*words, folder=tmp_path, stdout=full)
    assert result.returncode == 1
    assert result.stderr == b"fastcnn: error: standard output: No space left on device\n"
    assert json.loads((tmp_path / "r" / "run.json").read_text())["status"] == "finished"


@POSIX
@pytest.mark.parametrize(
    "words",
    [
        ("\x1b[2J",),
        ("train", "--\x1b[2J"),
        ("train", "--data", "\x1b[2J"),
        ("predict", "\x1b[2J", "x"),
    ],
)
def test_errors_show_what_the_user_wrote(tmp_path, words):
    result = fastcnn_command(*words, folder=tmp_path)
    assert result.returncode in (1, 2) and b"\x1b" not in result.stderr + result.stdout
    assert rb"\x1b[2J" in result.stderr
