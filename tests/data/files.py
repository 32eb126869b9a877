"""Tiny real files of every format."""

import gzip
import io
import struct

import cv2
import numpy as np


def idx_bytes(array):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write(path, data, gz=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    if gz:
        path = path.with_name(f"{path.name}.gz")
        data = gzip.compress(data)
    path.write_bytes(data)
    return path


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write_idx_set(folder, train=12, test=5, shape=(4, 6), gz=False):
    """MNIST's four files; the labels count 0, 1, 2, ... modulo 10."""
    for prefix, count in (("train", train), ("t10k", test)):
        images = pixels(count, *shape, seed=count)
        write(folder / f"{prefix}-images-idx3-ubyte", idx_bytes(images), gz)
        write(folder / f"{prefix}-labels-idx1-ubyte", idx_bytes(np.arange(count) % 10), gz)
    return folder


def cifar_records(images, *labels):
    """images (n, 32, 32, 3); labels (n,) each, coarse before fine for CIFAR-100."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.hstack([np.stack(labels, 1).astype(np.uint8), planes]).tobytes()


def write_cifar10(folder, count=2, gz=False):
    for batch in range(6):
        name = f"data_batch_{batch + 1}.bin" if batch < 5 else "test_batch.bin"
        labels = (np.arange(count) + batch) % 10
        data = cifar_records(pixels(count, 32, 32, 3, seed=batch), labels)
        write(folder / name, data, gz)
    return folder


def write_cifar100(folder, gz=False):
    for name, count in (("train.bin", 6), ("test.bin", 3)):
        fine = np.arange(count) * 19 % 100
        data = cifar_records(pixels(count, 32, 32, 3, seed=count), fine % 20, fine)
        write(folder / name, data, gz)
    return folder


def npz_bytes(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def write_picture(path, picture):
    """picture (H, W) or RGB (H, W, 3), in the format that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = picture if picture.ndim == 2 else picture[..., ::-1]
    done, data = cv2.imencode(path.suffix, bgr)
    assert done
    path.write_bytes(data.tobytes())
    return path


def write_classes(folder, names=("cat", "dog"), each=3, shape=(6, 8, 3)):
    for index, name in enumerate(names):
        for i in range(each):
            write_picture(folder / name / f"{i}.png", pixels(*shape, seed=10 * index + i))
    return folder
