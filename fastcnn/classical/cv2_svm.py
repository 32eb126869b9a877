"""OpenCV's support vector machine as a classifier of scikit-learn."""

from itertools import combinations
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y

from fastcnn.classical.stored import Arrays, Stored
from fastcnn.errors import BackendError, ModelFileError


class CV2SVM(ClassifierMixin, BaseEstimator):
    """cv2.ml.SVM with kernel exp(-gamma |x - v|^2); classes vote, pair by pair.

    OpenCV only finds the support vectors v: f_ij(x) = sum over v of a_ij(v) k(x, v) - rho_ij is
    computed here, so that files need neither OpenCV nor its format. f_ij > 0 is a vote for class
    i, otherwise j has it; of equal numbers of votes the clearer win (in OpenCV the first class).
    """

    def __init__(self, C: float = 10.0, gamma: float = 0.1) -> None:
        self.C = C
        self.gamma = gamma

    def fit(self, X: Any, y: Any) -> "CV2SVM":
        X, y = check_X_y(X, y, dtype=np.float32, order="C")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"all labels are {self.classes_[0]!r}; expected two classes or more")
        self.n_features_in_ = X.shape[1]
        machine = self._machine(X, codes.astype(np.int32))
        self.support_vectors_ = np.array(machine.getSupportVectors(), np.float64)
        pairs = len(self.classes_) * (len(self.classes_) - 1) // 2
        self.coef_ = np.zeros((pairs, len(self.support_vectors_)))
        self.rho_ = np.zeros(pairs)
        for k in range(pairs):
            self.rho_[k], alpha, index = machine.getDecisionFunction(k)
            self.coef_[k, np.ravel(index)] = np.ravel(alpha)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """(n, classes): votes, and a share below one half by how clear they are."""
        votes, margins = self._votes(X)
        return votes + margins / (3 * (np.abs(margins) + 1))

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[self.decision_function(X).argmax(axis=1)]

    def to_arrays(self) -> Arrays:
        vectors = self.support_vectors_.astype(np.float32)  # OpenCV's are float32
        return {"support_vectors": vectors, "coef": self.coef_, "rho": self.rho_}

    def from_arrays(self, stored: Stored) -> None:
        pairs = stored.classes * (stored.classes - 1) // 2
        self.support_vectors_ = stored.floats("support_vectors", None, stored.features)
        self.coef_ = stored.floats("coef", pairs, len(self.support_vectors_))
        self.rho_ = stored.floats("rho", pairs)
        self.classes_ = np.arange(stored.classes)
        if not len(self.support_vectors_):
            raise ModelFileError("there are no support vectors")

    def _machine(self, X: np.ndarray, codes: np.ndarray) -> Any:
        import cv2

        if not hasattr(cv2, "ml"):
            raise BackendError(
                f"OpenCV {cv2.__version__} has no cv2.ml: use hog_svm, or install "
                "'opencv-python-headless<5'"
            )
        machine = cv2.ml.SVM_create()
        machine.setType(cv2.ml.SVM_C_SVC)
        machine.setKernel(cv2.ml.SVM_RBF)
        machine.setC(float(self.C))
        machine.setGamma(float(self.gamma))
        machine.setTermCriteria((cv2.TERM_CRITERIA_MAX_ITER | cv2.TERM_CRITERIA_EPS, 100_000, 1e-3))
        machine.train(X, cv2.ml.ROW_SAMPLE, codes)
        return machine

    def _votes(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """For each class how many pairs it wins, and the sum of its margins."""
        check_is_fitted(self, "support_vectors_")
        X = check_array(X, dtype=np.float64)
        vectors = self.support_vectors_
        squares = (X**2).sum(axis=1)[:, None] - 2 * X @ vectors.T + (vectors**2).sum(axis=1)
        margins = np.exp(-self.gamma * np.maximum(squares, 0)) @ self.coef_.T - self.rho_
        votes = np.zeros((len(X), len(self.classes_)))
        sums = np.zeros_like(votes)
        for k, (i, j) in enumerate(combinations(range(len(self.classes_)), 2)):
            won = margins[:, k] > 0
            votes[:, i] += won
            votes[:, j] += ~won
            sums[:, i] += margins[:, k]
            sums[:, j] -= margins[:, k]
        return votes, sums
