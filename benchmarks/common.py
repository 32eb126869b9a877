"""What runners and workers share: nets, their cost, data, quartiles. Imports no library we time."""

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


def load_nets() -> dict[str, Net]:
    tables = tomllib.loads((HERE / "nets.toml").read_text(encoding="utf-8"))
    return {key: net_of(key, table) for key, table in tables.items()}


def net_of(key: str, table: dict[str, Any]) -> Net:
    own = {"input": tuple(table["input"]), "layers": expanded(table["layers"])}
    return Net(key, **(table | own))


def chosen(names: str) -> list[tuple[Net, int]]:
    """(net, batch) pairs from "n1,n3:32": all batches of a net, or the one after the colon."""
    nets, pairs = load_nets(), []
    for name in names.split(","):
        key, _, batch = name.partition(":")
        if key not in nets:
            raise SystemExit(f"no net {key!r} in nets.toml; there are {', '.join(nets)}")
        pairs += [(nets[key], b) for b in ([int(batch)] if batch else nets[key].batches)]
    return pairs


def expanded(specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With conv_norm and basic_block written out: layers and residuals are left."""
    found = []
    for spec in specs:
        options = {key: value for key, value in spec.items() if key != "name"}
        match spec["name"]:
            case "conv_norm":
                found += conv_norm(**options)
            case "basic_block":
                found += basic_block(**options)
            case _:
                found.append(spec)
    return found


def conv_norm(
    filters: int,
    kernel_size: int = 3,
    strides: int = 1,
    activation: str | None = None,
    momentum: float = 0.9,
    scale: bool = True,
) -> list[dict[str, Any]]:
    conv = {"name": "conv2d", "filters": filters, "kernel_size": kernel_size, "strides": strides}
    conv |= {"padding": kernel_size // 2, "use_bias": False}
    norm = {"name": "batch_normalization", "momentum": momentum, "scale": scale}
    end = [{"name": "activation", "activation": activation}] if activation else []
    return [conv, norm, *end]


def basic_block(filters: int, strides: int = 1) -> list[dict[str, Any]]:
    main = conv_norm(filters, 3, strides, "relu") + conv_norm(filters)
    shortcut = conv_norm(filters, 1, strides) if strides > 1 else []
    block = {"name": "residual", "main": main, "shortcut": shortcut}
    return [block, {"name": "activation", "activation": "relu"}]


def random_data(net: Net, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (BATCHES * batch, H, W, C) float32 and class numbers, the same for all candidates."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((BATCHES * batch, *net.input), dtype=np.float32)
    return images, rng.integers(0, net.layers[-1]["units"], len(images))


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(median), float(high)
