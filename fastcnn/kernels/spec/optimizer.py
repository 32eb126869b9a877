"""Optimizers: P parameters in S segments, S1 = S + 1 bounds; all arrays contiguous.

penalties: (l1, l2, decay, learning-rate factor) of each segment; hyper[0]: the learning rate.
"""

from fastcnn.kernels import checks
from fastcnn.kernels.spec.op import Op, table

PARAMETERS = {
    "p": "> P",
    "g": "P",
    "bounds": "int64 S1",
    "penalties": "S 4",
    "hyper": "float64 Q",
}

OPS = table(
    Op(
        "sgd_update",
        {**PARAMETERS, "velocity": ">? P"},
        {"momentum": 0.0, "nesterov": 0},
        check=checks.optimizer,
    ),
    Op(  # hyper: learning rate, 1 - beta1^t, 1 - beta2^t
        "adam_update",
        {**PARAMETERS, "m": "> P", "v": "> P", "largest": ">? P"},
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(  # hyper: learning rate, 1 - beta1^t
        "adamax_update",
        {**PARAMETERS, "m": "> P", "u": "> P"},
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(  # hyper: learning rate, weight of m, weight of g, 1 - beta2^t
        "nadam_update",
        {**PARAMETERS, "m": "> P", "v": "> P"},
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(  # hyper: learning rate, 1 - beta1^t, 1 - beta2^t, rectification or 0
        "radam_update",
        {**PARAMETERS, "m": "> P", "v": "> P"},
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        check=checks.optimizer,
    ),
    Op(
        "lion_update",
        {**PARAMETERS, "m": "> P"},
        {"beta1": 0.9, "beta2": 0.99},
        check=checks.optimizer,
    ),
    Op(  # squares: sums by square_sums, of C pieces; decay is part of the gradient here
        "lars_update",
        {
            **PARAMETERS,
            "velocity": "> P",
            "adapted": "int64 S",
            "p_squares": "float64 C",
            "g_squares": "float64 C",
        },
        {"momentum": 0.9, "trust": 0.001, "epsilon": 1e-8},
        check=checks.optimizer,
    ),
    Op(
        "adadelta_update",
        {**PARAMETERS, "squares": "> P", "deltas": "> P"},
        {"rho": 0.95, "epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(  # velocity if and only if there is momentum
        "rmsprop_update",
        {**PARAMETERS, "squares": "> P", "velocity": ">? P"},
        {"rho": 0.9, "epsilon": 1e-7, "momentum": 0.0},
        check=checks.optimizer,
    ),
    Op(
        "adagrad_update",
        {**PARAMETERS, "squares": "> P"},
        {"epsilon": 1e-7},
        check=checks.optimizer,
    ),
    Op(
        "penalty_value",
        {"p": "P", "bounds": "int64 S1", "penalties": "S 4", "out": "> float64 1"},
        check=checks.optimizer,
    ),
)
