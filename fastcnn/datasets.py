"""Data sets: named ones, and files of your own. Each loader returns a `Dataset`."""

from fastcnn.data.cifar import load_cifar10, load_cifar100
from fastcnn.data.csv_file import load_csv
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.digits import load_digits
from fastcnn.data.folder import load_folder
from fastcnn.data.load import load_dataset
from fastcnn.data.mnist import load_fashion_mnist, load_mnist
from fastcnn.data.npz import load_npz
from fastcnn.data.splits import split

__all__ = [
    "Dataset",
    "ImageSet",
    "load_cifar10",
    "load_cifar100",
    "load_csv",
    "load_dataset",
    "load_digits",
    "load_fashion_mnist",
    "load_folder",
    "load_mnist",
    "load_npz",
    "split",
]
