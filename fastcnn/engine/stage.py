"""A stage: one layer of a plan, with what is fused into it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.layer import Layer
from fastcnn.engine.tensor import Buffer, Tensor
from fastcnn.kernels.spec import ENUMS, SLOPE_FROM_OUTPUT


@dataclass
class Stage:
    """node: the layer and its inputs; last: whose output it makes (after the fused layers)."""

    node: Node
    last: Node
    number: int  # of the node in the graph, fused or not: the key of a layer's random numbers
    activation: str = "linear"
    alpha: float = 0.0
    pool: Layer | None = None
    norm: Node | None = None  # a batch norm that is folded into the weights
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


def make_stages(graph: Graph, lanes: int, fuse: bool = True, training: bool = True) -> list[Stage]:
    """Stages in running order; with `fuse`, activations and 2x2 pools join their producer.

    Without training also batch norm, and activations whose slope can't be had from their output.
    """
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
            _absorb(readers, stage, lanes, absorbed, training)
        stages.append(stage)
    return stages


def _absorb(
    readers: dict[Node, list[Node]], stage: Stage, lanes: int, absorbed: set[Node], training: bool
) -> None:
    """Take in the norm, activation and pool that follow, in any order that the layer can fuse.

    Most activations do not fall as their input rises, so pooling before them gives the same
    maximum; and so does pooling before a batch norm that only adds and divides.
    """
    while True:
        following = readers[stage.last]
        if len(following) != 1:
            return
        layer: Any = following[0].layer
        if not training and _takes_norm(stage, layer):
            stage.norm = following[0]
        elif layer.is_activation and _takes_activation(stage, layer, training):
            stage.activation, stage.alpha = layer.function.code, layer.function.alpha
        elif _takes_pool(stage, layer, lanes):
            stage.pool = layer
        else:
            return
        stage.last = following[0]
        absorbed.add(following[0])


def _takes_activation(stage: Stage, layer: Any, training: bool) -> bool:
    fuses = stage.layer.fuses_activation and stage.activation == "linear"
    known = not training and getattr(layer.function, "code", "") in ENUMS["activation"]
    return fuses and (layer.function.fusable or known)


def _takes_norm(stage: Stage, layer: Any) -> bool:
    if layer.registered_name != "batch_normalization" or stage.norm is not None:
        return False
    first = stage.activation == "linear" and (stage.pool is None or not layer.scale)
    return stage.layer.folds_norm and first


def _takes_pool(stage: Stage, layer: Any, lanes: int) -> bool:
    rises = stage.activation in SLOPE_FROM_OUTPUT
    return stage.pool is None and rises and stage.layer.fuses_pool(layer, lanes)
