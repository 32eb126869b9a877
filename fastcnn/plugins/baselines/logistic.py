"""Raw pixels and logistic regression."""

from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.plugins.registry import baselines


@baselines.register("logistic")
class Logistic(Baseline):
    """Multinomial logistic regression of raw pixels, with an L2 penalty: a single linear layer.

    C: how little is penalised; max_iter: steps of L-BFGS.
    """

    tuned: ClassVar = {"C": (0.1, 0.01, 1.0)}

    def __init__(self, C: float | None = None, max_iter: int = 1000) -> None:
        self.C = C
        self.max_iter = max_iter

    def features(self, threads: int | None) -> Steps:
        from fastcnn.classical.pixels import Pixels

        return [("pixels", Pixels())]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        from sklearn.linear_model import LogisticRegression

        return [(CLASSIFIER, LogisticRegression(C=self.setting("C"), max_iter=self.max_iter))]
