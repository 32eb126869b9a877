"""The node test cases of the onnx package, run by our kernels."""

from importlib.util import find_spec

import numpy as np
import pytest

from tests.onnx.cases import cases_of
from tests.onnx.layers import LAYERS
from tests.onnx.left_out import LEFT_OUT, OUTPUTS_LEFT_OUT
from tests.onnx.training import TRAINING

TRANSLATORS = {**LAYERS, **TRAINING}
CASES = cases_of(tuple(TRANSLATORS))
LEFT = [name for names in LEFT_OUT.values() for name in names]
RUN = [name for name in CASES if name not in LEFT]
RTOL = 1e-5  # the cases themselves ask for 1e-3
OF_FOUR_DIGITS = {"test_averagepool_2d_ceil_last_window_starts_on_pad"}
pytestmark = [
    pytest.mark.onnx,
    pytest.mark.skipif(find_spec("onnx") is None, reason="onnx is not installed"),
]


@pytest.mark.parametrize("backend", ["reference", "native"])
@pytest.mark.parametrize("name", RUN)
def test_case(name, backend):
    case = CASES[name]
    outputs = TRANSLATORS[case.operator](case, backend)
    without = sum(name in names for names in OUTPUTS_LEFT_OUT.values())
    assert len(outputs) == len(case.outputs) - without * (len(case.outputs) - 1)
    rtol = 1e-3 if name in OF_FOUR_DIGITS else RTOL
    for ours, expected in zip(outputs, case.outputs, strict=False):
        assert np.shape(ours) == expected.shape
        np.testing.assert_allclose(ours, expected, rtol=rtol, atol=1e-6)


def test_every_case_is_run_or_left_out_for_a_reason():
    """A new version of onnx may bring more; then they stand in neither."""
    assert len(LEFT) == len(set(LEFT)) and set(LEFT) <= set(CASES)
    assert len(RUN) + len(LEFT) == len(CASES)
    assert {CASES[name].operator for name in CASES} == set(TRANSLATORS)
    partly = [name for names in OUTPUTS_LEFT_OUT.values() for name in names]
    assert set(partly) <= set(RUN)
