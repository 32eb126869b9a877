"""HOG and OpenCV's SVM."""

from typing import ClassVar

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import positive
from fastcnn.plugins.registry import baselines


@baselines.register("hog_cv2svm")
class HogCV2SVM(Baseline):
    """Histograms of oriented gradients, classified by OpenCV's support vector machine (RBF).

    C, gamma: of the SVM; cells, orientations: as in hog_svm. OpenCV 4 has this SVM, OpenCV 5 has
    not, and fitting says so; a fitted one predicts without OpenCV.
    """

    tuned: ClassVar = {"C": (10.0, 1.0), "gamma": (0.1, 0.03, 0.3)}

    def __init__(
        self,
        C: float | None = None,
        gamma: float | None = None,
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
        from fastcnn.classical.cv2_svm import CV2SVM

        return [(CLASSIFIER, CV2SVM(self.setting("C"), self.setting("gamma")))]
