"""Log-loss, Brier score and calibration error against scikit-learn and numbers by hand."""

import numpy as np
import pytest

from fastcnn.compare.calibration import brier_score, calibration_error, log_loss

RANDOM = np.random.default_rng(0)
PROBABILITIES = RANDOM.dirichlet(np.ones(3), 50)
LABELS = RANDOM.integers(0, 3, 50)


def test_log_loss():
    from sklearn.metrics import log_loss as theirs

    assert log_loss(PROBABILITIES, LABELS) == pytest.approx(theirs(LABELS, PROBABILITIES))
    sure = np.array([[1.0, 0.0]])
    assert log_loss(sure, np.array([1])) == pytest.approx(36.04365338911715)
    assert log_loss(sure.astype(np.float32), np.array([0])) == 0


def test_brier_of_two_classes_is_twice_scikit_learns():
    from sklearn.metrics import brier_score_loss

    two = RANDOM.dirichlet(np.ones(2), 30)
    labels = RANDOM.integers(0, 2, 30)
    assert brier_score(two, labels) == pytest.approx(2 * brier_score_loss(labels, two[:, 1]))
    assert brier_score(np.eye(3), np.array([1, 2, 0])) == 2


def test_calibration_error():
    """Four images sure by 0.8, half of them right; two sure by 0.6, both right."""
    rows = np.array([[0.8, 0.2]] * 4 + [[0.4, 0.6]] * 2)
    labels = np.array([0, 0, 1, 1, 1, 1])
    assert calibration_error(rows, labels) == pytest.approx((4 * 0.3 + 2 * 0.4) / 6)
    assert calibration_error(np.eye(2), np.array([0, 1])) == 0
    assert calibration_error(np.eye(2), np.array([1, 0])) == 1


def test_bins_are_closed_above():
    """0.6 = 9/15 lies in the ninth bin, with 0.55, though 0.6 * 15 may be a little above 9."""
    rows = np.array([[0.55, 0.45], [0.6, 0.4]])
    assert calibration_error(rows, np.array([0, 1])) == pytest.approx(abs(0.45 - 0.6) / 2)
