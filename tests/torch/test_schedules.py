"""Learning rates against torch.optim.lr_scheduler, over a training of 30 steps."""

import pytest

from fastcnn.plugins.registry import make, schedules
from tests.torch.against import needs_torch, torch

pytestmark = needs_torch
STEPS = 30
LR = {"initial_learning_rate": 0.8}
TABLE = [  # name, options, scheduler, its options, how many steps they share
    ("constant", {"learning_rate": 0.8}, "ConstantLR", {"factor": 1.0}, STEPS),
    (
        "piecewise",  # a boundary is the last step of a rate, a milestone the first of the next
        {"boundaries": [4, 9], "values": [0.8, 0.2, 0.05]},
        "MultiStepLR",
        {"milestones": [5, 10], "gamma": 0.25},
        STEPS,
    ),
    (
        "step",
        LR | {"decay_steps": 7, "decay_rate": 0.3},
        "StepLR",
        {"step_size": 7, "gamma": 0.3},
        STEPS,
    ),
    (
        "exponential",
        LR | {"decay_steps": 1, "decay_rate": 0.9},
        "ExponentialLR",
        {"gamma": 0.9},
        STEPS,
    ),
    (
        "inverse_time",
        LR | {"decay_rate": 0.4},
        "LambdaLR",
        {"lr_lambda": lambda i: 1 / (1 + 0.4 * i)},
        STEPS,
    ),
    (
        "polynomial",
        LR | {"end_learning_rate": 0.0, "power": 2.5},
        "PolynomialLR",
        {"total_iters": STEPS, "power": 2.5},
        STEPS,
    ),
    (
        "polynomial",
        LR | {"end_learning_rate": 0.2, "decay_steps": 11},
        "LinearLR",
        {"start_factor": 1.0, "end_factor": 0.25, "total_iters": 11},
        STEPS,
    ),
    ("cosine", LR, "CosineAnnealingLR", {"T_max": STEPS}, STEPS),
    (
        "cosine",  # PyTorch's rises again after T_max
        LR | {"decay_steps": 12, "alpha": 0.25},
        "CosineAnnealingLR",
        {"T_max": 12, "eta_min": 0.2},
        12,
    ),
    (
        "cosine_restarts",
        LR | {"first_decay_steps": 4, "alpha": 0.25},
        "CosineAnnealingWarmRestarts",
        {"T_0": 4, "T_mult": 2, "eta_min": 0.2},
        STEPS,
    ),
    (
        "cosine_restarts",
        LR | {"first_decay_steps": 7, "t_mul": 1.0},
        "CosineAnnealingWarmRestarts",
        {"T_0": 7},
        STEPS,
    ),
    (
        "one_cycle",
        {"max_learning_rate": 0.8},
        "OneCycleLR",
        {"max_lr": 0.8, "total_steps": STEPS},
        STEPS - 1,
    ),
    (
        "one_cycle",
        {"max_learning_rate": 0.8, "pct_start": 0.45, "div_factor": 5, "final_div_factor": 20},
        "OneCycleLR",
        {
            "max_lr": 0.8,
            "total_steps": STEPS,
            "pct_start": 0.45,
            "div_factor": 5,
            "final_div_factor": 20,
        },
        STEPS - 1,
    ),
    (
        "one_cycle",
        {"max_learning_rate": 0.8, "anneal_strategy": "linear"},
        "OneCycleLR",
        {"max_lr": 0.8, "total_steps": STEPS, "anneal_strategy": "linear"},
        STEPS - 1,
    ),
    (
        "triangular",
        LR | {"maximal_learning_rate": 2.0, "step_size": 5},
        "CyclicLR",
        {"base_lr": 0.8, "max_lr": 2.0, "step_size_up": 5, "cycle_momentum": False},
        STEPS,
    ),
    (
        "triangular",
        LR | {"maximal_learning_rate": 2.0, "step_size": 4, "decay": 0.5},
        "CyclicLR",
        {
            "base_lr": 0.8,
            "max_lr": 2.0,
            "step_size_up": 4,
            "mode": "triangular2",
            "cycle_momentum": False,
        },
        STEPS,
    ),
    (
        "warmup",
        {"schedule": 0.8, "steps": 6, "start": 0.2},
        "LinearLR",
        {"start_factor": 0.25, "total_iters": 6},
        STEPS,
    ),
]


def torch_rates(name, options, steps):
    """The rate of each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(("name", "options", "theirs", "torch_options", "steps"), TABLE)
def test_rates(name, options, theirs, torch_options, steps):
    schedule = make(schedules, {"name": name, **options})
    ours = [schedule(i, STEPS) for i in range(steps)]
    assert ours == pytest.approx(torch_rates(theirs, torch_options, steps), rel=1e-9, abs=1e-12)


def test_warm_up_before_a_cosine():
    """SequentialLR of two."""
    inner = {"name": "cosine", **LR}
    schedule = make(schedules, {"name": "warmup", "schedule": inner, "steps": 6, "start": 0.2})
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    kinds = torch.optim.lr_scheduler
    parts = [
        kinds.LinearLR(optimizer, start_factor=0.25, total_iters=6),
        kinds.CosineAnnealingLR(optimizer, T_max=STEPS - 6),
    ]
    both = kinds.SequentialLR(optimizer, parts, milestones=[6])
    for i in range(STEPS):
        assert schedule(i, STEPS) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        both.step()
