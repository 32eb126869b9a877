"""The makers have the same kernels with the same arguments: those of the table."""

import inspect

import pytest

import fastcnn._kernels as _kernels
from fastcnn.kernels import spec
from fastcnn.kernels.backends import has_numba, kernel_names
from fastcnn.kernels.native import isa_index, isas
from fastcnn.kernels.reference import functions

DTYPES = spec.DTYPES
OPS = {name: op for name, op in spec.OPS.items() if op.python is None}  # all but plugins' kernels
NUMBA_OPS = {name: op for name, op in OPS.items() if op.made_by("numba")}

needs_numba = pytest.mark.skipif(not has_numba(), reason="Numba is not installed")


def marks(text):
    return {mark for mark in ">?" if mark in text}


def test_the_reference_has_the_kernels_of_the_table():
    assert set(functions()) == set(OPS)


@pytest.mark.parametrize("name", OPS)
def test_arguments_of_the_reference(name):
    """Tensors in the table's order, then the parameters, by keyword only and without defaults."""
    arguments = inspect.signature(functions()[name]).parameters.values()
    tensors = [a.name for a in arguments if a.kind is a.POSITIONAL_OR_KEYWORD]
    params = {a.name for a in arguments if a.kind is a.KEYWORD_ONLY}
    assert tensors == list(OPS[name].tensors)
    assert params == set(OPS[name].params)
    assert len(tensors) + len(params) == len(arguments)
    assert all(a.default is a.empty for a in arguments)


@needs_numba
def test_numba_has_the_kernels_of_the_table():
    assert kernel_names("numba") == set(NUMBA_OPS)


@needs_numba
@pytest.mark.parametrize("name", NUMBA_OPS)
def test_arguments_of_numba(name):
    """The work, tensors in the table's order, then the parameters in the table's order."""
    from fastcnn.kernels.numba_.program import functions as numba_functions

    arguments = list(inspect.signature(numba_functions()[name]).parameters.values())
    op = OPS[name]
    assert [a.name for a in arguments] == ["work", *op.tensors, *op.params]
    assert all(a.default is a.empty for a in arguments)


@pytest.mark.parametrize("isa", isas())
def test_every_instruction_set_has_the_kernels_of_the_table(isa):
    assert set(_kernels.signatures(isa_index(isa))) == set(OPS)


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("name", OPS)
def test_arguments_in_c(name, isa):
    """The same names, what is written and what may be absent marked alike; any order."""
    text = _kernels.signatures(isa_index(isa))[name]
    tensors, integers, floats = (part.split() for part in (text + "||").split("|")[:3])
    op = OPS[name]
    assert {t.strip("?>"): marks(t) for t in tensors} == {
        t: marks(text) for t, text in op.tensors.items()
    }
    assert len(tensors) == len(op.tensors)
    assert sorted(integers + floats) == sorted(op.params)
    for param in integers:
        assert isinstance(op.params[param], int | str), f"{param} has a default that is no integer"


@pytest.mark.parametrize("name", OPS)
def test_rows_of_the_table(name):
    op = OPS[name]
    assert set(op.lacking) <= {"numba"}  # the others have all
    for tensor in op.tensors:
        assert op.dtype(tensor) in DTYPES and op.axes(tensor)
    assert set(op.strided) <= set(op.tensors)
    assert any(op.is_output(tensor) for tensor in op.tensors)
