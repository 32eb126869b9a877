"""scikit-learn's own checks of both estimators."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastcnn import CNNClassifier, CNNRegressor

SHUFFLED = (
    "samples are shuffled into mini-batches: a sample of weight 2 is in one batch, a sample that "
    "is there twice is in two, and one of weight 0 takes a place in a batch"
)
EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": SHUFFLED for kind in ("dense", "sparse")
}


@parametrize_with_checks(
    [CNNClassifier(), CNNRegressor()], expected_failed_checks=lambda e: EXPECTED
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
