"""HOG and an RBF SVM."""

from typing import Any, ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import positive
from fastcnn.plugins.registry import baselines


@baselines.register("hog_svm")
class HogSVM(Baseline):
    """Histograms of oriented gradients, classified by a support vector machine with RBF kernel.

    C: of the SVM; gamma: a number or "scale", which is 1 / (features variance).
    cells: how many cells of HOG fit the image's shorter side; orientations: bins of half a turn.
    (Dalal and Triggs 2005; Cortes and Vapnik 1995.)
    """

    tuned: ClassVar = {"C": (10.0, 1.0, 100.0)}

    def __init__(
        self,
        C: float | None = None,
        gamma: float | str = "scale",
        cells: int = 7,
        orientations: int = 9,
    ) -> None:
        self.C, self.gamma = C, gamma
        self.cells = positive("cells", cells, 64)
        self.orientations = positive("orientations", orientations, 360)

    def features(self, threads: int | None) -> Steps:
        from fastcnn.classical.grid_hog import GridHOG

        return [("hog", GridHOG(self.cells, self.orientations, n_jobs=threads))]

    def classifier(self, seed: int, threads: int | None) -> Steps:
        return [(CLASSIFIER, rbf_svm(self.setting("C"), self.gamma, seed))]


def rbf_svm(C: float, gamma: float | str, seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(C=C, gamma=gamma, break_ties=True, cache_size=500, random_state=seed)
