"""The table of a plan's steps."""

import pytest

from fastcnn import layers as L
from fastcnn.engine.graph import Graph
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.rates import training_plan

SAMPLES, FILTERS, MIB = 32, 5, 2**20


@pytest.fixture
def plan():
    net = [L.Conv2D(FILTERS, 3, padding="same"), L.BatchNormalization(), L.ReLU()]
    graph = Graph.chain((3, 8, 8), [*net, L.Flatten(), L.Dense(4)])
    return training_plan(graph, ParameterStore(graph, 0, "float32"), SAMPLES, winograd=False)


def test_one_row_for_each_step(plan):
    title, head, *rows, total = plan.describe().splitlines()
    assert title.startswith(f"train: {len(rows)} steps for {SAMPLES} samples, blocks of 16")
    assert f"{plan.bytes / MIB:.1f} MiB of buffers" in title
    assert " ".join(head.split()) == "step kernel layer reads MiB writes MiB GFLOP"
    assert [row.split()[1] for row in rows] == plan.program.kernels()
    assert [int(row.split()[0]) for row in rows] == list(range(len(rows)))
    assert total.split()[0] == "sum"


def test_figures_of_a_convolution(plan):
    (row,) = (r.split() for r in plan.describe().splitlines() if " conv2d_forward " in r)
    numbers = 3 * FILTERS * 9 + FILTERS
    image = SAMPLES * 10 * 10 * 3  # with the border that it reads
    assert row[2] == "conv2d"
    assert float(row[3]) == pytest.approx(4 * (image + numbers) / MIB, abs=0.005)
    assert float(row[4]) == pytest.approx(4 * SAMPLES * 64 * FILTERS / MIB, abs=0.005)
    assert float(row[5]) == pytest.approx(2e-9 * SAMPLES * 64 * FILTERS * 27, abs=0.005)


def test_sums(plan):
    rows = [row.split() for row in plan.describe().splitlines()[2:]]
    *steps, total = ([float(cell) for cell in row[-3:]] for row in rows)
    assert total == pytest.approx([sum(c) for c in zip(*steps, strict=True)], abs=0.1)


def test_forms_of_winograds_tiles():
    """Outputs of a tile and kernel: of large images, of images of 2 x 2 pixels."""
    layers = [
        L.Conv2D(64, 3, padding="same"),
        L.MaxPooling2D(8),
        L.Conv2D(64, 3, padding="same"),
        L.Flatten(),
        L.Dense(4),
    ]
    graph = Graph.chain((64, 16, 16), layers)
    text = training_plan(graph, ParameterStore(graph, 0, "float32"), 256).describe()
    for large in ("forward", "backward_weight"):
        assert f"winograd_{large} F(4x4,3x3) " in text
    for small in ("forward", "backward_input", "backward_weight", "weight_gradient"):
        assert f"winograd_{small} F(2x2,3x3) " in text
