"""No test here sees the network, the real cache or a FASTCNN_DATA of the caller."""

import os

import pooch
import pytest

REAL_DATA = os.environ.get("FASTCNN_DATA")  # as the caller set it, for test_real.py


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """An empty cache directory; downloading fails as it does without a network."""

    def no_network(*args, **kwargs):
        raise ConnectionError("HTTPSConnectionPool(...)\nMax retries exceeded")

    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(pooch, "os_cache", lambda project: folder)
    monkeypatch.setattr(pooch, "retrieve", no_network)
    monkeypatch.delenv("FASTCNN_DATA", raising=False)
    return folder
