"""Raw pixels and scikit-learn's multi-layer perceptron."""

from collections.abc import Sequence
from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import per_axis, positive
from fastcnn.plugins.registry import baselines


@baselines.register("sklearn_mlp")
class SklearnMLP(Baseline):
    """Dense layers with ReLU on raw pixels, trained with Adam by scikit-learn.

    hidden_layer_sizes: a number, or one for each layer; alpha: L2 penalty; max_iter: epochs.
    """

    tuned: ClassVar = {"alpha": (1e-4, 1e-2)}

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = 200,
        alpha: float | None = None,
        max_iter: int = 100,
    ) -> None:
        sizes = hidden_layer_sizes
        count = 1 if isinstance(sizes, int) else len(sizes)
        self.hidden_layer_sizes = per_axis("hidden_layer_sizes", sizes, count)
        self.alpha = alpha
        self.max_iter = positive("max_iter", max_iter)

    def features(self, threads: int | None) -> Steps:
        from fastcnn.classical.pixels import Pixels

        return [("pixels", Pixels())]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        from sklearn.neural_network import MLPClassifier

        made = MLPClassifier(
            self.hidden_layer_sizes,
            alpha=self.setting("alpha"),
            max_iter=self.max_iter,
            random_state=seed,
        )
        return [(CLASSIFIER, made)]
