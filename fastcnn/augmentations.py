"""Public face: every built-in augmentation, the list of them that `fit` takes, and the views that
`evaluate` and `predict` take."""

from fastcnn.engine.augmentation import Augmentation, Records
from fastcnn.engine.augmenter import Augment, augmented
from fastcnn.engine.views import Views
from fastcnn.plugins.augmentations.brightness import Brightness
from fastcnn.plugins.augmentations.contrast import Contrast
from fastcnn.plugins.augmentations.cutmix import CutMix
from fastcnn.plugins.augmentations.cutout import Cutout
from fastcnn.plugins.augmentations.flip import Flip
from fastcnn.plugins.augmentations.mixup import MixUp
from fastcnn.plugins.augmentations.random_crop import RandomCrop
from fastcnn.plugins.augmentations.rotation import Rotation
from fastcnn.plugins.augmentations.saturation import Saturation
from fastcnn.plugins.augmentations.shear import Shear
from fastcnn.plugins.augmentations.shift import Shift
from fastcnn.plugins.augmentations.zoom import Zoom

__all__ = [
    "Augment",
    "Augmentation",
    "Brightness",
    "Contrast",
    "CutMix",
    "Cutout",
    "Flip",
    "MixUp",
    "RandomCrop",
    "Records",
    "Rotation",
    "Saturation",
    "Shear",
    "Shift",
    "Views",
    "Zoom",
    "augmented",
]
