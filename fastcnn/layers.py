"""Public face: every built-in layer."""

from fastcnn.plugins.layers.activation import Activation
from fastcnn.plugins.layers.activity_regularization import ActivityRegularization
from fastcnn.plugins.layers.add import Add
from fastcnn.plugins.layers.alpha_dropout import AlphaDropout
from fastcnn.plugins.layers.average import Average
from fastcnn.plugins.layers.average_pooling1d import AveragePooling1D
from fastcnn.plugins.layers.average_pooling2d import AveragePooling2D
from fastcnn.plugins.layers.batch_normalization import BatchNormalization
from fastcnn.plugins.layers.channel_padding import ChannelPadding
from fastcnn.plugins.layers.concatenate import Concatenate
from fastcnn.plugins.layers.conv1d import Conv1D
from fastcnn.plugins.layers.conv2d import Conv2D
from fastcnn.plugins.layers.conv2d_transpose import Conv2DTranspose
from fastcnn.plugins.layers.cropping2d import Cropping2D
from fastcnn.plugins.layers.dense import Dense
from fastcnn.plugins.layers.depthwise_conv2d import DepthwiseConv2D
from fastcnn.plugins.layers.dropout import Dropout
from fastcnn.plugins.layers.elu import ELU
from fastcnn.plugins.layers.flatten import Flatten
from fastcnn.plugins.layers.gaussian_dropout import GaussianDropout
from fastcnn.plugins.layers.gaussian_noise import GaussianNoise
from fastcnn.plugins.layers.global_average_pooling1d import GlobalAveragePooling1D
from fastcnn.plugins.layers.global_average_pooling2d import GlobalAveragePooling2D
from fastcnn.plugins.layers.global_max_pooling1d import GlobalMaxPooling1D
from fastcnn.plugins.layers.global_max_pooling2d import GlobalMaxPooling2D
from fastcnn.plugins.layers.group_normalization import GroupNormalization
from fastcnn.plugins.layers.layer_normalization import LayerNormalization
from fastcnn.plugins.layers.leaky_relu import LeakyReLU
from fastcnn.plugins.layers.local_response_normalization import LocalResponseNormalization
from fastcnn.plugins.layers.locally_connected2d import LocallyConnected2D
from fastcnn.plugins.layers.log_softmax import LogSoftmax
from fastcnn.plugins.layers.max_pooling1d import MaxPooling1D
from fastcnn.plugins.layers.max_pooling2d import MaxPooling2D
from fastcnn.plugins.layers.maximum import Maximum
from fastcnn.plugins.layers.maxout import Maxout
from fastcnn.plugins.layers.multiply import Multiply
from fastcnn.plugins.layers.normalization import Normalization
from fastcnn.plugins.layers.patch_whitening import PatchWhitening
from fastcnn.plugins.layers.permute import Permute
from fastcnn.plugins.layers.prelu import PReLU
from fastcnn.plugins.layers.relu import ReLU
from fastcnn.plugins.layers.rescaling import Rescaling
from fastcnn.plugins.layers.reshape import Reshape
from fastcnn.plugins.layers.separable_conv2d import SeparableConv2D
from fastcnn.plugins.layers.softmax import Softmax
from fastcnn.plugins.layers.spatial_dropout2d import SpatialDropout2D
from fastcnn.plugins.layers.up_sampling2d import UpSampling2D
from fastcnn.plugins.layers.zca_whitening import ZCAWhitening
from fastcnn.plugins.layers.zero_padding2d import ZeroPadding2D

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "ChannelPadding",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "LayerNormalization",
    "LeakyReLU",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "LogSoftmax",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Maxout",
    "Multiply",
    "Normalization",
    "PReLU",
    "PatchWhitening",
    "Permute",
    "ReLU",
    "Rescaling",
    "Reshape",
    "SeparableConv2D",
    "Softmax",
    "SpatialDropout2D",
    "UpSampling2D",
    "ZCAWhitening",
    "ZeroPadding2D",
]
