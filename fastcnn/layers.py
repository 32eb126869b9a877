"""Public face: every built-in layer."""

from fastcnn.plugins.layers.activation import Activation
from fastcnn.plugins.layers.add import Add
from fastcnn.plugins.layers.average_pooling2d import AveragePooling2D
from fastcnn.plugins.layers.batch_normalization import BatchNormalization
from fastcnn.plugins.layers.conv2d import Conv2D
from fastcnn.plugins.layers.dense import Dense
from fastcnn.plugins.layers.dropout import Dropout
from fastcnn.plugins.layers.elu import ELU
from fastcnn.plugins.layers.flatten import Flatten
from fastcnn.plugins.layers.global_average_pooling2d import GlobalAveragePooling2D
from fastcnn.plugins.layers.global_max_pooling2d import GlobalMaxPooling2D
from fastcnn.plugins.layers.leaky_relu import LeakyReLU
from fastcnn.plugins.layers.log_softmax import LogSoftmax
from fastcnn.plugins.layers.max_pooling2d import MaxPooling2D
from fastcnn.plugins.layers.normalization import Normalization
from fastcnn.plugins.layers.relu import ReLU
from fastcnn.plugins.layers.reshape import Reshape
from fastcnn.plugins.layers.softmax import Softmax
from fastcnn.plugins.layers.zca_whitening import ZCAWhitening

__all__ = [
    "ELU",
    "Activation",
    "Add",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "LeakyReLU",
    "LogSoftmax",
    "MaxPooling2D",
    "Normalization",
    "ReLU",
    "Reshape",
    "Softmax",
    "ZCAWhitening",
]
