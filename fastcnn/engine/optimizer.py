"""What an optimizer is: one fused kernel over all parameters, its state arrays and its numbers."""

import inspect
import math
from collections.abc import Callable
from copy import copy
from fnmatch import fnmatchcase
from typing import Any, ClassVar, TypedDict, Unpack, get_type_hints
from weakref import ref

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.clipping import LIMITS, clip, limit_options
from fastcnn.engine.constraint import constrain
from fastcnn.engine.memory import aligned_zeros
from fastcnn.engine.options import number
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.schedule import Schedule, learning_rate_option, rate_at
from fastcnn.errors import OptionError, unknown, warn

Rate = float | str | dict | Schedule  # what `learning_rate` takes


class Common(TypedDict, total=False):
    """Options that every optimizer takes besides its own."""

    weight_decay: float
    clipvalue: float | None
    clipnorm: float | None
    global_clipnorm: float | None
    learning_rate_factors: dict[str, float] | None
    weight_decay_factors: dict[str, float] | None


DEFAULTS: dict[str, Any] = {name: None for name in Common.__annotations__} | {"weight_decay": 0.0}


class Optimizer:
    """Base of all optimizers. Subclasses store options, name their kernel and its state arrays.

    The rules in subclasses are for one parameter p with gradient g, which includes the slope of
    the penalties (l1 sign(p) + 2 l2 p). A subclass takes the options below as `**common` and hands
    them on; `inspect.signature`, and so the registry, shows them one by one.

    learning_rate: a positive number, or a schedule (object, name or {"name": ..., option: ...}).
    weight_decay: decoupled (Loshchilov and Hutter 2019): p -= lr weight_decay p before the update,
        on kernels only.
    clipvalue, clipnorm, global_clipnorm: at most one of them, as in Keras: every number of g is
        clipped to [-c, c], or g is scaled down to the norm c, that of each parameter array or that
        of all of them together.
    learning_rate_factors, weight_decay_factors: {pattern of parameter names: factor} for parameters
        that learn or decay faster or slower, e.g. {"conv2d/*": 0.1, "*/bias": 2}. The first pattern
        that fits counts. (Caffe's lr_mult and decay_mult.)
    """

    registered_name: str = ""
    kernel: str
    slot_names: tuple[str, ...]
    defaults: ClassVar[dict[str, Any]] = {}  # of common options, where a subclass has others

    def __init_subclass__(cls) -> None:
        """Put the common options into the signature, in place of `**common`."""
        _, *own = inspect.signature(cls.__init__).parameters.values()
        if own and own[-1].kind is inspect.Parameter.VAR_KEYWORD:
            kinds = get_type_hints(Common)
            common = [
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=default,
                    annotation=kinds[name],
                )
                for name, default in (DEFAULTS | cls.defaults).items()
            ]
            cls.__signature__ = inspect.Signature([*own[:-1], *common])  # type: ignore[attr-defined]

    def __init__(self, learning_rate: Rate, **common: Unpack[Common]) -> None:
        for name in common:
            if name not in DEFAULTS:
                known = inspect.signature(type(self)).parameters
                raise unknown(f"option of {type(self).__name__}", name, known)
        options: dict[str, Any] = DEFAULTS | self.defaults | common  # type: ignore[operator]
        self.learning_rate = learning_rate
        self.weight_decay = number("weight_decay", options["weight_decay"], zero=True)
        for name, limit in limit_options(options).items():
            setattr(self, name, limit)
        self.learning_rate_factors = _factors("learning_rate_factors", options)
        self.weight_decay_factors = _factors("weight_decay_factors", options)
        self.iterations = 0
        self.learning_rate_scale = 1.0  # the product of what callbacks ask for
        self.total_steps: int | None = None  # of the training, for schedules that fit it
        self.first_step = 0  # iterations before that training
        self.slots: dict[str, np.ndarray] = {}
        self._model: ref[Any] | None = None  # that was compiled with it
        self._hyper = np.zeros(0)  # bound by every plan, so it is only ever filled anew

    @property
    def learning_rate(self) -> float | Schedule:
        """As given. A number may be set at any time; it counts from the next step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self._learning_rate = learning_rate_option("learning_rate", value)

    @property
    def rate(self) -> float:
        """The learning rate of the next step: learning_rate_scale times number or schedule."""
        step = self.iterations - (self.first_step if self._fits_training else 0)
        rate = self.learning_rate_scale * rate_at(self.learning_rate, step, self.total_steps)
        if not 0 <= rate < math.inf:
            raise OptionError(f"the learning rate of step {self.iterations} is {rate}")
        return float(rate)

    def hyper(self, iteration: int, rate: float) -> list[float]:
        """The kernel's numbers that change with the iteration, from 1, in its spec row's order.

        rate: the learning rate of this iteration, always the first of them.
        """
        return [rate]

    def options(self) -> dict[str, float]:
        """The kernel's parameters that stay the same in every step."""
        return {}

    def initial(self, slot: str) -> float:
        """What a state array is filled with at the beginning."""
        return 0.0

    def reset(self, store: ParameterStore) -> None:
        """Fresh state for the parameters of this store. Raises if a pattern fits none of them."""
        self.penalties(store)
        self.iterations = self.first_step = 0
        self.total_steps = None
        self.slots = {
            name: aligned_zeros(store.values.size, store.dtype) for name in self.slot_names
        }
        for name, array in self.slots.items():
            array[...] = self.initial(name)
        self._hyper = np.array(self.hyper(1, 0.0), np.float64)

    def given_to(self, model: Any) -> "Optimizer":
        """Itself, or a copy if another model, which is still there, trains with it."""
        before = None if self._model is None else self._model()
        shared = before is not None and before is not model and before.optimizer is self
        given = copy(self) if shared else self
        given._model = ref(model)
        return given

    def __getstate__(self) -> dict[str, Any]:
        """Whose it is does not go into a copy or a pickle."""
        return {**vars(self), "_model": None}

    @property
    def _fits_training(self) -> bool:
        return isinstance(self.learning_rate, Schedule) and self.learning_rate.fits_training

    def begin_training(
        self, steps: int | None, steps_per_epoch: int | None, goes_on: bool = False
    ) -> None:
        """Training of so many steps (None: nobody knows) begins, or goes on.

        A schedule that fits the training begins with it. If training goes on, its first length
        stays, so that training on for longer does not bend the schedule.
        """
        if not goes_on or not self.total_steps:  # a `fit` of no epochs only builds the model
            self.first_step, self.total_steps = self.iterations, steps
        if not self._fits_training or steps is None or self.total_steps is None:
            return
        end = self.iterations - self.first_step + steps
        if end > self.total_steps:
            last = rate_at(self.learning_rate, self.total_steps, self.total_steps)
            warn(
                f"the learning rate's schedule ends after {self.total_steps} steps, training after "
                f"{end}: the steps between have the rate {last:g}"
            )

    def check_endless(self) -> None:
        """Before a step by itself: a schedule must not ask for the length of the training."""
        if self._fits_training:
            raise OptionError(
                "train_on_batch can't tell how long training will be: give the schedule its number "
                "of steps"
            )

    def penalties(self, store: ParameterStore) -> np.ndarray:
        """(parameters, 4): l1, l2, weight decay and learning-rate factor of each parameter."""
        table = store.penalties()
        table[:, 2] *= self.weight_decay * _matches(store, self.weight_decay_factors)
        table[:, 3] *= _matches(store, self.learning_rate_factors)
        return table

    def prepare(self, build: Builder) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Append what runs before the update; the penalties left to it, and more arrays for it."""
        limits = {name: getattr(self, name) for name in LIMITS}
        return clip(build, self.penalties(build.store), limits), {}

    def emit(self, build: Builder) -> None:
        """Append the update of all parameters, and their constraints."""
        store = build.store
        penalties, more = self.prepare(build)
        build.step(
            self.kernel,
            self.options(),
            p=store.values,
            g=store.gradients,
            bounds=store.bounds,
            penalties=penalties,
            hyper=self._hyper,
            **self.slots,
            **more,
        )
        constrain(build)

    def begin_step(self) -> None:
        """Count the iteration and hand its numbers to the kernel."""
        rate = self.rate
        self.iterations += 1
        self._hyper[...] = self.hyper(self.iterations, rate)

    def step(self, run: Callable[[], object], loss: Callable[[], float]) -> None:
        """One update of all parameters.

        run: runs the plan, whose last steps are those that `emit` appended; loss: the mean loss of
        that run, without regularizers. Optimizers that evaluate more than once call both again.
        """
        self.begin_step()
        run()


def _factors(name: str, options: dict[str, Any]) -> dict[str, float] | None:
    table = options[name]
    if table is None:
        return None
    if not isinstance(table, dict):
        raise OptionError(f"{name} must be a table {{pattern: factor}}, not {table!r}")
    return {
        str(pattern): number(f"{name}[{pattern!r}]", factor, zero=True)
        for pattern, factor in table.items()
    }


def _matches(store: ParameterStore, factors: dict[str, float] | None) -> np.ndarray:
    """The factor of each trainable parameter; 1 where no pattern fits."""
    factors = factors or {}
    for pattern in factors:
        if not any(fnmatchcase(key, pattern) for key in store.trainable):
            raise unknown("parameter", pattern, store.trainable)
    first = [next((p for p in factors if fnmatchcase(key, p)), None) for key in store.trainable]
    return np.array([1.0 if p is None else factors[p] for p in first])
