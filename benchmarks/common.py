"""What runners and workers share: nets, their cost, data, quartiles. Imports no library we time."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
BATCHES = 8  # different batches that every candidate trains on in turn


@dataclass(frozen=True)
class Net:
    """One table of nets.toml."""

    key: str
    title: str
    input: tuple[int, int, int]  # height, width, channels
    batches: list[int]
    optimizer: dict[str, Any]
    layers: list[dict[str, Any]]


@dataclass(frozen=True)
class Cost:
    """Of one image, in multiply-adds. Nominal: taps on padding count as work."""

    parameters: int
    forward: int
    training: int  # forward, gradients of weights and of inputs; the first layer's input needs none


def load_nets() -> dict[str, Net]:
    tables = tomllib.loads((HERE / "nets.toml").read_text(encoding="utf-8"))
    return {
        key: Net(key, **{**table, "input": tuple(table["input"])}) for key, table in tables.items()
    }


def chosen(names: str) -> list[tuple[Net, int]]:
    """(net, batch) pairs from "n1,n3:32": all batches of a net, or the one after the colon."""
    nets, pairs = load_nets(), []
    for name in names.split(","):
        key, _, batch = name.partition(":")
        if key not in nets:
            raise SystemExit(f"no net {key!r} in nets.toml; there are {', '.join(nets)}")
        pairs += [(nets[key], b) for b in ([int(batch)] if batch else nets[key].batches)]
    return pairs


def cost(net: Net) -> Cost:
    shape, parameters, forward, training = net.input, 0, 0, 0
    for layer in net.layers:
        shape, own, work = layer_cost(layer, shape)
        passes = 3 if forward else 2
        parameters, forward, training = parameters + own, forward + work, training + passes * work
    return Cost(parameters, forward, training)


def layer_cost(layer: dict[str, Any], shape: tuple[int, ...]) -> tuple[tuple[int, ...], int, int]:
    """(output shape (H, W, C) or (features,), parameters, forward multiply-adds) of one layer."""
    match layer["name"]:
        case "conv2d":
            k, filters = layer["kernel_size"], layer["filters"]
            lost = 0 if layer.get("padding") == "same" else k - 1
            height, width = shape[0] - lost, shape[1] - lost
            weights = filters * shape[2] * k * k
            return (height, width, filters), weights + filters, weights * height * width
        case "dense":
            weights = shape[0] * layer["units"]
            return (layer["units"],), weights + layer["units"], weights
        case "max_pooling2d" | "average_pooling2d":
            size = layer["pool_size"]
            return (shape[0] // size, shape[1] // size, shape[2]), 0, 0
        case "flatten":
            return (math.prod(shape),), 0, 0
        case "dropout":
            return shape, 0, 0
    raise ValueError(f"nets.toml: no cost is known for {layer}")


def random_data(net: Net, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (BATCHES * batch, H, W, C) float32 and class numbers, the same for all candidates."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((BATCHES * batch, *net.input), dtype=np.float32)
    return images, rng.integers(0, net.layers[-1]["units"], len(images))


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(median), float(high)
