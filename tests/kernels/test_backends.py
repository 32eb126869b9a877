"""Which maker is chosen, and what is said where one is missing."""

import pytest

from fastcnn import Sequential
from fastcnn.errors import BackendError, OptionError
from fastcnn.kernels import backends, new_program
from fastcnn.kernels.backends import BACKENDS, available_backends, kernel_names, resolve_backend
from fastcnn.kernels.spec import OPS


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.delenv("FASTCNN_BACKEND", raising=False)
    backends._fall_back.cache_clear()
    yield
    backends._fall_back.cache_clear()


def lacking(monkeypatch, *names):
    for name in names:
        monkeypatch.setattr(backends, f"has_{name}", lambda: False)


def test_native_unless_something_else_is_wanted(monkeypatch):
    assert resolve_backend() == "native" and new_program().backend == "native"
    monkeypatch.setenv("FASTCNN_BACKEND", "numba")
    assert resolve_backend() == "numba" and Sequential().backend == "numba"
    assert resolve_backend("reference") == "reference"
    monkeypatch.setenv("FASTCNN_BACKEND", "")
    assert resolve_backend() == "native"


def test_unknown_names(monkeypatch):
    with pytest.raises(OptionError, match=r"backend 'cuda'.*native"):
        resolve_backend("cuda")
    monkeypatch.setenv("FASTCNN_BACKEND", "Numba")
    with pytest.raises(OptionError, match=r"FASTCNN_BACKEND 'Numba'.*numba"):
        Sequential()


def test_numba_serves_where_nothing_was_compiled(monkeypatch, capsys):
    lacking(monkeypatch, "native")
    assert [resolve_backend() for _ in range(3)] == ["numba"] * 3
    assert capsys.readouterr().err.count("no compiled kernels") == 1
    assert available_backends() == ["numba", "reference"]
    with pytest.raises(BackendError, match="install fastcnn again"):
        resolve_backend("native")


def test_errors_say_what_to_install(monkeypatch):
    lacking(monkeypatch, "numba")
    with pytest.raises(BackendError, match=r"pip install 'fastcnn\[numba\]'"):
        resolve_backend("numba")
    lacking(monkeypatch, "native")
    with pytest.raises(BackendError, match=r"no compiled kernels.*pip install 'fastcnn\[numba\]'"):
        resolve_backend()
    assert resolve_backend("reference") == "reference"


@pytest.mark.parametrize("backend", BACKENDS)
def test_kernels_of_every_maker(backend):
    own = {name for name, op in OPS.items() if op.python is None and op.made_by(backend)}
    assert kernel_names(backend) >= own
