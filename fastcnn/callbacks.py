"""Public face: the base class of callbacks, and those that come with fastcnn."""

from fastcnn.engine.callback import Callback
from fastcnn.training.history import History

__all__ = ["Callback", "History"]
