"""Gradients of the convolutions by central differences."""

import numpy as np
import pytest

from tests.kernels.compare import central_differences, run
from tests.kernels.conv2d_cases import ACTIVATIONS, Case, gradient_problem

GRADIENT_PROBLEMS = [
    gradient_problem(),
    gradient_problem(stride=(2, 3), size=(6, 7)),
    gradient_problem(dilation=(2, 1), pad=(3, 0, 2, 2)),
    gradient_problem(groups=2, kernel=(2, 2)),
    gradient_problem(stride=(3, 3), kernel=(2, 2), size=(7, 5), pad=(0, 0, 0, 0)),
    gradient_problem(kernel=(1, 1), pad=(2, 1, 1, 1)),
]


@pytest.mark.parametrize("problem", GRADIENT_PROBLEMS)
def test_gradients_by_central_differences(problem):
    case = Case(problem, np.float64)
    dy, params = case.gradient_arrays()
    top, left = params["halo_top"], params["halo_left"]
    inner = np.ascontiguousarray(dy[:, :, top : top + case.out[0], left : left + case.out[1]])

    def loss(_):
        arrays = {"x": case.x, "w": case.w, "b": case.b, "y": np.empty_like(inner)}
        y = run("conv2d_forward", arrays, "reference", **case.steps)["y"]
        return float((y * inner).sum())

    shape = (1, 2, *problem["size"], 2)
    before = problem["pad"][0], problem["pad"][2]
    window = np.s_[:, :, before[0] : before[0] + shape[2], before[1] : before[1] + shape[3]]
    arrays = {"dy": dy, "w": case.w, "dx": np.empty(shape)}
    dx = run("conv2d_backward_input", arrays, "reference", **params)["dx"]
    np.testing.assert_allclose(dx, central_differences(loss, case.x[window]), atol=1e-7)
    arrays = {"x": case.x, "dy": inner, "dw": np.empty_like(case.w), "db": np.empty_like(case.b)}
    got = run("conv2d_backward_weight", arrays, "reference", **case.steps)
    np.testing.assert_allclose(got["dw"], central_differences(loss, case.w), atol=1e-7)
    np.testing.assert_allclose(got["db"], central_differences(loss, case.b), atol=1e-7)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_input_gradient_goes_through_the_producers_activation(activation):
    case = Case(gradient_problem(activation=activation), np.float64)
    dy, params = case.gradient_arrays()
    shape = (1, 2, *case.p["size"], 2)
    y = run(
        "activation_forward",
        {"x": case.random(*shape), "y": np.empty(shape)},
        "reference",
        **case.act,
    )["y"]
    arrays = {"dy": dy, "w": case.w, "dx": np.empty(shape)}
    plain = run("conv2d_backward_input", arrays, "reference", **params)["dx"]
    fused = run("conv2d_backward_input", {**arrays, "y": y}, "reference", **params, **case.act)[
        "dx"
    ]
    alone = {"dy": plain, "y": y, "dx": np.empty(shape)}
    wanted = run("activation_backward", alone, "reference", **case.act)["dx"]
    np.testing.assert_allclose(fused, wanted)


@pytest.mark.parametrize("problem", GRADIENT_PROBLEMS[:1] + GRADIENT_PROBLEMS[3:4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_max_pool_gradients_by_central_differences(problem, activation):
    case = Case({**problem, "lanes": 16, "activation": activation}, np.float64)
    shape = (1, 2, case.out[0] // 2, case.out[1] // 2, 16)
    dy = case.random(*shape)

    def forward():
        arrays = {"x": case.x, "w": case.w, "b": case.b, "y": np.empty(shape)}
        arrays["index"] = np.empty(shape, np.uint8)
        return run("conv2d_max_pool_forward", arrays, "reference", **case.steps, **case.act)

    arrays = {
        "x": case.x,
        "dy": dy,
        **forward(),
        "dw": np.empty_like(case.w),
        "db": np.empty_like(case.b),
    }
    got = run("conv2d_max_pool_backward_weight", arrays, "reference", **case.steps, **case.act)
    for name, parameter in (("dw", case.w), ("db", case.b)):
        numeric = central_differences(lambda _: float((forward()["y"] * dy).sum()), parameter)
        np.testing.assert_allclose(got[name], numeric, atol=1e-6)
