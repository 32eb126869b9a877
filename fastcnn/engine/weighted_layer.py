"""Layers with weights: what Keras lets users choose for each weight, kept in one place."""

import inspect
import typing
from typing import Any, ClassVar, TypedDict

import numpy as np

from fastcnn.engine.activation import activation_option
from fastcnn.engine.builder import Builder
from fastcnn.engine.expected import Values
from fastcnn.engine.layer import Layer, Parameter
from fastcnn.engine.options import penalty
from fastcnn.engine.stage import Stage
from fastcnn.errors import unknown
from fastcnn.plugins.registry import constraints, make


class BiasOptions(TypedDict, total=False):
    """What every layer with a bias takes, besides options of its own."""

    use_bias: bool
    bias_initializer: Any
    bias_regularizer: Any
    bias_constraint: Any
    activity_regularizer: Any
    name: str | None


class KernelOptions(BiasOptions, total=False):
    """Options of a layer with a kernel and a bias; an initializer, regularizer or constraint is a
    name, a table {"name": ...} or an object."""

    kernel_initializer: Any
    kernel_regularizer: Any
    kernel_constraint: Any


class DepthwiseOptions(BiasOptions, total=False):
    depthwise_initializer: Any
    depthwise_regularizer: Any
    depthwise_constraint: Any


class SeparableOptions(DepthwiseOptions, total=False):
    pointwise_initializer: Any
    pointwise_regularizer: Any
    pointwise_constraint: Any


class WeightedLayer(Layer):
    """y = act(w * x + b), for some product *: a layer with weights and maybe a bias.

    A subclass names its `options`, takes them as `**options` and hands them on. `inspect.signature`
    of the subclass, and so the registry, shows them one by one.
    """

    fuses_activation = True
    output_values = Values()  # before its activation, which is a node of its own
    options: ClassVar[type] = KernelOptions
    defaults: ClassVar[dict[str, Any]] = {"use_bias": True, "bias_initializer": "zeros"}
    undecayed: ClassVar[tuple[str, ...]] = ("bias",)  # weights that no weight decay applies to
    unit_axis: ClassVar[int] = 0  # of the kernel: whose places are units
    use_bias: bool
    strides: tuple[int, ...] = (1,)

    def __init_subclass__(cls) -> None:
        """Put the options into the signature, in place of `**options`."""
        _, *own = inspect.signature(cls.__init__).parameters.values()
        if own and own[-1].kind is inspect.Parameter.VAR_KEYWORD:
            kinds = typing.get_type_hints(cls.options)
            shared = [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=default,
                    annotation=kinds[name],
                )
                for name, default in cls.option_defaults().items()
            ]
            cls.__signature__ = inspect.Signature([*own[:-1], *shared])  # type: ignore[attr-defined]

    def __init__(self, activation: Any = None, **options: Any) -> None:
        known = self.option_defaults()
        for option in options:
            if option not in known:
                raise unknown(f"option of {type(self).__name__}", option, self._option_names())
        self.activation = activation_option(activation)
        for option, default in known.items():
            setattr(self, option, options.get(option, default))

    @classmethod
    def option_defaults(cls) -> dict[str, Any]:
        def default(option: str) -> Any:
            return "glorot_uniform" if option.endswith("_initializer") else None

        names = cls.options.__annotations__
        return {name: cls.defaults.get(name, default(name)) for name in names}

    @classmethod
    def _option_names(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def weight(self, kind: str, shape: tuple[int, ...], *, fan_in: int, fan_out: int) -> Parameter:
        """A parameter with the options that begin with `kind` ("kernel", "bias", ...)."""
        constraint = getattr(self, f"{kind}_constraint")
        return Parameter(
            shape,
            getattr(self, f"{kind}_initializer"),
            fan_in,
            fan_out,
            **penalty(getattr(self, f"{kind}_regularizer")),
            decay=kind not in self.undecayed,
            constraint=None if constraint is None else make(constraints, constraint),
            unit_axis=None if kind in self.undecayed else self.unit_axis,
        )

    def bias_parameter(
        self, shape: tuple[int, ...], *, fan_in: int, fan_out: int
    ) -> dict[str, Parameter]:
        """{"bias": ...}, or nothing if the layer has none."""
        if not self.use_bias:
            return {}
        return {"bias": self.weight("bias", shape, fan_in=fan_in, fan_out=fan_out)}

    def kernel_and_bias(
        self, kernel: tuple[int, ...], bias: tuple[int, ...], *, fan_in: int, fan_out: int
    ) -> dict[str, Parameter]:
        """Parameters of these shapes."""
        fans = {"fan_in": fan_in, "fan_out": fan_out}
        return {
            "kernel": self.weight("kernel", kernel, **fans),
            **self.bias_parameter(bias, **fans),
        }

    # ---- arrays of a plan

    def bias(self, build: Builder, stage: Stage) -> np.ndarray | None:
        return build.parameter(stage, "bias") if self.use_bias else None

    def bias_gradient(self, build: Builder, stage: Stage) -> np.ndarray | None:
        return build.parameter_gradient(stage, "bias") if self.use_bias else None
