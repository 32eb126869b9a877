"""Augmented training images for estimators that do not augment themselves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.engine.augmenter import Augment as Augmentations
from fastcnn.engine.augmenter import augmented
from fastcnn.errors import OptionError
from fastcnn.features.image_mapper import ImageMapper
from fastcnn.features.seeds import random_of


class Augment(ImageMapper):
    """`fit_transform` gives augmented images, `transform` gives images as they are.

    So in a pipeline training sees augmented images, prediction those that are given. (CNNClassifier
    has `augment=`, which makes other images of them in every epoch.)

    augmentations: names, {"name": ..., option: ...} or objects, see Model.fit; not those that mix
        images (mixup, cutmix), since these change targets.
    fill, fill_value: what lies beyond the edge, see fastcnn.engine.augmenter.Augment.
    random_state: an integer gives the same images every time.
    input_shape: (H, W) or (H, W, C), the image in a flat row.
    """

    def __init__(
        self,
        augmentations: Sequence[Any] = ("flip",),
        *,
        fill: str = "reflect",
        fill_value: float = 0.0,
        random_state: Any = None,
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.augmentations = augmentations
        self.fill = fill
        self.fill_value = fill_value
        self.random_state = random_state
        self.input_shape = input_shape

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Images that are changed at random; those of uint8 stay uint8."""
        images = self._first_images(X)
        seed = random_of(self.random_state).randint(2**31)
        changed = augmented(self._augment(), images, int(seed))
        if images.dtype == np.uint8:
            changed = np.rint(changed).clip(0, 255).astype(np.uint8)
        return self._like(X, changed)

    def _fit(self, images: np.ndarray) -> None:
        if self._augment().mixes:
            raise OptionError("Augment can't mix images, since it can't mix their targets")

    def _augment(self) -> Augmentations:
        return Augmentations(list(self.augmentations), self.fill, self.fill_value)

    def _map(self, images: np.ndarray) -> np.ndarray:
        return images

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True  # two calls of fit_transform differ
        return tags
