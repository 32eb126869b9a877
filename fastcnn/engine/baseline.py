"""What a classical baseline is: features made by hand, a classifier, a small grid."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

Steps = list[tuple[str, Any]]  # of a scikit-learn pipeline
CLASSIFIER = "classifier"  # the name of the last step


class Baseline(ABC):
    """Base of all baselines. It only describes; `fastcnn.BaselineClassifier` fits and saves.

    tuned: values to try of each option that the user left at None; the first is taken where there
        are too few images to try. Options are named as the classifier's parameters.
    threaded: whether fitting the classifier uses all threads by itself.
    """

    registered_name: str = ""
    tuned: ClassVar[dict[str, tuple[Any, ...]]] = {}
    threaded: ClassVar[bool] = False

    @abstractmethod
    def features(self, threads: int | None) -> Steps:
        """Transformers of images (N, H, W, C) that learn nothing but the shape of an image."""

    @abstractmethod
    def classifier(self, seed: int, threads: int | None) -> Steps:
        """What learns from features; the last step is the classifier."""

    def estimator(self, seed: int = 0, threads: int | None = None) -> Any:
        """All steps as a scikit-learn pipeline, not fitted and not tuned."""
        from sklearn.pipeline import Pipeline

        return Pipeline([*self.features(threads), *self.classifier(seed, threads)])

    def grid(self) -> dict[str, list[Any]]:
        """What to try, by the parameters of the pipeline; options that were given are fixed."""
        free = {k: v for k, v in self.tuned.items() if getattr(self, k) is None}
        return {f"{CLASSIFIER}__{option}": list(values) for option, values in free.items()}

    def setting(self, option: str) -> Any:
        """What was given, or else the first value to try."""
        given = getattr(self, option)
        return self.tuned[option][0] if given is None else given
