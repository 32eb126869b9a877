"""The layers that read an input of a model, and what they remember of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from fastcnn.engine.layer import Layer
from fastcnn.engine.preprocessing import Preprocessing, together
from fastcnn.errors import DataError, OptionError

if TYPE_CHECKING:
    from fastcnn.engine.graph import Graph, Node


@dataclass(frozen=True)
class Reader:
    """A layer that reads an input, as the `place`th of its own inputs (0 unless it merges).

    channels: of what it reads; None before the model has a shape.
    """

    layer: Layer
    place: int = 0
    channels: int | None = None

    @property
    def preprocessing(self) -> Preprocessing | None:
        held = self.layer.preprocessing
        return held[self.place] if self.place < len(held) else None

    def remember(self, pixels: Preprocessing | None) -> None:
        """Unless its channels are others than the input's, and each has a scale of its own."""
        if pixels and self.channels and len(pixels.scale) not in (1, self.channels):
            return
        held = list(self.layer.preprocessing)
        held += [None] * (self.place + 1 - len(held))
        held[self.place] = pixels
        self.layer.preprocessing = tuple(held)


def readers_of(graph: "Graph", source: "Node") -> list[Reader]:
    """Of a node: also those that read it through layers that leave its scale as it is.

    So a model goes on knowing what its numbers mean where a border is put around its images, or
    the layer that did so is left out.
    """
    return list(dict.fromkeys(_walk(graph.consumers(), source)))


def _walk(consumers: "dict[Node, list[Node]]", source: "Node") -> Iterator[Reader]:
    for node in consumers[source]:
        layer = node.layer
        assert layer is not None
        if not layer.is_hidden:
            for place, read in enumerate(node.inputs):
                if read is source:
                    yield Reader(layer, place, source.shape[0])
        if layer.keeps_values or layer.keeps_scale:
            yield from _walk(consumers, node)


def agreed(
    readers: Sequence[Sequence[Reader]],
    found: Sequence[Preprocessing],
    images: Sequence[np.ndarray],
    names: Sequence[str],
) -> list[Preprocessing]:
    """What each input means; one thing for those that the same layer reads in the same place."""
    made = list(found)
    for reader in dict.fromkeys(chain.from_iterable(readers)):
        shared = [k for k, layers in enumerate(readers) if reader in layers]
        if len(shared) > 1:
            one = together([made[k] for k in shared], [images[k] for k in shared])
            if one is None:
                titles = (f"{names[k]!r}: {made[k].describe()}" for k in shared)
                raise DataError(
                    "inputs that the same layer reads are on different scales "
                    f"({'; '.join(titles)}): bring them to one"
                )
            for k in shared:
                made[k] = one
    return made


def check_inner(graph: "Graph", readers: Sequence[Sequence[Reader]]) -> None:
    """Values scaled by channel are made where an input is read, not between layers."""
    outer = {reader.layer for reader in chain.from_iterable(readers)}
    for node in graph.nodes:
        held = node.layer.preprocessing if node.layer and node.layer not in outer else ()
        if not all(pixels is None or pixels.is_plain for pixels in held):
            raise OptionError(
                f"layer {node.name!r} was trained on pixels scaled by channel, but reads "
                f"{node.inputs[0].name!r} here, not an input: let it read the input, and do what "
                "comes before to the data"
            )
