"""Adam with weight decay."""

from typing import ClassVar

from fastcnn.plugins.optimizers.adam import Adam
from fastcnn.plugins.registry import optimizers


@optimizers.register("adamw")
class AdamW(Adam):
    """p -= lr weight_decay p on kernels, then Adam's step with the undecayed gradient.

    Adam with another default of weight_decay. (Loshchilov and Hutter 2019, as in Keras.)
    """

    defaults: ClassVar = {"weight_decay": 0.004}
