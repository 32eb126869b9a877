"""Initializers against torch.nn.init: the same numbers where none is drawn, else the same
distribution: its largest number and its standard deviation."""

import numpy as np
import pytest

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers, make
from tests.torch.against import needs_torch, torch

pytestmark = needs_torch
SHAPE = (64, 32, 5, 5)  # fan_in 800, fan_out 1600
TABLE = [  # name, options, function of torch.nn.init, its options
    ("zeros", {}, "zeros_", {}),
    ("ones", {}, "ones_", {}),
    ("constant", {"value": 0.3}, "constant_", {"val": 0.3}),
    ("identity", {}, "dirac_", {}),
    ("uniform", {"minval": -0.2, "maxval": 0.4}, "uniform_", {"a": -0.2, "b": 0.4}),
    ("normal", {"mean": 0.1, "stddev": 0.3}, "normal_", {"mean": 0.1, "std": 0.3}),
    (
        "truncated_normal",
        {"mean": 0.1, "stddev": 0.3},
        "trunc_normal_",
        {"mean": 0.1, "std": 0.3, "a": -0.5, "b": 0.7},
    ),
    ("glorot_uniform", {}, "xavier_uniform_", {}),
    ("glorot_normal", {}, "xavier_normal_", {}),
    ("he_uniform", {}, "kaiming_uniform_", {"nonlinearity": "relu"}),
    ("he_normal", {}, "kaiming_normal_", {"nonlinearity": "relu"}),
    ("lecun_uniform", {}, "kaiming_uniform_", {"nonlinearity": "linear"}),
    ("lecun_normal", {}, "kaiming_normal_", {"nonlinearity": "linear"}),
    ("orthogonal", {"gain": 1.5}, "orthogonal_", {"gain": 1.5}),
]
DRAWS_NOTHING = {"zeros", "ones", "constant", "identity"}
BOUNDED = {"uniform", "truncated_normal", "glorot_uniform", "he_uniform", "lecun_uniform"}


@pytest.mark.parametrize(("name", "options", "theirs", "torch_options"), TABLE)
def test_distribution(name, options, theirs, torch_options):
    parameter = Parameter(SHAPE, name, fan_in=800, fan_out=1600)
    ours = make(initializers, {"name": name, **options})(np.random.default_rng(0), parameter)
    torch.manual_seed(0)
    wanted = getattr(torch.nn.init, theirs)(torch.empty(SHAPE), **torch_options).numpy()
    assert ours.dtype == wanted.dtype and ours.shape == wanted.shape
    if name in DRAWS_NOTHING:
        assert np.array_equal(ours, wanted)
        return
    scale = float(wanted.std())
    assert ours.mean() == pytest.approx(wanted.mean(), abs=0.02 * scale)
    assert ours.std() == pytest.approx(scale, rel=0.02)
    if name in BOUNDED:
        assert [ours.min(), ours.max()] == pytest.approx([wanted.min(), wanted.max()], rel=0.01)
    if name == "orthogonal":
        gram, rows = (a @ a.T for a in (ours.reshape(64, -1), wanted.reshape(64, -1)))
        np.testing.assert_allclose(gram, rows, atol=1e-5)
