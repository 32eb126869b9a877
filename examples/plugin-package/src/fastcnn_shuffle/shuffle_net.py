"""A small net of grouped convolutions."""

from fastcnn.layers import Conv2D, Dense, GlobalAveragePooling2D
from fastcnn.plugins.registry import models
from fastcnn_shuffle.channel_shuffle import ChannelShuffle


@models.register("shuffle_net")
def shuffle_net(input_shape=(1, 8, 8), classes=10, groups=4):
    """conv 24@3x3 - (shuffle - grouped conv 24@3x3) twice - mean - dense"""
    grouped = {"padding": "same", "groups": groups, "activation": "hard_swish"}
    return [
        Conv2D(24, 3, padding="same", activation="hard_swish"),
        ChannelShuffle(groups),
        Conv2D(24, 3, **grouped),
        ChannelShuffle(groups),
        Conv2D(24, 3, **grouped),
        GlobalAveragePooling2D(),
        Dense(classes, activation="softmax"),
    ]
