"""How a convolution is computed: for each direction the first of `ALGORITHMS` that accepts it.

Those that round to bf16 accept nothing unless the model asks for it.

Chosen when the plan is compiled, from shapes alone: not from the number of threads, so that bits do
not depend on it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastcnn.engine.winograd import VECTOR, Product
from fastcnn.kernels.spec import OPS

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.convolution import Convolution

Arrays = dict[str, Any]
Params = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One direction of a convolution in a plan.

    direction: forward, backward_input, backward_weight, or max_pool_backward_weight, where the
        gradient is there before and after unpooling.
    channels: of a group.
    """

    build: "Builder"
    conv: "Convolution"
    direction: str
    channels: int
    filters: int


class Algorithm(ABC):
    """Appends the kernels of one direction. arrays: as in the rows of the direct kernels; those of
    a convolution that is followed by a 2x2 max pool have an index."""

    adds = False  # its input gradient can take in one from elsewhere, z

    @abstractmethod
    def accepts(self, task: Task) -> bool:
        """Whether it can do this and pays."""

    @abstractmethod
    def emit(self, task: Task, arrays: Arrays, act: Params) -> None:
        """act: parameters of the activation."""


def kernel_name(family: str, direction: str, arrays: Arrays) -> str:
    return f"{family}{'_max_pool' if 'index' in arrays else ''}_{direction}"


class Direct(Algorithm):
    """Every tap a multiplication: csrc/conv2d_impl.h. Reads borders of zeros from memory."""

    def accepts(self, task: Task) -> bool:
        return True

    def emit(self, task: Task, arrays: Arrays, act: Params) -> None:
        conv, back = task.conv, task.direction == "backward_input"
        read, params = ("dy", conv.backward_params) if back else ("x", conv.forward_params)
        border = conv.halo if back else conv.pads
        arrays = {**arrays, read: task.build.padded(arrays[read], border)}
        name = kernel_name(self.family(arrays), task.direction, arrays)
        task.build.step(name, {**params, **act}, **arrays)

    def family(self, arrays: Arrays) -> str:
        """Of kernels."""
        return "conv2d"


class DirectBf16(Direct):
    """The same with factors rounded to bf16: csrc/conv2d_bf16_impl.h."""

    # In multiply-adds for each output pixel: what rounding a number takes that goes into the sums,
    # and what each of the outputs takes beside its sums; and how many times fewer there must be
    # than in float32. Fitted to benchmarks/convolutions.py on Zen 5.
    ROUNDING, OUTPUT = 4, 10
    LEAST_GAIN = 1.25

    def accepts(self, task: Task) -> bool:
        build, conv = task.build, task.conv
        fits = build.lanes == 16 and conv.groups == 1 and not task.direction.startswith("max_pool")
        if build.precision != "bf16" or not fits:
            return False
        channels, filters = task.channels, task.filters
        if task.direction == "backward_input":
            channels, filters = filters, channels
        depth = channels * conv.area
        rounded = depth * filters / 2 + self.ROUNDING * depth + self.OUTPUT * filters
        return depth * filters / rounded > self.LEAST_GAIN

    def family(self, arrays: Arrays) -> str:
        return "conv2d" if "index" in arrays else "conv2d_bf16"  # pooled at once, which saves more


class Winograd(Algorithm):
    """Fewer multiplications, and transforms: csrc/winograd_impl.h, engine/winograd.py.

    Tiles that reach beyond the image are completed with zeros: no halo is needed."""

    FAMILY = "winograd"  # of kernels
    adds = True
    LEAST_GAIN = 1.4  # that many times more multiply-adds direct convolution must need
    LEAST_POOLED_GAIN = 2.0  # direct convolution skips zeros of unpooled gradients

    def accepts(self, task: Task) -> bool:
        made = OPS["winograd_forward"].made_by(task.build.backend)
        fits = task.conv.is_plain and task.conv.kernel in ((3, 3), (5, 5))
        if not (task.build.winograd and made and fits and self._takes_lanes(task)):
            return False
        pooled = task.direction.startswith("max_pool")
        return self._product(task).gain() > (self.LEAST_POOLED_GAIN if pooled else self.LEAST_GAIN)

    def _takes_lanes(self, task: Task) -> bool:
        """Blocks of 16 images, or single ones in predictions."""
        build = task.build
        single = build.lanes == 1 and not build.training and task.direction == "forward"
        return build.lanes == VECTOR or single

    def _product(self, task: Task) -> Product:
        build, conv = task.build, task.conv
        return Product(
            direction=task.direction,
            blocks=build.blocks,
            size=conv.size if task.direction == "backward_input" else conv.output,
            kernel=conv.kernel[0],
            channels=task.channels,
            filters=task.filters,
            lanes=build.lanes,
            training=build.training,
        )

    def emit(self, task: Task, arrays: Arrays, act: Params) -> None:
        pads = {"pad_top": task.conv.pads[0], "pad_left": task.conv.pads[2]}
        if task.direction == "backward_weight":
            self._emit_weight(task, {"kernel": task.conv.kernel[0], **pads}, **arrays)
        else:
            params = {"side": self._product(task).side(), **pads, **act}
            task.build.step(kernel_name(self.FAMILY, task.direction, arrays), params, **arrays)

    def _emit_weight(
        self, task: Task, params: Params, x: Any, dy: Any, dw: np.ndarray, db: Any
    ) -> None:
        build, product = task.build, self._product(task)
        if build.all_unwanted([dw, db]):
            return
        made: Arrays = {
            name: build.buffer(shape) for name, shape in product.sums(product.side()).items()
        }
        if db is None:
            made["bias_sums"] = None
        build.step(f"{self.FAMILY}_backward_weight", params, x=x, dy=dy, **made)
        build.step("winograd_weight_gradient", **made, dw=dw, db=db)


class WinogradBf16(Winograd):
    """The same with transformed tiles and weights rounded to bf16."""

    FAMILY = "winograd_bf16"

    def accepts(self, task: Task) -> bool:
        build = task.build
        return build.precision == "bf16" and build.lanes == VECTOR and super().accepts(task)


ALGORITHMS: tuple[Algorithm, ...] = (WinogradBf16(), Winograd(), DirectBf16(), Direct())


def choose(task: Task) -> Algorithm:
    return next(algorithm for algorithm in ALGORITHMS if algorithm.accepts(task))
