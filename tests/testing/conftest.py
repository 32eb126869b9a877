"""Kernels that a test registers go away with it."""

import pytest

from tests.testing.wrong import kernels


@pytest.fixture(autouse=True)
def clean():
    with kernels():
        yield
