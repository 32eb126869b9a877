"""One door to all data: a name or a path in, a `Dataset` out."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastcnn.arguments import checked
from fastcnn.data.archive import SUFFIXES, is_archive, list_archive
from fastcnn.data.cifar import (
    CIFAR10,
    CIFAR10_TRAIN,
    CIFAR100,
    CIFAR100_TRAIN,
    load_cifar10_folder,
    load_cifar100_folder,
    refuse_pickles,
)
from fastcnn.data.csv_file import SUFFIXES as TABLES
from fastcnn.data.csv_file import beside, csv_dataset, find_table, is_known
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.digits import load_digits
from fastcnn.data.folder import PicturesError, read_folder
from fastcnn.data.idx import find_sets, is_idx, load_idx_file, load_idx_folder
from fastcnn.data.known_formats import format_of, known_files, tar_names
from fastcnn.data.mnist import FASHION_MNIST, MNIST
from fastcnn.data.npz import npz_dataset, pair_files
from fastcnn.data.parts import TRAIN
from fastcnn.data.rawfile import find_file, list_files, near_name, near_names
from fastcnn.data.resizing import check_size, resize_images
from fastcnn.data.splits import split
from fastcnn.errors import DataError, DataWarning, OptionError, unknown

SOURCES = {source.name: source for source in (MNIST, FASHION_MNIST, CIFAR10, CIFAR100)}
NAMES = ("digits", *SOURCES)
EXPECTED = (
    "an .npz, a CSV file of pixels or of paths, IDX or CIFAR's binary files, a folder with a "
    f"sub-folder of pictures for each class, or an archive of one ({', '.join(SUFFIXES)})"
)


@checked
def load_dataset(
    name_or_path: str | Path,
    data_dir: str | Path | None = None,
    *,
    image_size: int | Sequence[int] | None = None,
    largest_side: int | None = None,
    image_shape: Sequence[int] | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    download: bool = True,
    named: bool = False,
    **pictures: Any,
) -> Dataset:
    """Load a named set, or a path: .npz, CSV, IDX, CIFAR files, a folder per class, its archive.

    data_dir: where named sets are looked for before FASTCNN_DATA and the cache
    image_size: (height, width), or one number for both, that all images are resized to
    largest_side: what pictures of a folder are shrunk to at least, where no image_size is given
    image_shape: (height, width) or (height, width, channels) of the pixels in a line of a CSV
        file, if they are no square
    test_fraction, seed: what is held out, stratified, where the source has neither a test set nor
        a validation set; 0 holds nothing out
    download: whether a named set that is found nowhere is downloaded into the cache
    named: the names of built-in sets mean these, even if there is a file or folder of that name
    pictures: of `read_folder`: background, bits, max_pixels, skip_damaged
    """
    if not 0 <= test_fraction < 1:
        raise OptionError(f"test fraction {test_fraction!r}; expected at least 0 and less than 1")
    size = check_size(image_size)
    name = built_in(name_or_path, named)
    if name == "digits":
        dataset = load_digits()
    elif name is not None:
        dataset = SOURCES[name].load(data_dir, download)
    else:
        path = Path(name_or_path).expanduser()
        sizes = {"image_size": size, "largest_side": largest_side}
        dataset = load_path(path, image_shape=image_shape, **sizes, **pictures)
    dataset = _resize(_note_shape(dataset, image_shape), size).tell()
    if dataset.test is None and dataset.validation is None and test_fraction > 0:
        train, test = split(dataset.train, test_fraction, seed)
        return replace(dataset, train=train, test=test)
    return dataset


def built_in(name_or_path: str | Path, named: bool = False) -> str | None:
    """The name of a built-in set, or None for a path; what exists at a path goes before.

    named: the path isn't looked at
    """
    name = str(name_or_path).replace("_", "-")
    if not name:  # of a variable of the shell, perhaps; as a path it would be this folder
        raise OptionError(f"the name of the data is empty; expected {', '.join(NAMES)} or a path")
    if name not in NAMES:
        return None
    if named or not Path(name_or_path).exists():
        return name
    warnings.warn(
        f"{name_or_path}: what lies here is read, not the built-in data set {name}",
        DataWarning,
        stacklevel=3,
    )
    return None


def load_path(
    path: str | Path,
    *,
    image_shape: Sequence[int] | None = None,
    **options: Any,
) -> Dataset:
    """Read whatever data lies there.

    image_shape: of the pixels in a line of a CSV file; options: of pictures, see `read_folder`
    """
    text, path = str(path), Path(path).expanduser()
    if path.is_dir():
        return _load_folder(path, image_shape, options)
    if path.is_file():
        return _load_file(path, image_shape, options)
    if path.name == text and not path.suffix:
        raise unknown("data set", text, [*NAMES, *near_names(path)])
    raise DataError(f"{path}: no such file or folder{near_name(path)}")


def _load_file(path: Path, shape: Sequence[int] | None, options: dict[str, Any]) -> Dataset:
    name = path.name.lower()
    if name.endswith(".npz"):
        return npz_dataset(path)
    if name.endswith(TABLES):
        return csv_dataset(path, image_shape=shape, **options)
    if is_idx(path):
        return load_idx_file(path)
    refuse_pickles(path, tar_names(path))
    if is_archive(path):
        try:
            return read_folder(path, **options)
        except PicturesError:
            raise
        except DataError as error:
            raise DataError(f"{error}{_packed(path)}") from error
    found = format_of(path)
    what = f"{path} is {found.text}" if found else f"{path} is of no known format"
    if found and "pickle" in found.text:
        what += ", which can run any code and is never read (CIFAR: take the binary version)"
    raise DataError(f"{what}; expected {EXPECTED}")


def _packed(path: Path) -> str:
    """What an archive holds that would be read from a folder."""
    try:
        names = ["/".join(entry.parts) for entry in list_archive(path).entries]
    except DataError:
        return ""
    found = [name for name in names if name.lower().endswith((*TABLES, ".npz", "-ubyte", ".bin"))]
    return f"; {found[0]} is not read in an archive: unpack it" if found else ""


def _load_folder(path: Path, shape: Sequence[int] | None, options: dict[str, Any]) -> Dataset:
    if any((TRAIN, "images") in files for files in find_sets(path).values()):
        return load_idx_folder(path)
    if find_file(path, CIFAR10_TRAIN[0]):
        return load_cifar10_folder(path, path.resolve().name)
    if find_file(path, CIFAR100_TRAIN[0]):
        return load_cifar100_folder(path, path.resolve().name)
    refuse_pickles(path, [file.name for file in list_files(path)])
    if pairs := pair_files(path):
        if len(pairs) > 1:
            names = ", ".join(files[min(files)].name for files in pairs.values())
            raise DataError(f"{path} holds {len(pairs)} sets: name a file of one ({names})")
        return npz_dataset(next(iter(next(iter(pairs.values())).values())))
    if table := find_table(path):
        dataset = csv_dataset(table, image_shape=shape, **options)
        return replace(dataset, notes=(*dataset.notes, *beside(table)))
    try:
        return read_folder(path, **options)
    except PicturesError:
        raise
    except DataError as error:
        raise DataError(f"{error}{known_files(path)}{_known_tables(path)}") from error


def _known_tables(path: Path) -> str:
    """ "; labels.csv is a table of images: name it", if classes stand there and not in folders."""
    found = [table.name for table in list_files(path) if is_known(table)]
    return f"; {found[0]} is a table of images: name it" if found else ""


def _note_shape(dataset: Dataset, shape: Sequence[int] | None) -> Dataset:
    """Only tables of pixels are read in a shape that is given."""
    if shape is None or tuple(shape[:2]) == dataset.image_shape[:2]:
        return dataset
    note = (
        "image_shape is not used: it tells the pixels in a line of a CSV file (image_size resizes)"
    )
    return replace(dataset, notes=(*dataset.notes, note))


def _resize(dataset: Dataset, size: tuple[int, int] | None) -> Dataset:
    if size is None or dataset.image_shape[:2] == size:
        return dataset

    def resized(images: ImageSet) -> ImageSet:
        pixels = resize_images(images.images, size)
        return ImageSet(pixels, images.labels, images.classes, images.name)

    return dataset.map(resized)
