"""Augmentations of one plan: random numbers for each batch, and the kernel's records."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.arguments import checked
from fastcnn.engine.augmentation import Augmentation, Records
from fastcnn.engine.preprocessing import AS_IT_COMES
from fastcnn.errors import unknown
from fastcnn.kernels import new_program
from fastcnn.kernels.program import Arrays
from fastcnn.kernels.spec import ENUMS
from fastcnn.plugins.registry import augmentations as registry
from fastcnn.plugins.registry import config_of, make
from fastcnn.rng import AUGMENT, seed_key

WORDS = 4  # that one call of Philox gives


class Augment:
    """A list of augmentations, applied in this order, and what lies beyond the edge of an image.

    augmentations: names, {"name": ..., option: ...} or objects.
    fill: "reflect" (b a | a b c | c b), "nearest", "wrap", or "constant" with
    fill_value, in units of the images (0..255 for uint8).
    """

    @checked
    def __init__(
        self, augmentations: Sequence[Any], fill: str = "reflect", fill_value: float = 0.0
    ) -> None:
        if fill not in ENUMS["fill"]:
            raise unknown("fill", fill, ENUMS["fill"])
        self.augmentations = [make(registry, value) for value in augmentations]
        self.fill = fill
        self.fill_value = float(fill_value)

    @classmethod
    def of(cls, value: "Augment | Sequence[Any] | None") -> "Augment | None":
        """None, or a list of augmentations with the default fill, or as it is."""
        return value if value is None or isinstance(value, Augment) else cls(value)

    def options(self) -> dict[str, Any]:
        """What makes the same object again, as JSON can hold it."""
        made = [config_of(augmentation) for augmentation in self.augmentations]
        return {"augmentations": made, "fill": self.fill, "fill_value": self.fill_value}

    @property
    def mixes(self) -> bool:
        return any(a.mixes for a in self.augmentations)

    @property
    def layout(self) -> tuple[Any, ...]:
        """All that a plan is compiled for: those of one layout can take turns in it."""
        draws = tuple(a.draws for a in self.augmentations)
        return self.fill, self.fill_value, self.mixes, draws


class Augmenter:
    """Fills the arrays that a plan's kernels read, anew for every batch.

    The random numbers of an augmentation are Philox' of (place in the batch, number of the
    augmentation and of the four words, step, AUGMENT) keyed by the seed: they do not depend on
    threads or on a resumed run.
    """

    def __init__(
        self,
        augment: Augment,
        image_shape: tuple[int, int, int],
        places: tuple[int, int],
        dtype: np.dtype,
    ) -> None:
        """image_shape: (channels, height, width); places: (blocks, lanes)."""
        self.augment, self.image_shape = augment, image_shape
        count = places[0] * places[1]
        channels = image_shape[0]
        self.arrays: dict[str, np.ndarray] = {
            "matrix": np.zeros((*places, 6), dtype),
            "color": np.zeros((*places, channels, channels + 1), dtype),
            "hole": np.zeros((*places, 4), np.int64),
            "patch": np.zeros((*places, 4), np.int64),
            "partner": np.zeros(places, np.int64),
            "share": np.zeros(places, dtype),
        }
        self.own = np.ones(places, dtype)  # weight of each image's own target
        self._draw = _Draw(augment.augmentations, count)

    def target_arrays(self) -> dict[str, np.ndarray]:
        """Records that mix targets, seen as images of one pixel, as the images are mixed."""
        still = np.broadcast_to(np.eye(2, 3, dtype=self.own.dtype).ravel(), (*self.own.shape, 6))
        nothing = np.zeros((*self.own.shape, 4), np.int64)
        return {
            "matrix": still.copy(),
            "hole": nothing,
            "patch": nothing,
            "partner": self.arrays["partner"],
            "share": self.own,
        }

    def fill(self, order: np.ndarray, state: np.ndarray, epoch: int, peak: float) -> None:
        """Records of the images `order`, numbered by their places; state: seed and step."""
        uniform = self._draw(int(state[0]), int(state[1]))
        records = Records(order.reshape(-1), self.image_shape, peak, epoch)
        for augmentation, numbers in zip(self.augment.augmentations, uniform, strict=True):
            augmentation.apply(numbers, records)
        for name, array in self.arrays.items():
            array[...] = getattr(records, name).reshape(array.shape)
        self.own[...] = records.own_share().reshape(self.own.shape)


class _Draw:
    """Uniform numbers in [0, 1) for each augmentation and place, by the native Philox."""

    def __init__(self, items: Sequence[Augmentation], count: int) -> None:
        groups = [-(-item.draws // WORDS) for item in items]
        self._shapes = [
            (count, n * WORDS, item.draws) for n, item in zip(groups, items, strict=True)
        ]
        second = [k << 16 | group for k, n in enumerate(groups) for group in range(n)]
        rows = np.zeros((len(second), count, 4), np.uint32)
        rows[..., 0] = np.arange(count)
        rows[..., 1] = np.array(second, np.uint32)[:, None]
        rows[..., 3] = AUGMENT
        self._counter = rows.reshape(-1, 4)
        self._key = np.zeros(2, np.uint32)
        self._words = np.zeros_like(self._counter)
        self._program = new_program()
        if len(rows):
            self._program.add(
                "philox", {"counter": self._counter, "key": self._key, "words": self._words}
            )
        self._count, self._groups = count, groups

    def __call__(self, seed: int, step: int) -> list[np.ndarray]:
        self._key[...] = seed_key(seed)
        self._counter[:, 2] = step & 0xFFFFFFFF
        self._program.run()
        words = self._words.reshape(-1, self._count, WORDS) / np.float64(2**32)
        result, start = [], 0
        for groups, (count, wide, draws) in zip(self._groups, self._shapes, strict=True):
            part = words[start : start + groups].transpose(1, 0, 2).reshape(count, wide)
            result.append(part[:, :draws])
            start += groups
        return result


def augmented(
    augment: Augment, images: np.ndarray, seed: int = 0, step: int = 0, epoch: int = 0
) -> np.ndarray:
    """Copies (N, H, W, C) float32 of images (N, H, W, C), as training would see them in one batch,
    in units of the images."""
    count, height, width, channels = images.shape
    lanes = 16
    order = np.full((-(-count // lanes), lanes), -1)
    order.reshape(-1)[:count] = np.arange(count)
    shape = (channels, height, width)
    augmenter = Augmenter(augment, shape, order.shape, np.dtype(np.float32))
    augmenter.fill(order, np.array([seed, step]), epoch, white(images))
    x = np.zeros((len(order), *shape, lanes), np.float32)
    program = new_program()
    arrays: Arrays = {"images": images, "order": order, "x": x, **augmenter.arrays}
    program.add("augment_images", arrays, fill=augment.fill, fill_value=augment.fill_value)
    program.run()
    return x.transpose(0, 4, 2, 3, 1).reshape(-1, height, width, channels)[:count]


def white(images: np.ndarray) -> float:
    """The value of white, where no range is known: 255 for uint8, 1 for floats."""
    return AS_IT_COMES.white(images.dtype)
