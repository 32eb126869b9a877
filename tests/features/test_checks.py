"""scikit-learn's own checks of every transformer that takes rows of numbers."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastcnn.features import HOG, ColorHistogram


@parametrize_with_checks([HOG(), ColorHistogram()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
