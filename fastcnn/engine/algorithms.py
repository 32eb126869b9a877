"""How a convolution is computed: for each direction the first of `ALGORITHMS` that accepts it.

Those that round to bf16 accept nothing unless the model asks for it.

Chosen when the plan is compiled, from shapes alone: not from the number of threads, so that bits do
not depend on it.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from fastcnn.engine.winograd import VECTOR, Product
from fastcnn.kernels.spec import OPS

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.convolution import Convolution

Arrays = dict[str, Any]
Params = dict[str, Any]


class Algorithm(ABC):
    """Appends the kernels of one direction. arrays: as in the rows of the direct kernels; those of
    a convolution that is followed by a 2x2 max pool have an index."""

    adds = False  # its input gradient can take in one from elsewhere, z

    @abstractmethod
    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        """Whether it can do this and pays. direction: forward, backward_input, backward_weight, or
        max_pool_backward_weight, where the gradient is there before and after unpooling."""

    @abstractmethod
    def emit(
        self, build: "Builder", conv: "Convolution", direction: str, arrays: Arrays, act: Params
    ) -> None:
        """act: parameters of the activation."""


def kernel_name(family: str, direction: str, arrays: Arrays) -> str:
    return f"{family}{'_max_pool' if 'index' in arrays else ''}_{direction}"


class Direct(Algorithm):
    """Every tap a multiplication: csrc/conv2d_impl.h. Reads borders of zeros from memory."""

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        return True

    def emit(
        self, build: "Builder", conv: "Convolution", direction: str, arrays: Arrays, act: Params
    ) -> None:
        back = direction == "backward_input"
        read, params = ("dy", conv.backward_params) if back else ("x", conv.forward_params)
        border = conv.halo if back else conv.pads
        arrays = {**arrays, read: build.padded(arrays[read], border)}
        name = kernel_name(self.family(arrays), direction, arrays)
        build.step(name, {**params, **act}, **arrays)

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

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        fits = build.lanes == 16 and conv.groups == 1 and not direction.startswith("max_pool")
        if build.precision != "bf16" or not fits:
            return False
        if direction == "backward_input":
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

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        made = OPS["winograd_forward"].made_by(build.backend)
        fits = conv.is_plain and conv.kernel in ((3, 3), (5, 5))
        if not (build.winograd and made and fits and self._takes_lanes(build, direction)):
            return False
        pooled = direction.startswith("max_pool")
        gain = self._product(build, conv, direction, channels, filters).gain()
        return gain > (self.LEAST_POOLED_GAIN if pooled else self.LEAST_GAIN)

    def _takes_lanes(self, build: "Builder", direction: str) -> bool:
        """Blocks of 16 images, or single ones in predictions."""
        single = build.lanes == 1 and not build.training and direction == "forward"
        return build.lanes == VECTOR or single

    def _product(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> Product:
        size = conv.size if direction == "backward_input" else conv.output
        shape = direction, build.blocks, size, conv.kernel[0], channels, filters
        return Product(*shape, build.lanes, build.training)

    def emit(
        self, build: "Builder", conv: "Convolution", direction: str, arrays: Arrays, act: Params
    ) -> None:
        pads = {"pad_top": conv.pads[0], "pad_left": conv.pads[2]}
        filters, channels = arrays["dw" if direction == "backward_weight" else "w"].shape[:2]
        product = self._product(build, conv, direction, channels, filters)
        if direction == "backward_weight":
            self._emit_weight(build, product, {"kernel": conv.kernel[0], **pads}, **arrays)
        else:
            params = {"side": product.side(), **pads, **act}
            build.step(kernel_name(self.FAMILY, direction, arrays), params, **arrays)

    def _emit_weight(
        self,
        build: "Builder",
        product: Product,
        params: Params,
        x: Any,
        dy: Any,
        dw: np.ndarray,
        db: Any,
    ) -> None:
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

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        fits = super().accepts(build, conv, direction, channels, filters)
        return build.precision == "bf16" and build.lanes == VECTOR and fits


ALGORITHMS: tuple[Algorithm, ...] = (WinogradBf16(), Winograd(), DirectBf16(), Direct())


def choose(
    build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
) -> Algorithm:
    return next(a for a in ALGORITHMS if a.accepts(build, conv, direction, channels, filters))
