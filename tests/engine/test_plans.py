"""Which plans a model keeps: few, shared by batches of nearly equal sizes, with the same bits."""

import gc
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.engine import plans as plans_module
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.plans import MOST, Plans, roomy
from fastcnn.engine.views import Views

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(40, 8, 8, 2)).astype(np.float32)
LABELS = RNG.integers(0, 3, 40)


def small(**options):
    stack = [L.Conv2D(5, 3, padding="same", activation="relu"), L.Flatten()]
    model = Sequential([*stack, L.Dense(3, activation="softmax")], (8, 8, 2), **options)
    model.compile("sgd")
    return model


@pytest.mark.parametrize("batch", [*range(1, 20), 255, 256, 257, 1000])
def test_a_plan_has_room_for_less_than_twice_its_samples(batch):
    assert batch <= roomy(batch) < 2 * batch or batch == roomy(batch) == 1


@pytest.mark.parametrize("views", [None, {"flip": True}])
@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("sizes", [range(1, 41), range(40, 0, -1)], ids=["up", "down"])
def test_an_image_has_the_same_bits_whatever_was_predicted_before(sizes, backend, views):
    model = small(backend=backend)
    for n in sizes:
        alone = small(backend=backend)
        got, wanted = (m.predict(IMAGES[:n], views=views) for m in (model, alone))
        assert got.shape == (n, 3)
        np.testing.assert_array_equal(got, wanted)
    many = model.predict(IMAGES, views=views)
    for n in range(9, 40):
        np.testing.assert_array_equal(model.predict(IMAGES[:n], views=views), many[:n])


def test_evaluate_measures_the_same_whatever_was_evaluated_before():
    model = small()
    for n in (40, 3, 9, 17, 8, 33):
        assert model.evaluate(IMAGES[:n], LABELS[:n]) == small().evaluate(IMAGES[:n], LABELS[:n])


def test_all_sizes_of_predictions_need_little_more_memory_than_the_largest():
    model = small()
    model.predict(IMAGES)
    largest = model._plans.bytes
    for n in [*range(1, 41), *range(40, 0, -1)]:
        model.predict(IMAGES[:n])
    assert len(model._plans) == 5
    single = small()
    single.predict(IMAGES[:1])
    assert model._plans.bytes <= largest + 16 * single._plans.bytes


def test_views_and_augmentations_of_one_layout_take_turns_in_one_plan():
    model = small()
    for shift in range(1, 20):
        model.predict(IMAGES, views=Views(flip=bool(shift % 2), shift=shift % 4))
        model.fit(IMAGES, LABELS, augment=[{"name": "shift", "pixels": 1 + shift % 3}], verbose=0)
        model.fit(IMAGES, LABELS, augment=["flip", "mixup"], verbose=0)
    assert len(model._plans) == 3


def test_the_augmentation_given_last_is_the_one_that_is_done():
    left, right = ({"name": "shift", "pixels": by} for by in (1, 3))

    def trained(*augments):
        model = small()
        for augment in augments:
            model.fit(IMAGES, LABELS, augment=[augment], batch_size=20, verbose=0)
            model.set_weights(small().get_weights())
        model.compile("sgd")
        model.fit(IMAGES, LABELS, augment=[augments[-1]], batch_size=20, verbose=0)
        return model.get_weights()["dense/kernel"]

    np.testing.assert_array_equal(trained(left, right), trained(right))
    assert not np.array_equal(trained(right, left), trained(right))


def test_equal_augmentations_are_of_one_layout():
    made = [Augment(["flip", {"name": "shift", "pixels": 2}], "wrap") for _ in range(2)]
    assert made[0].layout == made[1].layout
    assert made[0].layout != Augment(["flip", "mixup"], "wrap").layout
    assert made[0].layout != Augment(["flip", "shift"], "nearest").layout


class Compiled:
    """Stands for a plan: `batch` samples in that many bytes."""

    def __init__(self, batch, moves=0):
        self.batch, self.bytes, self.moves = batch, batch, moves


def test_plans_are_few_and_the_last_of_each_purpose_stays(monkeypatch):
    plans = Plans()
    first = plans.get("evaluate", 9, (), 0, Compiled)
    for batch in range(1, 100):
        training = plans.get("train", batch, (), 0, Compiled)
        assert len(plans) <= MOST
        assert plans.get("train", batch, (), 0, Compiled) is training
    assert plans.get("evaluate", 9, (), 0, Compiled) is first
    assert training.batch == 99
    monkeypatch.setattr(plans_module, "MOST_BYTES", 150)
    plans.get("predict", 120, (), 0, Compiled)
    assert {p.batch for p in plans._plans.values()} == {16, 99, 128}
    assert plans.get("train", 99, (), 0, Compiled) is training


def test_parameters_that_moved_need_another_plan():
    plans = Plans()
    old = plans.get("predict", 20, (), 0, Compiled)
    new = plans.get("predict", 9, (), 1, lambda room: Compiled(room, 1))
    assert new is not old
    assert len(plans) == 1


def test_training_on_many_batch_sizes_keeps_few_plans():
    model = small()
    for batch in range(1, 31):
        model.fit(IMAGES, LABELS, batch_size=batch, validation_data=(IMAGES, LABELS), verbose=0)
    assert len(model._plans) <= MOST


def test_a_model_goes_with_its_last_name():
    gc.disable()
    try:
        model = small()
        model.fit(IMAGES, LABELS, validation_data=(IMAGES, LABELS), verbose=0)
        model.predict(IMAGES)
        seen = weakref.ref(model), weakref.ref(model._plan("predict", 40))
        del model
        assert [ref() for ref in seen] == [None, None]
    finally:
        gc.enable()


GROWTH = """
import numpy as np
from fastcnn import Sequential, layers as L
from fastcnn.engine.views import Views

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4 / 1024

stack = [L.Conv2D(16, 3, padding="same", activation="relu"), L.Flatten(), L.Dense(4)]
model = Sequential(stack, (24, 24, 3), seed=1)
model.compile("sgd", "mse")
images, wanted = np.zeros((128, 24, 24, 3), np.uint8), np.zeros((128, 4))

def use(n):
    model.predict(images[:n])
    model.predict(images, views=Views(shift=n % 4))
    if n % 4 == 0:
        model.fit(images, wanted, batch_size=64, augment=["flip"], verbose=0)

for n in (128, 4, 8):
    use(n)
before = resident()
for n in range(1, 129):
    use(n)
print(resident() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="counts resident pages")
def test_memory_does_not_grow_with_the_sizes_of_batches():
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, check=True)
    assert float(done.stdout) < 10  # MiB
