"""MNIST and Fashion-MNIST: 60,000 + 10,000 grey images of 28x28 in 10 classes, as IDX files.

LeCun, Cortes, Burges (1998), http://yann.lecun.com/exdb/mnist
Xiao, Rasul, Vollgraf (2017), https://github.com/zalandoresearch/fashion-mnist
"""

from functools import partial
from pathlib import Path

from fastcnn.data.dataset import Dataset
from fastcnn.data.download import Remote
from fastcnn.data.idx import TEST_FILES, TRAIN_FILES, load_idx_folder
from fastcnn.data.source import Source

MNIST_CLASSES = tuple("0123456789")
FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# The classic address of MNIST answers 403 since 2024.
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# Its own address, a website on S3, has no https.
FASHION_MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)

# SHA-256 of the canonical .gz files
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
FASHION_SHA256 = {
    "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def _remotes(mirrors: tuple[str, ...], sums: dict[str, str]) -> tuple[Remote, ...]:
    return tuple(Remote(f"{name}.gz", mirrors, digest) for name, digest in sums.items())


MNIST = Source(
    name="mnist",
    folders=("mnist",),
    files=TRAIN_FILES + TEST_FILES,
    remotes=_remotes(MNIST_MIRRORS, MNIST_SHA256),
    read=partial(load_idx_folder, classes=MNIST_CLASSES, name="mnist"),
)
FASHION_MNIST = Source(
    name="fashion-mnist",
    folders=("fashion_mnist",),
    files=TRAIN_FILES + TEST_FILES,
    remotes=_remotes(FASHION_MIRRORS, FASHION_SHA256),
    read=partial(load_idx_folder, classes=FASHION_CLASSES, name="fashion-mnist"),
)


def load_mnist(data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """MNIST's handwritten digits: uint8 (60000, 28, 28, 1) and (10000, 28, 28, 1)."""
    return MNIST.load(data_dir, download)


def load_fashion_mnist(data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """Fashion-MNIST's clothes: uint8 (60000, 28, 28, 1) and (10000, 28, 28, 1)."""
    return FASHION_MNIST.load(data_dir, download)
