"""How much more than direct convolution Winograd's algorithm rounds."""

import numpy as np
import pytest

from tests.kernels.compare import as_float64, run
from tests.kernels.conv2d_cases import Case
from tests.kernels.winograd_cases import (
    FORMS,
    backward_arrays,
    formed,
    forward_arrays,
    weight_arrays,
    weight_gradient,
)

# Of the largest errors in float32, against float64, the ratio to that of direct convolution. With
# fewer than 5 channels direct convolution rounds so little that it may reach 9. Its weight gradient
# is a sum over 16 times as many partial sums, one for each lane; hence the other bounds, by form.
ERROR_BOUND = 4.0
WEIGHT_ERROR_BOUND = {(3, 6): 10.0, (5, 6): 18.0, (3, 4): 6.0}


def largest_error(name, arrays, exact, **params):
    (got,) = run(name, arrays, "native", **params).values()
    return np.abs(got - exact).max() / np.abs(exact).max()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [5, 7, 48])
@pytest.mark.parametrize("seed", range(3))
def test_error_is_bounded_by_that_of_direct_convolution(form, channels, seed):
    shapes = {"channels": channels, "outs": 11, "size": (13, 11)}
    case = Case(formed(form, **shapes, lanes=16, seed=seed, bias=False))
    forward = forward_arrays(case)
    backward, own, direct = backward_arrays(case, with_y=False)
    for direction, arrays, new, old in (
        ("forward", forward, {"side": form[1]}, {}),
        ("backward_input", backward, own, direct),
    ):
        arrays = {name: array for name, array in arrays.items() if name != "z"}
        wide = as_float64(arrays)
        (exact,) = run(f"conv2d_{direction}", wide, "reference", **old).values()
        error = largest_error(f"winograd_{direction}", arrays, exact, **new)
        assert error <= ERROR_BOUND * largest_error(f"conv2d_{direction}", arrays, exact, **old)
    for shares in (1, 4):
        arrays, dw = weight_arrays(case, shares)
        plain = {"x": arrays["x"], "dy": arrays["dy"], "dw": dw}
        exact = run("conv2d_backward_weight", as_float64(plain), "reference")["dw"]
        error = np.abs(weight_gradient(arrays, dw)[0] - exact).max() / np.abs(exact).max()
        bound = WEIGHT_ERROR_BOUND[form] * largest_error("conv2d_backward_weight", plain, exact)
        assert error <= bound < 6e-6
