"""What a net of nets.toml costs: parameters and multiply-adds, layer by layer."""

import math
from dataclasses import dataclass
from typing import Any

from common import Net

Shape = tuple[int, ...]  # (height, width, channels) or (features,)


@dataclass
class Cost:
    """Of one image, in multiply-adds. Nominal: taps on padding count as work.

    training: forward, gradients of weights and of inputs, which the first trained layer does not
    need, and layers before it even less.
    """

    parameters: int = 0  # that are trained
    forward: int = 0
    training: int = 0

    def add(self, weights: int, work: int, trainable: bool) -> None:
        passes = 1 if not trainable else 3 if self.training > self.forward else 2
        self.parameters += weights if trainable else 0
        self.forward += work
        self.training += passes * work


def cost(net: Net) -> Cost:
    total = Cost()
    walk(net.layers, net.input, total)
    return total


def walk(layers: list[dict[str, Any]], shape: Shape, total: Cost) -> Shape:
    for layer in layers:
        shape = step(layer, shape, total)
    return shape


def step(layer: dict[str, Any], shape: Shape, total: Cost) -> Shape:
    """The output shape of one layer, whose cost is added to the total."""
    match layer["name"]:
        case "conv2d":
            height, width = windows(layer, layer["kernel_size"], layer.get("strides", 1), shape)
            filters = layer["filters"]
            weights = filters * shape[2] * layer["kernel_size"] ** 2
            bias = filters if layer.get("use_bias", True) else 0
            work = weights * height * width
            total.add(weights + bias, work, layer.get("trainable", True))
            return height, width, filters
        case "dense":
            weights = shape[0] * layer["units"]
            bias = layer["units"] if layer.get("use_bias", True) else 0
            total.add(weights + bias, weights, True)
            return (layer["units"],)
        case "max_pooling2d" | "average_pooling2d":
            size = layer["pool_size"]
            return *windows(layer, size, layer.get("strides", size), shape), shape[2]
        case "batch_normalization":
            total.add((2 if layer.get("scale", True) else 1) * shape[-1], 0, True)
            return shape
        case "residual":
            walk(layer["shortcut"], shape, total)
            return walk(layer["main"], shape, total)
        case "flatten":
            return (math.prod(shape),)
        case "global_average_pooling2d":
            return (shape[2],)
        case "dropout" | "activation":
            return shape
    raise ValueError(f"nets.toml: no cost is known for {layer}")


def windows(layer: dict[str, Any], size: int, stride: int, shape: Shape) -> tuple[int, int]:
    """How many windows fit in a column and in a row."""
    padding = layer.get("padding", "valid")
    if padding == "same":
        return -(-shape[0] // stride), -(-shape[1] // stride)
    around = 0 if padding == "valid" else 2 * padding
    return (shape[0] + around - size) // stride + 1, (shape[1] + around - size) // stride + 1
