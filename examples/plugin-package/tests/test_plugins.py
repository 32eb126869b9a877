"""What fastcnn's own things are held to."""

import pytest

from fastcnn.models import build
from fastcnn.testing import check_activation, check_callback, check_layer, check_optimizer


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_channel_shuffle(groups):
    config = {"name": "channel_shuffle", "groups": groups}
    check_layer(config, input_shapes=[(7, 5, 6), (9, 6), (12,)])


def test_hard_swish():
    check_activation("hard_swish")


def test_qhm():
    check_optimizer("qhm")
    check_optimizer({"name": "qhm", "beta": 0.5, "nu": 1.0, "weight_decay": 0.01})


def test_best_so_far():
    check_callback({"name": "best_so_far", "monitor": "val_accuracy"})


def test_shuffle_net():
    model = build({"name": "shuffle_net", "groups": 3}, (8, 8, 1), 10)
    assert model.output_size == 10
