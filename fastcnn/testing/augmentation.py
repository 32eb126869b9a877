"""The check for augmentations."""

from typing import Any

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records
from fastcnn.engine.augmenter import Augment, Augmenter, augmented
from fastcnn.errors import ShapeError
from fastcnn.plugins.registry import augmentations
from fastcnn.testing.registered import case, checking, options_of
from fastcnn.testing.training import Course, check_training, small_model

SHAPES = ((9, 7, 3), (8, 8, 1))


def check_augmentation(augmentation: Any) -> None:
    """Raise an AssertionError that says what is wrong with an augmentation.

    augmentation: a name, {"name": ..., option: ...} or an object.

    - colour and grey images, uint8 and float, stay finite images of their shape; those that were
      given are not changed. (It may refuse grey ones, by a ShapeError.)
    - `apply` reads its numbers and writes the records, and nothing else decides: the same numbers
      give the same records; seed and step decide what is seen
    - no image is mixed with one of an empty lane; an image's own share lies in [0, 1]
    - training has the same bits on 1, 2 and 3 threads, and if saved and resumed after 25 steps
    """
    with checking(augmentations, augmentation) as made:
        for shape in SHAPES:
            for dtype in (np.uint8, np.float32):
                with case(f"{np.dtype(dtype)} images {shape}"):
                    if shape[2] == 3 or _takes_grey(made):
                        _check_images(made, shape, dtype)
        _check_records(made)
        _check_empty_lanes(made)
        options = options_of(made)
        check_training(small_model, Course(augment=lambda: [options]))


def _takes_grey(made: Augmentation) -> bool:
    try:
        made.apply(np.full((2, made.draws), 0.5), Records(np.arange(2), (1, 8, 6), 1.0, 0))
    except ShapeError:
        return False
    return True


def _check_images(made: Augmentation, shape: tuple[int, ...], dtype: Any) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, *shape))
    images = images.astype(np.uint8) if dtype == np.uint8 else (images / 255).astype(dtype)
    before, augment = images.copy(), Augment([made])
    out = augmented(augment, images, seed=3, step=5, epoch=1)
    assert np.array_equal(images, before), "the images were changed"
    assert out.shape == images.shape and np.isfinite(out).all(), "no finite images of their shape"
    again = augmented(augment, images, seed=3, step=5, epoch=1)
    assert np.array_equal(out, again), "the same seed and step give other images"
    if made.draws and not np.array_equal(out, images):
        others = [augmented(augment, images, seed=s, step=t, epoch=2) for s, t in ((3, 6), (4, 5))]
        for name, other in zip(("step", "seed"), others, strict=True):
            assert not np.array_equal(out, other), f"another {name} gives the same images"


def _check_records(made: Augmentation) -> None:
    uniform = np.random.default_rng(1).random((20, made.draws))
    uniform.flags.writeable = False
    found = []
    with case("apply, twice with the same numbers"):
        for _ in range(2):
            records = Records(np.arange(20), (3, 8, 6), 255.0, 0)
            made.apply(uniform, records)
            found.append(records)
        for name, value in vars(found[0]).items():
            assert np.array_equal(getattr(found[1], name), value), f"other records: {name!r}"
        share = found[0].own_share()
        assert ((share >= 0) & (share <= 1)).all(), f"shares of {share.min()} to {share.max()}"
        moved = (found[0].partner != np.arange(20)).any()
        assert made.mixes or not moved, "it mixes images, but says it does not: mixes = True"


def _check_empty_lanes(made: Augmentation) -> None:
    augmenter = Augmenter(Augment([made]), (3, 8, 6), (1, 16), np.dtype(np.float32))
    order = np.full((1, 16), -1)
    order[0, 3:5] = [7, 8]
    augmenter.fill(order, np.array([0, 0]), 0, 255.0)
    partners = set(augmenter.arrays["partner"][0, 3:5].tolist())
    assert partners <= {3, 4}, f"images in places 3 and 4 are mixed with those in {partners}"
