"""HOG and a linear SVM."""

from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import positive
from fastcnn.plugins.registry import baselines


@baselines.register("hog_svm_linear")
class HogSVMLinear(Baseline):
    """Histograms of oriented gradients, classified by linear support vector machines.

    One machine for each class against the rest. C, cells, orientations: as in hog_svm.
    (Dalal and Triggs 2005; Fan et al. 2008.)
    """

    tuned: ClassVar = {"C": (0.1, 0.01, 1.0)}

    def __init__(self, C: float | None = None, cells: int = 7, orientations: int = 9) -> None:
        self.C = C
        self.cells = positive("cells", cells, 64)
        self.orientations = positive("orientations", orientations, 360)

    def features(self, threads: int | None) -> Steps:
        from fastcnn.classical.grid_hog import GridHOG

        return [("hog", GridHOG(self.cells, self.orientations, n_jobs=threads))]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        from sklearn.svm import LinearSVC

        return [(CLASSIFIER, LinearSVC(C=self.setting("C"), max_iter=10_000, random_state=seed))]
