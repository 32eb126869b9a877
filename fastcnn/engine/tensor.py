"""Arrays of a plan before they have memory: buffers, activations with halos, and views of them.

An activation is (blocks, channels, height, width, lanes), lanes innermost: the same pixel of
`lanes` images side by side. A halo is a border of zeros that a convolution may read; it is part of
the memory and never written, so convolutions need no padding of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fastcnn.engine.layer import Shape

NO_HALO = (0, 0, 0, 0)  # top, bottom, left, right


@dataclass(eq=False)
class Buffer:
    """A plain array of a plan, e.g. pooling indices; alive from its first step to its last."""

    shape: tuple[int, ...]
    dtype: str
    first: int = -1
    last: int = -1
    array: np.ndarray | None = None
    carried: bool = False  # only in a run of engine/carrying.py: one block has memory

    def touch(self, step: int) -> None:
        self.first = step if self.first < 0 else self.first
        self.last = step

    def memory_shape(self) -> tuple[int, ...]:
        return (self.memory_blocks, *self.shape[1:])

    @property
    def memory_blocks(self) -> int:
        return 1 if self.carried else self.shape[0]

    @property
    def keeps_zeros(self) -> bool:
        return False

    def resolve(self) -> np.ndarray:
        assert self.array is not None
        return self.array


@dataclass(eq=False)
class Tensor(Buffer):
    """An activation or its gradient.

    `activation` is what its producer applied last: whoever writes the gradient of this tensor
    multiplies it by that activation's slope (see Builder.backward_slope).
    """

    sample: Shape = ()
    halo: tuple[int, int, int, int] = NO_HALO
    flat: bool = False  # somebody reads it as (blocks, features, lanes): no halo may come
    activation: str = "linear"
    alpha: float = 0.0
    gradient: "Tensor | None" = None
    unsloped: "Tensor | None" = None  # a part of its gradient before the slope of `activation`
    needs_gradient: bool = True
    framed: bool = False  # holds a border of zeros of its own, which nobody writes
    copies: dict[str, "Tensor"] = field(default_factory=dict)

    @property
    def keeps_zeros(self) -> bool:
        return self.framed or self.halo != NO_HALO

    def memory_shape(self) -> tuple[int, ...]:
        channels, height, width, lanes = self.shape[1:]
        top, bottom, left, right = self.halo
        pixels = height + top + bottom, width + left + right
        return self.memory_blocks, channels, *pixels, lanes

    def widen(self, pads: tuple[int, ...]) -> None:
        """Make the halo at least this wide."""
        top, bottom, left, right = (max(a, b) for a, b in zip(self.halo, pads, strict=True))
        self.halo = (top, bottom, left, right)

    def resolve(self) -> np.ndarray:
        return self.window(NO_HALO)

    def window(self, pads: tuple[int, ...]) -> np.ndarray:
        """The activation with this much of its halo."""
        assert self.array is not None
        top, _, left, _ = (have - want for have, want in zip(self.halo, pads, strict=True))
        height = self.shape[2] + pads[0] + pads[1]
        width = self.shape[3] + pads[2] + pads[3]
        return self.array[:, :, top : top + height, left : left + width]


@dataclass(frozen=True)
class Padded:
    """View: a tensor together with `pads` cells of its halo."""

    tensor: Tensor
    pads: tuple[int, int, int, int]

    def resolve(self) -> np.ndarray:
        return self.tensor.window(self.pads)


@dataclass(frozen=True)
class Flat:
    """View: a tensor as (blocks, features, lanes)."""

    tensor: Tensor

    def resolve(self) -> np.ndarray:
        array = self.tensor.resolve()
        return array.reshape(array.shape[0], -1, array.shape[4])


@dataclass(frozen=True)
class View:
    """Part of a tensor, or its axes in another order: what `cut` makes of its array. Only kernels
    that take such strides may read or write it."""

    tensor: Tensor
    cut: Callable[[np.ndarray], np.ndarray]

    def resolve(self) -> np.ndarray:
        return self.cut(self.tensor.resolve())


@dataclass(eq=False)
class Alias(Tensor):
    """Another tensor's memory under a new sample shape: what Flatten and Reshape give."""

    base: Tensor | None = None

    def touch(self, step: int) -> None:
        assert self.base is not None
        self.base.touch(step)

    def window(self, pads: tuple[int, ...]) -> np.ndarray:
        assert self.base is not None and pads == NO_HALO
        return self.base.resolve().reshape(self.shape)
