"""OpenCV's SVM: what is computed here, from what OpenCV found, or a stand-in for it."""

import cv2
import numpy as np
import pytest
from sklearn.svm import SVC

from fastcnn import BaselineClassifier, load_baseline
from fastcnn.classical.cv2_svm import CV2SVM
from tests.classical.cases import images

X, Y = images(60, classes=4)
NEW, NEW_Y = images(40, classes=4, seed=1)


class Machine:
    """cv2.ml.SVM's methods over libsvm, whose functions of pairs these are."""

    setType = setKernel = setTermCriteria = lambda self, value: None

    def setC(self, value):
        self.C = value

    def setGamma(self, value):
        self.gamma = value

    def train(self, rows, layout, labels):
        assert rows.dtype == np.float32 and labels.dtype == np.int32
        self.svc = SVC(C=self.C, gamma=self.gamma, decision_function_shape="ovo").fit(rows, labels)
        ends = np.cumsum(self.svc.n_support_)
        self.parts = list(zip(ends - self.svc.n_support_, ends, strict=True))
        count = len(self.parts)
        self.pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]

    def getSupportVectors(self):
        return self.svc.support_vectors_.astype(np.float32)

    def getDecisionFunction(self, k):
        i, j = self.pairs[k]
        rows = [(n, j - 1) for n in range(*self.parts[i])] + [(n, i) for n in range(*self.parts[j])]
        alpha = np.array([self.svc.dual_coef_[row, n] for n, row in rows])
        return -self.svc.intercept_[k], alpha[None], np.array([[n for n, _ in rows]])


class Stub:
    SVM_C_SVC = SVM_RBF = ROW_SAMPLE = 0
    SVM_create = Machine


@pytest.fixture(params=["stand-in", "opencv"])
def opencv(request, monkeypatch):
    if request.param == "stand-in":
        monkeypatch.setattr(cv2, "ml", Stub, raising=False)
    elif not hasattr(cv2, "ml"):
        pytest.skip("OpenCV 5 has no cv2.ml")
    return request.param


def test_classes_vote_pair_by_pair(opencv):
    rows, new = (array.reshape(len(array), -1) / np.float32(255) for array in (X, NEW))
    ours = CV2SVM(C=1.0, gamma=0.01).fit(rows, Y)
    theirs = SVC(C=1.0, gamma=0.01, break_ties=True).fit(rows, Y)
    agree = (ours.predict(new) == theirs.predict(new)).mean()
    assert agree == 1 if opencv == "stand-in" else agree > 0.9
    if opencv == "stand-in":
        np.testing.assert_allclose(
            ours.decision_function(new), theirs.decision_function(new), atol=1e-5
        )


def test_the_baseline_is_the_same_from_a_file_and_needs_no_opencv_then(
    opencv, tmp_path, monkeypatch
):
    fitted = BaselineClassifier("hog-cv2svm").fit(X, Y)
    fitted.save(tmp_path / "b")
    monkeypatch.delattr(cv2, "ml", raising=False)
    loaded = load_baseline(tmp_path / "b")
    scores = fitted.decision_function(NEW)
    np.testing.assert_array_equal(loaded.decision_function(NEW), scores)
    assert scores.shape == (40, 4) and (fitted.predict(NEW) == scores.argmax(axis=1)).all()
