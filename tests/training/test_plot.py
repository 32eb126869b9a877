"""Pictures of models, and where their boxes lie."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import Input, Model, Sequential
from fastcnn import layers as L
from fastcnn.errors import OptionError
from fastcnn.models import build
from fastcnn.training.layout import lay_out


@st.composite
def graphs(draw):
    """For each node the numbers of earlier nodes that it reads."""
    reads = [[]]
    for k in range(1, draw(st.integers(1, 15))):
        reads.append(draw(st.lists(st.integers(0, k - 1), max_size=3)))
    return reads


@settings(deadline=None)
@given(graphs())
def test_boxes_do_not_overlap_and_lines_go_down(reads):
    layout = lay_out(reads)
    assert [box.number for box in layout.boxes] == list(range(len(reads)))
    for rank in layout.ranks:
        for left, right in pairwise(rank):
            assert right.x - left.x >= (left.room + right.room) / 2 - 1e-9
    for line in layout.lines:
        assert [place.rank for place in line] == list(range(line[0].rank, line[-1].rank + 1))
        assert all(place.number is None for place in line[1:-1])
    ends = sorted((line[0].number, line[-1].number) for line in layout.lines)
    assert ends == sorted((k, box) for box, sources in enumerate(reads) for k in sources)


def test_a_chain_is_one_straight_line():
    assert {box.x for box in lay_out([[], [0], [1], [2]]).boxes} == {0.0}


def test_branches_lie_side_by_side():
    layout = lay_out([[], [0], [0], [0], [1, 2, 3]])
    assert [box.rank for box in layout.boxes] == [0, 1, 1, 1, 2]
    assert len({box.x for box in layout.boxes[1:4]}) == 3


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_pictures(tmp_path, ending, start):
    x = Input((8, 8, 3))
    inner = Model(x, [L.Flatten()(x), L.ReLU()(x)], name="two")
    flat, image = inner(x)
    model = Model(x, [L.Dense(2)(flat), L.Add()([image, image, x])])
    path = tmp_path / f"model.{ending}"
    model.plot(path)
    assert path.read_bytes().startswith(start)


def test_of_deep_models(tmp_path):
    build("resnet56").plot(tmp_path / "deep.png")
    assert (tmp_path / "deep.png").stat().st_size > 10_000


def test_mistakes(tmp_path):
    model = Sequential([L.Flatten()], (2, 2, 1))
    with pytest.raises(OptionError, match=r"\.png, \.svg, \.pdf"):
        model.plot(tmp_path / "model.bmp")
