"""Predictions that carry blocks of images through runs of steps: which, and the same bits."""

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential
from fastcnn import layers as L
from fastcnn.engine.carrying import confine, find_runs
from fastcnn.engine.plan import Source
from fastcnn.engine.tensor import Buffer, Tensor
from fastcnn.errors import BackendError
from fastcnn.kernels import new_program

IMAGES = np.random.default_rng(0).normal(size=(90, 12, 12, 3)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 4, 90)
BLOCK = 16


def model_of(*stack, **options):
    model = Sequential([*stack, L.Flatten(), L.Dense(4, activation="softmax")], (12, 12, 3))
    model.compile("adam", **options)
    model.predict(IMAGES[:1])
    return model


def residual(**options):
    """Two blocks, pools, a reshape, and a tensor that is read within a run and after it."""
    image = Input((12, 12, 3))
    x = L.Conv2D(8, 3, padding="same", activation="relu")(image)
    y = L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(x))
    y = L.MaxPooling2D(2)(L.Add("relu")([x, y]))
    flat = L.Flatten()(L.Conv2D(2, 5, padding="same", activation="gelu")(y))
    z = L.Conv2D(4, 2, strides=2)(L.ZeroPadding2D(1)(L.Reshape((2, 6, 6))(flat)))
    z = L.Flatten()(L.AveragePooling2D(2)(z))
    scores = L.Dense(4, activation="softmax")(L.Concatenate()([L.Dense(50)(flat), z]))
    model = Model(image, scores)
    model.compile("adam", "sparse_categorical_crossentropy", **options)
    model.predict(IMAGES[:1])
    return model


def plan_of(model, count, **options):
    plan = model._plan("predict", count, **options)
    plan.bind(Source([IMAGES]))
    return plan


def carried(model, count=90):
    plan = plan_of(model, count)
    names = plan.program.kernels()
    return [[names[step] for step in run] for run in plan.runs]


@pytest.fixture(scope="module")
def model():
    return residual()


@pytest.fixture(scope="module")
def block_by_block(model):
    """Predictions of plans of one block, which carry nothing."""
    plan = plan_of(model, BLOCK)
    assert not plan.runs
    rows = []
    for start in range(0, len(IMAGES), BLOCK):
        count = plan.run_from(start, 1)
        rows.append(plan.outputs[0][:count].copy())
    return np.concatenate(rows)


@pytest.mark.parametrize("threads", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("batch", [90, 80, 33, 17])
def test_the_same_bits_as_without(model, block_by_block, batch, threads):
    """Also with more threads than blocks, and with blocks that are left."""
    plan = plan_of(model, batch)
    assert plan.runs
    for start in (0, 90 - batch, 7, 80):  # memory is used again; 80: one block of many
        plan.outputs[0][...] = np.nan
        count = plan.run_from(start, threads)
        wanted = block_by_block[start : start + count]
        np.testing.assert_array_equal(plan.outputs[0][:count], wanted)


def test_evaluation_has_the_same_loss_as_without(model):
    plain = residual(fuse=False)
    plain.set_weights(model.get_weights())
    got, wanted = (m.evaluate(IMAGES, LABELS) for m in (model, plain))
    assert model._plan("evaluate", 90).runs and not plain._plan("evaluate", 90).runs
    assert got == pytest.approx(wanted, rel=1e-5)


def test_training_carries_nothing(model):
    assert not model._plan("train", 90).runs


def test_single_images_and_single_blocks_are_not_carried():
    few = residual()
    assert not carried(few, 8) and not carried(few, 16) and carried(few, 17)


def test_a_run_ends_where_images_meet_and_where_weights_are_large():
    convs = [L.Conv2D(4, 3), L.Activation("gelu"), L.Conv2D(4, 3)]
    (run,) = carried(model_of(*convs, L.AveragePooling2D(2)))
    assert run == ["gather_images", "conv2d_forward", "conv2d_forward", "avg_pool2d_forward"]
    (run,) = carried(model_of(L.Conv2D(8, 3), L.Conv2D(8, 8), L.Conv2D(800, 3), L.MaxPooling2D(1)))
    assert run == ["gather_images", "conv2d_forward", "conv2d_forward"]
    assert not any("dense_forward" in run for run in carried(residual()))


def two_runs(**options):
    """With a layer between them that takes all images at a time; what the second one writes is
    larger than what it reads, and must not lie there."""
    before = [L.Conv2D(4, 3), L.MaxPooling2D(2), L.Flatten(), L.Dense(8), L.Reshape((2, 2, 2))]
    after = [L.Conv2D(8, 2, padding="same"), L.UpSampling2D(3), L.Conv2D(9, 1)]
    return model_of(*before, *after, **options)


def test_two_runs():
    model, plain = two_runs(), two_runs(fuse=False)
    plain.set_weights(model.get_weights())
    first, second = plan_of(model, 90).runs
    assert first.start == 0 and first.stop < second.start
    np.testing.assert_allclose(model.predict(IMAGES), plain.predict(IMAGES), atol=1e-6)


def test_what_is_handed_on_needs_one_block_a_thread():
    model = model_of(L.Conv2D(32, 3), L.Conv2D(32, 3), L.MaxPooling2D(2))
    few, many = plan_of(model, 32), plan_of(model, 90)
    assert few.bytes_a_thread == many.bytes_a_thread > 0
    without = model_of(L.Conv2D(32, 3), L.Conv2D(32, 3), L.MaxPooling2D(2), fuse=False)
    assert many.bytes + many.bytes_a_thread < plan_of(without, 90).bytes / 2


def test_buffers_of_a_run():
    """Only within; from before; to after; across; of none."""
    ends = [(3, 4), (1, 3), (4, 9), (1, 9), (7, 8)]
    buffers = [Buffer((2, 3), "float32", *pair) for pair in ends]
    confine(buffers, [range(2, 6)])
    assert [b.carried for b in buffers] == [True, False, False, False, False]
    assert [(b.first, b.last) for b in buffers] == [(3, 4), (1, 5), (2, 9), (1, 9), (7, 8)]
    assert buffers[0].memory_shape() == (1, 3) and buffers[1].memory_shape() == (2, 3)


def test_runs_have_two_steps_at_least():
    x, y = Tensor((2, 3, 4, 4, 16), "float32"), Tensor((2, 3, 4, 4, 16), "float32")
    copy = ("copy", {"x": x, "y": y}, {})
    dense = ("dense_forward", {"x": x, "w": np.zeros((2, 3)), "b": None, "y": y}, {})
    assert find_runs([copy, dense, copy, copy, dense]) == [range(2, 4)]
    assert find_runs([copy, copy]) == [range(2)]
    assert find_runs([]) == []


def test_the_table_of_steps_says_which(model):
    plan = plan_of(model, 90)
    said = plan.describe().splitlines()[1]
    for run in plan.runs:
        assert f"{run.start} to {run.stop - 1}" in said


def test_each_step_has_its_time(model):
    program = plan_of(model, 90).program
    for threads in (1, 2):
        seconds = program.step_seconds(threads=threads)
        assert [name for name, _ in seconds] == program.kernels()
        assert min(s for _, s in seconds) >= 0 < sum(s for _, s in seconds)


def test_other_makers_carry_nothing():
    with pytest.raises(BackendError, match="reference backend carries no"):
        new_program("reference").carry(range(1), 1, np.zeros(0, np.uint8))
    stack = [L.Conv2D(4, 3), L.Conv2D(4, 3)]
    model = Sequential([*stack, L.Flatten()], (12, 12, 3), backend="reference")
    model.compile("adam")
    model.predict(IMAGES[:1])
    assert not carried(model)
