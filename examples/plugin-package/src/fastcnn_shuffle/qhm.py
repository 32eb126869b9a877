"""Quasi-hyperbolic momentum."""

from fastcnn.engine.optimizer import Optimizer
from fastcnn.errors import OptionError
from fastcnn.kernels.kit import kernel, split
from fastcnn.plugins.registry import optimizers

PARAMETERS = {"p": "> P", "g": "P", "bounds": "int64 S1", "penalties": "S 4", "hyper": "float64 Q"}


@kernel({**PARAMETERS, "m": "> P"}, {"beta": 0.999, "nu": 0.7})
def qhm_update(work, p, g, bounds, penalties, hyper, m, beta, nu):
    """m = beta m + (1 - beta) g;  p -= lr ((1 - nu) g + nu m)"""
    begin, end = split(len(p), work)
    for s in range(len(bounds) - 1):
        l1, l2, decay = penalties[s, 0], penalties[s, 1], penalties[s, 2]
        lr = hyper[0] * penalties[s, 3]
        for i in range(max(bounds[s], begin), min(bounds[s + 1], end)):
            sign = 1.0 if p[i] > 0 else -1.0 if p[i] < 0 else 0.0
            slope = g[i] + l1 * sign + 2 * l2 * p[i]
            m[i] = beta * m[i] + (1 - beta) * slope
            p[i] -= lr * ((1 - nu) * slope + nu * m[i] + decay * p[i])


@optimizers.register("qhm")
class QHM(Optimizer):
    """m = beta m + (1 - beta) g;  p -= lr ((1 - nu) g + nu m) (Ma, Yarats 2019)

    nu = 0 is plain gradient descent. Further options: those that every optimizer takes.
    """

    kernel = "qhm_update"
    slot_names = ("m",)

    def __init__(self, learning_rate=0.1, beta=0.9, nu=0.7, **common):
        super().__init__(learning_rate, **common)
        if not (0 <= beta < 1 and 0 <= nu <= 1):
            raise OptionError(f"beta lies in [0, 1) and nu in [0, 1], not {beta} and {nu}")
        self.beta, self.nu = beta, nu

    def options(self):
        return {"beta": self.beta, "nu": self.nu}
