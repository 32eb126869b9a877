import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.backends import BACKENDS
from tests.kernels.compare import assert_native_matches_reference, run

quick = settings(deadline=None, max_examples=25)


def random_order(rng, images, blocks, lanes):
    """Images in any order, more than once, with empty lanes."""
    order = rng.integers(-1, images, (blocks, lanes))
    order[-1, -1] = -1
    return order


@quick
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 40), st.sampled_from([1, 2, 3, 5])),
    lanes=st.sampled_from([1, 3, 4, 8, 16, 32]),
    blocks=st.integers(1, 3),
    dtype=st.sampled_from([np.uint8, np.float32]),
    scaled=st.booleans(),
    view=st.sampled_from(["whole", "planes", "cropped", "halo"]),
    seed=st.integers(0, 99),
)
def test_gather_images(shape, lanes, blocks, dtype, scaled, view, seed):
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    images = rng.integers(0, 256, (9, height + 2, width + 2, channels)).astype(dtype)
    if view == "planes":
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    images = images[:, 1:-1, 1:-1]
    if view == "whole":
        images = np.ascontiguousarray(images)
    images.flags.writeable = False
    x = np.zeros((blocks, channels, height + 2, width + 2, lanes), np.float32)
    x = x[:, :, 1:-1, 1:-1] if view == "halo" else x[:, :, 2:, 2:].copy()
    scale, offset = rng.normal(size=(2, channels)).astype(np.float32)
    arrays = {
        "images": images,
        "order": random_order(rng, 9, blocks, lanes),
        "scale": scale if scaled else None,
        "offset": offset if scaled else None,
        "x": x,
    }
    assert_native_matches_reference("gather_images", arrays)
    if view == "halo":
        got = run("gather_images", arrays, "native")["x"]
        around = got.base.copy()
        around[:, :, 1:-1, 1:-1] = 0
        assert not around.any()


def test_gather_says_what_it_does():
    """Checked by hand, not against the reference."""
    images = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2, 1)
    order = np.array([[2, -1, 0, 0]])
    arrays = {"images": images, "order": order}
    arrays |= {"scale": np.float32([0.5]), "offset": np.float32([1])}
    arrays["x"] = np.full((1, 1, 2, 2, 4), np.nan, np.float32)
    for backend in BACKENDS:
        x = run("gather_images", arrays, backend)["x"]
        np.testing.assert_array_equal(x[0, 0, 1, 0], [6, 0, 2, 2])


@quick
@given(lanes=st.sampled_from([1, 4, 16]), blocks=st.integers(1, 4), seed=st.integers(0, 99))
def test_gather_labels(lanes, blocks, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, 24)[::2]
    order = random_order(rng, 12, blocks, lanes)
    arrays = {"labels": labels, "order": order, "out": np.empty_like(order)}
    assert_native_matches_reference("gather_labels", arrays)


@quick
@given(
    lanes=st.sampled_from([1, 3, 4, 8, 16, 32]),
    blocks=st.integers(1, 4),
    features=st.integers(1, 40),
    missing=st.integers(0, 31),
    layout=st.sampled_from(["whole", "columns", "turned"]),
    seed=st.integers(0, 99),
)
def test_scatter_rows(lanes, blocks, features, missing, layout, seed):
    x = np.random.default_rng(seed).normal(size=(blocks, features, lanes)).astype(np.float32)
    rows = max(1, blocks * lanes - missing)
    out = np.zeros((rows, features), np.float32)
    if layout == "columns":
        out = np.zeros((rows, features + 3), np.float32)[:, 2:-1]
    if layout == "turned":
        out = np.zeros((features, rows), np.float32).T
    assert_native_matches_reference("scatter_rows", {"x": x, "out": out})


@pytest.mark.parametrize("missing", [0, 5, 20])
def test_scatter_undoes_gather(missing):
    images = np.random.default_rng(0).normal(size=(32, 1, 7, 1)).astype(np.float32)
    order = np.arange(32).reshape(2, 16)
    x = np.empty((2, 1, 1, 7, 16), np.float32)
    x = run("gather_images", {"images": images, "order": order, "x": x}, "native")["x"]
    out = np.empty((32 - missing, 7), np.float32)
    out = run("scatter_rows", {"x": x.reshape(2, 7, 16), "out": out}, "native")["out"]
    np.testing.assert_array_equal(out, images[: 32 - missing, 0, :, 0])
