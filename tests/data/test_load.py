import dataclasses
import hashlib
import os
import pickle
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pooch
import pytest

from fastcnn import datasets
from fastcnn.data.load import NAMES, SOURCES, load_dataset
from fastcnn.errors import DataError, DataWarning, OptionError
from tests.data.files import (
    npz_bytes,
    pixels,
    write,
    write_cifar10,
    write_cifar100,
    write_classes,
    write_idx_set,
)

WRITERS = {
    "mnist": ("mnist", write_idx_set),
    "fashion-mnist": ("fashion_mnist", write_idx_set),
    "cifar10": ("cifar10", write_cifar10),
    "cifar100": ("cifar100", write_cifar100),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("gz", [False, True])
def test_named_sets(tmp_path, name, gz):
    folder, writer = WRITERS[name]
    writer(tmp_path / folder, gz=gz)
    dataset = load_dataset(name, tmp_path)
    assert dataset.name == name
    assert len(dataset.classes) == (100 if name == "cifar100" else 10)
    loader = getattr(datasets, f"load_{name.replace('-', '_')}")
    assert loader(tmp_path, download=False).fingerprint() == dataset.fingerprint()


@pytest.mark.parametrize(
    "folder", ["cifar10", "cifar10/cifar-10-batches-bin", "cifar-10-batches-bin"]
)
def test_folders_of_cifar10(tmp_path, folder):
    write_cifar10(tmp_path / folder)
    assert len(load_dataset("cifar10", tmp_path).train) == 10


@pytest.mark.parametrize("folder", ["cifar100/cifar-100-binary", "cifar-100-binary"])
def test_folders_of_cifar100(tmp_path, folder):
    write_cifar100(tmp_path / folder)
    assert len(load_dataset("cifar100", tmp_path).train) == 6


def test_search_order(tmp_path, cache, monkeypatch):
    """The argument, then FASTCNN_DATA, then the cache; incomplete folders are passed over."""
    argument, variable = tmp_path / "argument", tmp_path / "variable"
    write_idx_set(cache / "mnist", train=13)
    assert len(load_dataset("mnist").train) == 13
    write_idx_set(variable / "mnist", train=14)
    monkeypatch.setenv("FASTCNN_DATA", str(variable))
    assert len(load_dataset("mnist").train) == 14
    write_idx_set(argument / "mnist", train=15)
    assert len(load_dataset("mnist", argument).train) == 15
    (argument / "mnist" / "t10k-labels-idx1-ubyte").unlink()
    assert len(load_dataset("mnist", argument).train) == 14


def test_fashion_is_not_taken_for_mnist(tmp_path):
    write_idx_set(tmp_path / "fashion_mnist")
    with pytest.raises(DataError, match="mnist: not found in"):
        load_dataset("mnist", tmp_path, download=False)


def test_missing_data_directory(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"none: no such directory \(given by data_dir\)"):
        load_dataset("mnist", tmp_path / "none")
    monkeypatch.setenv("FASTCNN_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"given by FASTCNN_DATA"):
        load_dataset("mnist")
    assert len(load_dataset("digits").train) == 1438


@pytest.mark.parametrize("name", SOURCES)
def test_without_network_the_error_says_what_to_put_where(tmp_path, cache, name):
    source = SOURCES[name]
    for data_dir, place in ((None, cache), (tmp_path, tmp_path)):
        with pytest.raises(DataError) as error:
            load_dataset(name, data_dir)
        message = str(error.value)
        assert "\n" not in message
        assert "ConnectionError" in message
        assert f"put {', '.join(source.files)} (gz or not, from http" in message
        assert message.endswith(f"into {place / source.folders[0]}")
    with pytest.raises(DataError, match="downloading is off; put"):
        load_dataset(name, download=False)


def test_download_of_files(cache, tmp_path, monkeypatch):
    """Every file is asked for with its checksum, and the set is then read from the cache."""
    origin, asked = write_idx_set(tmp_path / "origin", gz=True), []

    def retrieve(url, known_hash, fname, path):
        asked.append((url.removesuffix(fname), known_hash))
        return str(write(Path(path) / fname, (origin / fname).read_bytes()))

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert len(load_dataset("mnist").train) == 12
    remotes = SOURCES["mnist"].remotes
    assert asked == [(r.mirrors[0], f"sha256:{r.sha256}") for r in remotes]
    assert load_dataset("mnist", download=False).name == "mnist"
    assert (cache / "mnist" / "t10k-labels-idx1-ubyte.gz").is_file()


def test_download_of_an_archive(cache, tmp_path, monkeypatch):
    write_cifar10(tmp_path / "cifar-10-batches-bin")

    def retrieve(url, known_hash, fname, path):
        Path(path).mkdir(parents=True)
        with tarfile.open(Path(path) / fname, "w:gz") as archive:
            archive.add(tmp_path / "cifar-10-batches-bin", "cifar-10-batches-bin")
        return str(Path(path) / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(DataError, match=r"data_batch_1\.bin has 6,146 bytes; expected 30,730,000"):
        load_dataset("cifar10")
    shutil.rmtree(cache / "cifar10")
    source = SOURCES["cifar10"]
    small = dataclasses.replace(source, members=dict.fromkeys(source.members, 6146))
    monkeypatch.setitem(SOURCES, "cifar10", small)
    assert len(load_dataset("cifar10").train) == 10
    assert (cache / "cifar10" / "test_batch.bin").is_file()


def test_checksums_are_sha256():
    for source in SOURCES.values():
        for remote in source.remotes:
            assert len(remote.sha256) == len(hashlib.sha256().hexdigest())
            assert remote.mirrors


def test_paths(tmp_path):
    np.savez(tmp_path / "a.npz", x=pixels(10, 3, 3), y=np.arange(10) % 2)
    write_idx_set(tmp_path / "idx", gz=True)
    write_cifar10(tmp_path / "ten")
    write_cifar100(tmp_path / "hundred")
    write_classes(tmp_path / "pets", each=5)
    sizes = {"a.npz": (8, 2), "idx": (12, 5), "ten": (10, 2), "hundred": (6, 3), "pets": (8, 2)}
    for path, size in sizes.items():
        dataset = load_dataset(str(tmp_path / path))
        assert (len(dataset.train), len(dataset.test)) == size
        assert dataset.name == path.removesuffix(".npz")


def test_path_relative_to_here(tmp_path, monkeypatch):
    write_classes(tmp_path / "my_pets")
    monkeypatch.chdir(tmp_path)
    assert load_dataset("my_pets").name == "my_pets"
    monkeypatch.chdir(tmp_path / "my_pets")
    assert load_dataset(".").name == "my_pets"


def test_hold_out(tmp_path):
    path = write_classes(tmp_path / "pets", each=10)
    first, again, other = (load_dataset(path, seed=s, test_fraction=0.3) for s in (1, 1, 2))
    assert (len(first.train), len(first.test)) == (14, 6)
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    assert load_dataset(path, test_fraction=0).test is None
    with pytest.raises(OptionError, match="test fraction 1"):
        load_dataset(path, test_fraction=1)


def test_image_size(tmp_path):
    write_idx_set(tmp_path / "mnist")
    dataset = load_dataset("mnist", tmp_path, image_size=(9, 7))
    assert dataset.image_shape == dataset.test.image_shape == (9, 7, 1)
    assert load_dataset("digits", image_size=16).image_shape == (16, 16, 1)
    assert load_dataset(write_classes(tmp_path / "p"), image_size=5).image_shape == (5, 5, 3)
    write(tmp_path / "a.npz", npz_bytes(x=np.ones((5, 4, 4, 5), np.float32), y=np.arange(5) // 3))
    with pytest.warns(DataWarning, match="x are read as images 4x4 of 5 channels"):
        resized = load_dataset(tmp_path / "a.npz", image_size=3).train.images
    assert resized.shape == (4, 3, 3, 5) and (resized == 1).all()


def test_unknown_names_and_paths(tmp_path, monkeypatch):
    with pytest.raises(OptionError, match=r"unknown data set 'mnits'; did you mean 'mnist'\?"):
        load_dataset("mnits")
    with pytest.raises(DataError, match=r"none\.npz: no such file or folder"):
        load_dataset("none.npz")
    with pytest.raises(DataError, match="no such file or folder"):
        load_dataset(tmp_path / "none")
    with pytest.raises(DataError, match=r"expected a sub-folder per class.*; there lie: nothing"):
        load_dataset(tmp_path)
    with pytest.raises(OptionError, match="unknown data set 'MNIST'; did you mean 'mnist'"):
        load_dataset("MNIST")
    (tmp_path / "Photos").mkdir()
    with pytest.raises(DataError, match=r"no such file or folder; did you mean '.*Photos'\?"):
        load_dataset(tmp_path / "photo")
    with pytest.raises(DataError, match=r"no such file or folder: there is no .*nowhere"):
        load_dataset(tmp_path / "nowhere" / "x.npz")


def test_underscores_are_as_good_as_dashes(tmp_path):
    write_idx_set(tmp_path / "fashion_mnist")
    assert load_dataset("fashion_mnist", tmp_path).name == "fashion-mnist"


def test_public_face():
    assert all(callable(getattr(datasets, name)) for name in datasets.__all__)
    assert {f"load_{name.replace('-', '_')}" for name in NAMES} <= set(datasets.__all__)


def test_failures_say_what_lies_there(tmp_path):
    write(tmp_path / "set.mat", b"MATLAB 5.0 MAT-file, written by")
    write(tmp_path / "a.txt", b"text")
    write(tmp_path / "b.txt", b"text")
    with pytest.raises(DataError, match=r"2 \.txt \(a.txt, b.txt\), .*; set\.mat is a MATLAB file"):
        load_dataset(tmp_path)
    with pytest.raises(
        DataError, match=r"set\.mat is a MATLAB file \(\.mat\); expected an \.npz, a"
    ):
        load_dataset(tmp_path / "set.mat")


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("owned",)


CIFAR_PYTHON = {
    "cifar10": [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"],
    "cifar100": ["train", "test", "meta"],
}


@pytest.mark.parametrize("name, files", CIFAR_PYTHON.items(), ids=CIFAR_PYTHON)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles_are_never_read(tmp_path, monkeypatch, name, files, protocol):
    """CIFAR's python version, as a folder, in an archive, and one file alone."""
    monkeypatch.chdir(tmp_path)
    for file in files:
        write(tmp_path / "py" / file, pickle.dumps(Bomb(), protocol))
    with tarfile.open("python.tar.gz", "w:gz") as archive:
        archive.add("py")
    for path in ("py", "python.tar.gz"):
        with pytest.raises(DataError, match=f"python version: pickles, .* or --data {name}$"):
            load_dataset(path)
    with pytest.raises(DataError):
        load_dataset(f"py/{files[0]}")
    assert not Path("owned").exists()


def test_addresses_are_encrypted():
    for source in SOURCES.values():
        for remote in source.remotes:
            assert all(mirror.startswith("https://") for mirror in remote.mirrors)


def test_names_of_folders_here_are_suggested(tmp_path, monkeypatch):
    write_classes(tmp_path / "icons")
    monkeypatch.chdir(tmp_path)
    for name, meant in (("iconz", "icons"), ("Icons", "icons"), ("minst", "mnist")):
        with pytest.raises(OptionError, match=f"unknown data set '{name}'; did you mean '{meant}'"):
            load_dataset(name)


def test_a_shape_that_is_not_used_is_noted(tmp_path):
    """Only tables of pixels have lines that a shape is given for."""
    write_classes(tmp_path, shape=(6, 8))
    with pytest.warns(DataWarning, match="image_shape is not used: it tells the pixels in a line"):
        load_dataset(tmp_path, image_shape=(5, 5))


def test_tables_are_named_where_folders_tell_no_classes(tmp_path):
    for k in range(3):
        write(tmp_path / "train" / f"{k}.png", b"hello")
    write(tmp_path / "submission.csv", b"id,a,b\n")
    write(tmp_path / "labels.csv", b"id,breed\n0,a\n")
    with pytest.raises(DataError, match=r"tells no classes; .*; labels.csv is a table of images"):
        load_dataset(tmp_path)
    packed = shutil.make_archive(str(tmp_path / "x"), "zip", tmp_path, "labels.csv")
    with pytest.raises(DataError, match=r"; labels.csv is not read in an archive: unpack it"):
        load_dataset(packed)


def test_hints_at_other_data_are_for_folders_without_classes(tmp_path):
    """Pictures that can't be read are another matter."""
    write_classes(tmp_path)
    write(tmp_path / "cat" / "x.png", b"<!DOCTYPE html><html>")
    write(tmp_path / "x.npz", npz_bytes(x=pixels(2)))
    with pytest.raises(DataError) as error:
        load_dataset(tmp_path)
    assert "1 of 7 pictures can't be read: cat/x.png: not a picture, but an HTML page" in str(
        error.value
    )
    assert "npz" not in str(error.value)
