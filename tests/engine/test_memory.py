"""Which buffers share memory."""

import numpy as np

from fastcnn.engine.memory import Memory
from fastcnn.engine.tensor import Tensor

SHAPE = (1, 2, 3, 4, 16)


def tensor(first, last, shape=SHAPE, **options):
    made = Tensor(shape, "float32", **options)
    made.touch(first)
    made.touch(last)
    return made


def overlap(a, b):
    return np.may_share_memory(a.array, b.array)


def test_those_alive_together_share_nothing():
    a, b, c = tensor(0, 2), tensor(2, 3), tensor(3, 4)
    Memory([a, b, c]).place()
    assert not overlap(a, b) and not overlap(b, c) and overlap(a, c)


def test_the_last_reader_may_write_over_what_it_reads():
    a, b, c = tensor(0, 2), tensor(2, 3), tensor(3, 4)
    memory = Memory([a, b, c])
    assert memory.overwrite(a, b) and memory.overwrite(b, c)
    assert memory.place() < 2 * a.array.nbytes
    assert a.array.ctypes.data == b.array.ctypes.data == c.array.ctypes.data


def test_nobody_writes_over_what_is_read_later():
    a, early, b = tensor(0, 4), tensor(2, 3), tensor(4, 5)
    memory = Memory([a, early, b])
    assert not memory.overwrite(a, early)
    assert memory.overwrite(a, b)
    assert not memory.overwrite(a, b), "they are in one place already"


def test_nobody_writes_over_another_shape():
    a, b = tensor(0, 1), tensor(1, 2, (1, 2, 4, 3, 16))
    assert not Memory([a, b]).overwrite(a, b)


def test_halos_are_given_to_all_that_lie_in_one_place():
    plain, wide, more = tensor(0, 1), tensor(1, 2), tensor(2, 3)
    wide.widen((1, 1, 0, 0))
    more.widen((0, 2, 1, 0))
    memory = Memory([plain, wide, more])
    assert memory.overwrite(wide, more) and memory.overwrite(plain, wide)
    memory.place()
    assert plain.halo == wide.halo == more.halo == (1, 2, 1, 0)
    for made in (plain, wide, more):
        made.resolve()[...] = 1
    base = plain.array.copy()
    base[:, :, 1:-2, 1:] = 0
    assert (base == 0).all(), "halos stay zeros"


def test_what_is_read_flat_gets_no_halo():
    flat, wide = tensor(0, 1, flat=True), tensor(1, 2)
    wide.widen((1, 1, 1, 1))
    assert not Memory([flat, wide]).overwrite(flat, wide)
    framed = tensor(0, 1, framed=True)
    assert not Memory([framed, wide]).overwrite(framed, wide)


def test_halos_at_the_same_places_share_memory_and_stay_zeros():
    first, second, other = tensor(0, 1), tensor(2, 3), tensor(2, 3)
    later, plain = tensor(4, 5), tensor(4, 5)
    for made in (first, second, other):
        made.widen((1, 1, 1, 1))
    later.widen((2, 1, 1, 1))
    Memory([first, second, other, later, plain]).place()
    assert overlap(first, second) != overlap(first, other)
    assert not overlap(second, other)
    for made in (first, second, other):
        assert not overlap(made, later) and not overlap(made, plain)
