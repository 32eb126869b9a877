"""Winograd's weight gradient: the sums of shares of tiles, and what follows from them."""

import numpy as np
import pytest
from hypothesis import given, settings

from fastcnn.errors import ShapeError
from fastcnn.kernels import call, new_program
from tests.kernels.compare import assert_native_matches_reference, run
from tests.kernels.conv2d_cases import Case
from tests.kernels.winograd_cases import (
    FORMS,
    SHARES,
    formed,
    problems,
    weight_arrays,
    weight_gradient,
)


@settings(deadline=None, max_examples=60)
@given(problems(), SHARES)
def test_backward_weight_matches_reference(problem, shares):
    case = Case(problem)
    arrays, dw = weight_arrays(case, shares)
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=dw.shape[2])
    made = {"sums": case.random(*arrays["sums"].shape), "bias_sums": None, "dw": dw, "db": None}
    if problem["bias"]:
        made |= {"bias_sums": case.random(shares, len(dw)), "db": np.empty_like(case.b)}
    assert_native_matches_reference("winograd_weight_gradient", made)


@pytest.mark.parametrize("form", [(3, 6), (3, 4)])
@pytest.mark.parametrize("shares", [1, 3])
@pytest.mark.parametrize("filters", [16, 24, 48, 70, 150])
def test_groups_of_filters_of_the_weight_gradient(form, filters, shares):
    """One to four vectors, two and three groups of them; channels for more than one panel."""
    shapes = {"channels": 18, "outs": filters, "size": (7, 9), "blocks": 2}
    case = Case(formed(form, **shapes, lanes=16))
    assert_native_matches_reference("winograd_backward_weight", weight_arrays(case, shares)[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shares", [2, 5])
def test_shares_of_many_chunks_of_tiles(form, shares):
    """Runs of tiles that begin and end within rows, and shares that begin within blocks."""
    shapes = {"channels": 3, "outs": 5, "size": (23, 47), "blocks": 3}
    case = Case(formed(form, **shapes, lanes=16))
    arrays, _ = weight_arrays(case, shares)
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=form[0])


@pytest.mark.parametrize("form", FORMS)
def test_shares_without_tiles_are_zeros(form):
    case = Case(formed(form, size=(6, 6), blocks=1, lanes=16))
    arrays, _ = weight_arrays(case, shares=40)
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=form[0])
    made = run("winograd_backward_weight", arrays, "native", kernel=form[0])
    empty = [not own.any() for own in made["sums"]]
    assert 40 - 16 <= sum(empty) < 40


@pytest.mark.parametrize("shares", [1, 3])
def test_blocks_without_images_do_not_count(shares):
    case = Case(formed((3, 6), size=(14, 13), blocks=3, lanes=16))
    arrays, dw = weight_arrays(case, shares)
    first = {**arrays, "x": arrays["x"][:2], "dy": arrays["dy"][:2]}
    wanted = weight_gradient(first, dw)[0]
    arrays["x"][2] = np.nan
    for threads in (1, 2, 3):
        program = new_program("native")
        program.add("winograd_backward_weight", arrays, kernel=3)
        program.run(blocks=2, threads=threads)
        made = {"sums": arrays["sums"], "bias_sums": None, "dw": dw, "db": None}
        got = run("winograd_weight_gradient", made, "native")["dw"]
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sums": np.zeros((0, 36, 3, 16), np.float32)}, "at least one share"),
        ({"sums": np.zeros((2, 35, 3, 16), np.float32)}, "35 positions are no square tile"),
        ({"sums": np.zeros((2, 25, 3, 16), np.float32)}, "tiles of 4x4 or 6x6, not 5x5"),
        (
            {
                "sums": np.zeros((2, 16, 3, 16), np.float32),
                "dw": np.zeros((4, 3, 5, 5), np.float32),
            },
            "kernels of 5x5 have tiles of 6x6, not 4x4",
        ),
        ({"sums": np.zeros((2, 36, 3, 8), np.float32)}, "length of rows"),
        ({"db": np.zeros(4, np.float32)}, "bias_sums"),
    ],
)
def test_sums_that_it_does_not_take(changed, message):
    arrays = {
        "sums": np.zeros((2, 36, 3, 16), np.float32),
        "dw": np.zeros((4, 3, 3, 3), np.float32),
    }
    with pytest.raises(ShapeError, match=message):
        call("winograd_weight_gradient", {**arrays, "bias_sums": None, "db": None, **changed})
