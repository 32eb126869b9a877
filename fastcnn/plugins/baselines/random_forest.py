"""Raw pixels and a random forest."""

import numbers
from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import positive
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import baselines


@baselines.register("random_forest")
class RandomForest(Baseline):
    """Many decision trees on raw pixels, each on a bootstrap sample; their mean decides.

    n_estimators: trees; max_features: pixels that a split chooses among, "sqrt" or a share of all;
    min_samples_leaf: images in a leaf at least. (Breiman 2001.)
    """

    tuned: ClassVar = {"max_features": ("sqrt", 0.1)}
    threaded: ClassVar = True

    def __init__(
        self,
        n_estimators: int = 200,
        max_features: float | str | None = None,
        min_samples_leaf: int = 1,
    ) -> None:
        self.n_estimators = positive("n_estimators", n_estimators)
        self.max_features = max_features
        self.min_samples_leaf = positive("min_samples_leaf", min_samples_leaf)
        if isinstance(max_features, numbers.Real) and not 0 < max_features <= 1:
            raise OptionError(f"max_features must be a part in (0, 1], not {max_features!r}")

    def features(self, threads: int | None) -> Steps:
        from fastcnn.classical.pixels import Pixels

        return [("pixels", Pixels())]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        from fastcnn.classical.forest import OrderedForest

        forest = OrderedForest(
            self.n_estimators,
            max_features=self.setting("max_features"),
            min_samples_leaf=self.min_samples_leaf,
            n_jobs=threads,
            random_state=seed,
        )
        return [(CLASSIFIER, forest)]
