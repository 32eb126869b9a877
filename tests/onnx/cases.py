"""The node test cases of the onnx package: one operator with its inputs and outputs each."""

import warnings
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import numpy as np


@dataclass
class Case:
    name: str
    operator: str
    attributes: dict
    inputs: list  # None where an optional one is left out
    outputs: list

    def get(self, attribute, default):
        return self.attributes.get(attribute, default)


@cache
def cases_of(operators):
    """Cases of these operators (a tuple), by name; none where onnx is not installed.

    A case "..._expanded" has the numbers of another one, for an operator written with others, and
    so is no node of one of these operators.
    """
    if find_spec("onnx") is None:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own tests overflow and divide by zero
        from onnx.backend.test.case.node import collect_testcases

        found = [_case(test) for test in collect_testcases() if len(test.model.graph.node) == 1]
    return {case.name: case for case in found if case.operator in operators}


def _case(test):
    from onnx.helper import get_attribute_value

    node = test.model.graph.node[0]
    attributes = {a.name: _plain(get_attribute_value(a)) for a in node.attribute}
    (inputs, outputs), *_ = test.data_sets
    given = iter(inputs)
    inputs = [next(given) if name else None for name in node.input]
    return Case(test.name, node.op_type, attributes, inputs, list(outputs))


def _plain(value):
    return value.decode() if isinstance(value, bytes) else value


def as_float(array):
    return np.asarray(array, np.float64)
