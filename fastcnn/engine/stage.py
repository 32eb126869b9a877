"""A stage: one layer of a plan, with what is fused into it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.layer import Layer
from fastcnn.engine.tensor import Buffer, Tensor


@dataclass
class Stage:
    """node: the layer and its inputs; last: whose output it makes (after the fused layers)."""

    node: Node
    last: Node
    number: int  # of the node in the graph, fused or not: the key of a layer's random numbers
    activation: str = "linear"
    alpha: float = 0.0
    pool: Layer | None = None
    xs: list[Tensor] = field(default_factory=list)
    ys: list[Tensor] = field(default_factory=list)
    saved: dict[str, Buffer] = field(default_factory=dict)
    gradients: dict[str, np.ndarray] = field(default_factory=dict)  # of parameters: see Builder

    @property
    def layer(self) -> Any:
        return self.node.layer

    @property
    def x(self) -> Tensor:
        return self.xs[0]

    @property
    def y(self) -> Tensor:
        return self.ys[0]

    @property
    def dy(self) -> Tensor:
        """Gradient of y, before the activation that y ended with."""
        assert self.y.gradient is not None
        return self.y.gradient


def make_stages(graph: Graph, lanes: int, fuse: bool = True) -> list[Stage]:
    """Stages in running order; with `fuse`, activations and 2x2 pools join their producer."""
    stages: list[Stage] = []
    absorbed: set[Node] = set()
    readers = graph.consumers() if fuse else {}
    for node in graph.outputs:
        readers[node] = []  # whoever asks for it wants it as it is
    for number, node in enumerate(graph.nodes):
        if node.layer is None or node in absorbed:
            continue
        stage = Stage(node, node, number)
        if fuse:
            _absorb(readers, stage, lanes, absorbed)
        stages.append(stage)
    return stages


def _absorb(readers: dict[Node, list[Node]], stage: Stage, lanes: int, absorbed: set[Node]) -> None:
    """Take in the activation and pool that follow, in either order, if the layer can fuse them.

    No fusable activation falls as its input rises, so pooling before it gives the same maximum.
    """
    while True:
        following = readers[stage.last]
        if len(following) != 1:
            return
        layer: Any = following[0].layer
        if layer.is_activation and _takes_activation(stage, layer):
            stage.activation, stage.alpha = layer.function.code, layer.function.alpha
        elif stage.pool is None and stage.layer.fuses_pool(layer, lanes):
            stage.pool = layer
        else:
            return
        stage.last = following[0]
        absorbed.add(following[0])


def _takes_activation(stage: Stage, layer: Any) -> bool:
    fuses = stage.layer.fuses_activation and stage.activation == "linear"
    return fuses and layer.function.fusable
