"""Raw pixels and nearest neighbours."""

from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import one_of
from fastcnn.plugins.registry import baselines


@baselines.register("knn")
class KNN(Baseline):
    """The most frequent class among the training images whose pixels are nearest (Euclidean).

    n_neighbors: how many vote; weights: uniform, or distance, by which nearer ones count more.
    Its file holds all training images. (Cover and Hart 1967.)
    """

    tuned: ClassVar = {"n_neighbors": (3, 1, 5, 10)}

    def __init__(self, n_neighbors: int | None = None, weights: str = "distance") -> None:
        self.n_neighbors = n_neighbors
        self.weights = one_of("weights", weights, ("uniform", "distance"))

    def features(self, threads: int | None) -> Steps:
        from fastcnn.classical.pixels import Pixels

        return [("pixels", Pixels())]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        from sklearn.neighbors import KNeighborsClassifier

        neighbors = self.setting("n_neighbors")
        made = KNeighborsClassifier(neighbors, weights=self.weights, algorithm="brute")
        return [(CLASSIFIER, made)]
