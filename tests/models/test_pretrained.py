"""Published weights give the accuracy that they give in PyTorch: 91.73 % and 93.39 %.

FASTCNN_PRETRAINED: a folder with cifar10_resnet20.npz and cifar10_resnet56.npz, state dicts of
PyTorch (github.com/akamaster/pytorch_resnet_cifar10); FASTCNN_DATA: where CIFAR-10 lies.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from fastcnn.data.load import SOURCES, load_dataset
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.errors import DataError
from fastcnn.models import build
from tests.models.torch_weights import from_torch

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def cifar10():
    try:
        return load_dataset(str(SOURCES["cifar10"].locate(download=False)))
    except DataError:
        pytest.skip("CIFAR-10 is not in FASTCNN_DATA")


def state_dict(name):
    folder = os.environ.get("FASTCNN_PRETRAINED")
    path = Path(folder or ".") / f"cifar10_{name}.npz"
    if folder is None or not path.exists():
        pytest.skip(f"no {path.name} in FASTCNN_PRETRAINED")
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize(("name", "accuracy"), [("resnet20", 0.9173), ("resnet56", 0.9339)])
def test_accuracy_on_the_test_set(name, accuracy, cifar10):
    model = build(name)
    model.set_weights(from_torch(state_dict(name), model))
    model.preprocessing = Preprocessing(1 / STD, -MEAN / STD)
    test = cifar10.test
    right = (model.predict(test.images).argmax(axis=1) == test.labels).mean()
    assert right == pytest.approx(accuracy, abs=2e-4)
