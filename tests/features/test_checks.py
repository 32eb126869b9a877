"""scikit-learn's own checks of every transformer that takes rows of numbers.

They have no paths of pictures, so ImageLoader is left to test_image_loader.py.
"""

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastcnn import CNNClassifier
from fastcnn.features import HOG, Augment, CNNFeatures, ColorHistogram, ImageScaler, Resize

TRANSFORMERS = [
    HOG(),
    ColorHistogram(),
    ImageScaler(),
    ImageScaler("minmax"),
    Resize((2, 3)),
    Augment(),
    CNNFeatures(CNNClassifier(epochs=1, random_state=0)),
]


@parametrize_with_checks(TRANSFORMERS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
