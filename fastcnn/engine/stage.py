"""A stage: one layer of a plan, with what is fused into it."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.layer import Layer
from fastcnn.engine.tensor import Buffer, Tensor
from fastcnn.kernels.spec import OPS, SLOPE_FROM_OUTPUT


@dataclass
class Stage:
    """node: the layer and its inputs; last: whose output it makes (after the fused layers)."""

    node: Node
    last: Node
    number: int  # of the node in the graph, fused or not: the key of a layer's random numbers
    activation: str = "linear"
    alpha: float = 0.0
    pool: Layer | None = None
    addend: Node | None = None  # what is added before the activation
    norm: Node | None = None  # a batch norm that is folded into the weights
    xs: list[Tensor] = field(default_factory=list)
    ys: list[Tensor] = field(default_factory=list)
    saved: dict[str, Buffer] = field(default_factory=dict)
    gradients: dict[str, np.ndarray] = field(default_factory=dict)  # of parameters: see Builder

    @property
    def layer(self) -> Any:
        return self.node.layer

    @property
    def sources(self) -> list[Node]:
        """What it reads."""
        return self.node.inputs if self.addend is None else [*self.node.inputs, self.addend]

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


def make_stages(
    graph: Graph,
    lanes: int,
    fuse: bool = True,
    frozen: Container[Layer] = (),
    training: bool = True,
    backend: str = "native",
) -> list[Stage]:
    """Stages in running order; with `fuse`, activations, sums and 2x2 pools join their producer.

    frozen: layers whose parameters stay as they are. Without training batch norm joins, too, and
    so do activations whose slope can't be had from their output.
    """
    fusion = Fusion(graph, lanes, frozen, training, backend)
    stages: list[Stage] = []
    for number, node in enumerate(graph.nodes):
        if node.layer is None or node in fusion.absorbed:
            continue
        stages.append(Stage(node, node, number))
        if fuse:
            fusion.absorb(stages[-1])
    # A stage that took in a sum runs in the place of the sum: its other addend may come later.
    place = {node: k for k, node in enumerate(graph.nodes)}
    return sorted(stages, key=lambda s: place[s.node if s.addend is None else s.last])


class Fusion:
    """Which nodes join the stage before them."""

    def __init__(
        self, graph: Graph, lanes: int, frozen: Container[Layer], training: bool, backend: str
    ) -> None:
        self.lanes, self.frozen, self.training, self.backend = lanes, frozen, training, backend
        self.absorbed: set[Node] = set()
        self._readers = graph.consumers()
        for node in graph.outputs:
            self._readers[node] = []  # whoever asks for it wants it as it is

    def absorb(self, stage: Stage) -> None:
        """Take in the norm, sum, activation and pool that follow, as far as the layer can.

        No activation whose slope follows from its output falls as its input rises, so pooling
        before it gives the same maximum; and so does pooling before a norm without a factor.
        """
        while len(self._readers[stage.last]) == 1:
            (node,) = self._readers[stage.last]
            layer: Any = node.layer
            if node in self.absorbed:
                return
            if self._takes_norm(stage, layer):
                stage.norm = node
            elif layer.is_activation and self._takes_activation(stage, layer.function):
                stage.activation, stage.alpha = layer.function.code, layer.function.alpha
            elif layer.is_sum and self._takes_sum(stage, node):
                (stage.addend,) = (source for source in node.inputs if source is not stage.last)
            elif self._takes_pool(stage, layer):
                stage.pool = layer
            else:
                return
            stage.last = node
            self.absorbed.add(node)

    def _takes_activation(self, stage: Stage, function: Any) -> bool:
        if not stage.layer.fuses_activation or stage.activation != "linear":
            return False
        if not self.training:
            return function.in_kernels
        knows_input = stage.layer.finds_slope and stage.addend is None
        if knows_input and stage.layer not in self.frozen:
            return function.in_kernels
        return function.fusable

    def _takes_sum(self, stage: Stage, node: Node) -> bool:
        """y + z, if y is needed for nothing else."""
        if not stage.layer.fuses_sum or stage.activation != "linear" or stage.addend is not None:
            return False
        return len(node.inputs) == 2 and node.inputs.count(stage.last) == 1

    def _takes_norm(self, stage: Stage, layer: Any) -> bool:
        if layer.registered_name != "batch_normalization" or stage.norm is not None:
            return False
        first = stage.activation == "linear" and (stage.pool is None or not layer.scale)
        return not self.training and stage.layer.folds_norm and first

    def _takes_pool(self, stage: Stage, layer: Any) -> bool:
        rises = stage.activation in SLOPE_FROM_OUTPUT
        made = OPS["conv2d_single_max_pool_forward"].made_by(self.backend)
        if self.lanes == 1 and (self.training or not made):  # nothing is kept for a way back
            return False
        return stage.pool is None and rises and stage.layer.fuses_pool(layer, self.lanes)
