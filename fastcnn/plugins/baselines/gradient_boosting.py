"""Raw pixels and gradient boosting."""

from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import positive
from fastcnn.plugins.registry import baselines


@baselines.register("gradient_boosting")
class GradientBoosting(Baseline):
    """Small trees on raw pixels, each correcting the sum of those before it, by histograms.

    learning_rate: what a tree's correction is multiplied by; max_iter: rounds, with a tree for
    each class; max_leaf_nodes: of a tree; max_features: share of the pixels that a split chooses
    among. (Friedman 2001; Ke et al. 2017.)
    """

    tuned: ClassVar = {"learning_rate": (0.1, 0.3)}
    threaded: ClassVar = True

    def __init__(
        self,
        learning_rate: float | None = None,
        max_iter: int = 100,
        max_leaf_nodes: int = 15,
        max_features: float = 0.1,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = positive("max_iter", max_iter)
        self.max_leaf_nodes = positive("max_leaf_nodes", max_leaf_nodes)
        self.max_features = max_features

    def features(self, threads: int | None) -> Steps:
        from fastcnn.classical.pixels import Pixels

        return [("pixels", Pixels())]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        from sklearn.ensemble import HistGradientBoostingClassifier

        made = HistGradientBoostingClassifier(
            learning_rate=self.setting("learning_rate"),
            max_iter=self.max_iter,
            max_leaf_nodes=self.max_leaf_nodes,
            max_features=self.max_features,
            early_stopping=False,
            random_state=seed,
        )
        return [(CLASSIFIER, made)]
