"""HOG with colour histograms, and an RBF SVM."""

from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import one_of, positive
from fastcnn.plugins.baselines.color_hist_svm import SPACES, color_histograms
from fastcnn.plugins.baselines.hog_svm import rbf_svm
from fastcnn.plugins.registry import baselines


@baselines.register("hog_color_svm")
class HogColorSVM(Baseline):
    """Histograms of oriented gradients and of colours side by side, and an SVM with RBF kernel.

    C, gamma, cells, orientations: as in hog_svm; space, bins, parts: as in color_hist_svm.
    """

    tuned: ClassVar = {"C": (10.0, 1.0, 100.0)}

    def __init__(
        self,
        C: float | None = None,
        gamma: float | str = "scale",
        cells: int = 7,
        orientations: int = 9,
        space: str = "hsv",
        bins: int = 16,
        parts: int = 3,
    ) -> None:
        self.C, self.gamma = C, gamma
        self.cells = positive("cells", cells, 64)
        self.orientations = positive("orientations", orientations, 360)
        self.space = one_of("space", space, SPACES)
        self.bins = positive("bins", bins, 256)
        self.parts = positive("parts", parts, 32)

    def features(self, threads: int | None) -> Steps:
        from sklearn.pipeline import FeatureUnion, Pipeline

        from fastcnn.classical.grid_hog import GridHOG

        hog = GridHOG(self.cells, self.orientations, n_jobs=threads)
        color = Pipeline(color_histograms(self.space, self.bins, self.parts, threads))
        return [("features", FeatureUnion([("hog", hog), ("color", color)]))]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        return [(CLASSIFIER, rbf_svm(self.setting("C"), self.gamma, seed))]
