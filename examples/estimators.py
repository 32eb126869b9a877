"""A CNN, hand-made features and both, compared by scikit-learn: python examples/estimators.py"""

from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from fastcnn import CNNClassifier
from fastcnn.datasets import load_digits
from fastcnn.features import HOG

digits = load_digits().train
images, labels = digits.images, digits.labels

cnn = CNNClassifier("conv 32@3x3 same relu - pool 2 - dense 64 relu", epochs=10, random_state=0)
cnn.set_params(optimizer__lr=0.003)
hog = make_pipeline(HOG(pixels_per_cell=2, cells_per_block=2), SVC(C=10))
both = VotingClassifier([("cnn", cnn), ("hog", hog)])

for name, model in {"CNN": cnn, "HOG + SVM": hog, "both": both}.items():
    result = cross_validate(model, images, labels, cv=3, return_train_score=True)
    print(
        f"{name:10} test {result['test_score'].mean():.3f}  train "
        f"{result['train_score'].mean():.3f}  {result['fit_time'].mean():.2f} s"
    )
