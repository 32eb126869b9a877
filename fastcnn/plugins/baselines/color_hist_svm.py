"""Colour histograms and an RBF SVM."""

from typing import ClassVar

import numpy as np

from fastcnn.engine.baseline import CLASSIFIER, Baseline, Steps
from fastcnn.engine.options import one_of, positive
from fastcnn.plugins.baselines.hog_svm import rbf_svm
from fastcnn.plugins.registry import baselines

SPACES = ("hsv", "lab", "rgb")


@baselines.register("color_hist_svm")
class ColorHistSVM(Baseline):
    """Colour histograms of the parts of an image, classified by an SVM with RBF kernel.

    C, gamma: as in hog_svm; space: hsv or lab, for images of three channels, or rgb; bins: of each
    channel; parts: of the image, as many down as across. Features are square roots of shares, so
    that the kernel measures the Hellinger distance. (Swain and Ballard 1991.)
    """

    tuned: ClassVar = {"C": (10.0, 1.0, 100.0)}

    def __init__(
        self,
        C: float | None = None,
        gamma: float | str = "scale",
        space: str = "hsv",
        bins: int = 16,
        parts: int = 3,
    ) -> None:
        self.C, self.gamma = C, gamma
        self.space = one_of("space", space, SPACES)
        self.bins = positive("bins", bins, 256)
        self.parts = positive("parts", parts, 32)

    def features(self, threads: int | None) -> Steps:
        return color_histograms(self.space, self.bins, self.parts, threads)

    def classifier(self, seed: int, threads: int | None) -> Steps:
        return [(CLASSIFIER, rbf_svm(self.setting("C"), self.gamma, seed))]


def color_histograms(space: str, bins: int, parts: int, threads: int | None) -> Steps:
    """The transformers; also of hog_color_svm."""
    from sklearn.preprocessing import FunctionTransformer

    from fastcnn.features import ColorHistogram

    histogram = ColorHistogram(space, bins, grid=parts, n_jobs=threads)
    return [("color", histogram), ("root", FunctionTransformer(np.sqrt))]
