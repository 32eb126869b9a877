"""What holds for every registered callback, besides fastcnn.testing.check_callback."""

import fastcnn.callbacks
from fastcnn.plugins.registry import callbacks


def test_the_public_face_shows_them_all():
    shown = {getattr(fastcnn.callbacks, name) for name in fastcnn.callbacks.__all__}
    assert {callbacks.get(name) for name in callbacks.names()} <= shown
