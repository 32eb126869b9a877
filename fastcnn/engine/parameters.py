"""The parameters of a model: which layers' arrays they are, and where they lie.

The arrays belong to the layers (`Layer.variables`), so that models which share a layer share them.
Those that a model trains lie in one flat array, so that its optimizer is one pass over memory; they
are moved there when the model is compiled, and `moves` tells plans, which have bound pointers, that
they are outdated. They can lie in one place only. If two models train the same layer, its arrays
move once, from the first one to the second; then they stay, and the first one trains a copy in its
own flat array: fetched before a step, put back after it (`ParameterStore.working`). So no plan is
compiled again when two models are trained in turns.

Plans that only predict keep packed copies of parameters. Whatever may write into a parameter says
so (`ParameterStore.changed`): training steps, `load`, and each time an array is handed out.
"""

import math
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from weakref import ref

import numpy as np

from fastcnn import rng
from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.layer import Layer, Parameter
from fastcnn.engine.memory import aligned_zeros
from fastcnn.errors import FastcnnError, ModelFileError, OptionError, told, unknown
from fastcnn.kernels.room import check_room
from fastcnn.plugins.registry import initializers, make

ALIGN = 16  # floats: every parameter begins on a cache line
_numbers = count(1)


@dataclass(eq=False)
class Variable:
    """A parameter array of a layer."""

    value: np.ndarray
    home: "ref[ParameterStore] | None" = None  # in whose flat array it lies
    moves: int = 0
    taken: bool = False  # from one model by another; then it stays

    @property
    def owner(self) -> "ParameterStore | None":
        """The store it lies in, as long as its model is there."""
        return None if self.home is None else self.home()

    def may_move(self) -> bool:
        owner = self.owner
        return owner is None or not (self.taken or owner.in_training)


class ParameterStore:
    """Parameters by name ("conv2d/kernel").

    trainable: what the optimizer changes, in `values` and `gradients`, one flat array each;
    `bounds`: where each parameter begins. The others (frozen layers, moving averages) lie anywhere.
    frozen: layers whose parameters stay as they are; it is settled here, once.
    """

    changes = 0  # another number whenever any parameter of any store may have changed
    claims = 0  # another one whenever any parameter of any store moves

    @staticmethod
    def changed() -> None:
        """Say that parameters were written; who keeps copies makes them anew.

        For all stores at once, because layers, and so parameters, may be shared.
        """
        ParameterStore.changes = next(_numbers)

    def __init__(
        self,
        graph: Graph,
        seed: int,
        dtype: str = "float32",
        values: dict[str, np.ndarray] | None = None,
        frozen: Set[Layer] | None = None,
    ) -> None:
        """values: of all parameters, instead of what the initializers give.

        frozen: layers that stay as they are; by default what `Layer.trainable` says now.
        """
        self.dtype = np.dtype(dtype)
        owners = [node for node in graph.nodes if node.owner == node.name and node.layer]
        self._owners = owners
        self.specs: dict[str, Parameter] = {
            node.key(name): p for node in owners for name, p in node.parameters.items()
        }
        if values is not None:
            self.check(values)  # before memory is taken: a model file may ask for anything
        self._borrowed: set[str] = set()  # trained here, though they lie with another model
        self._at_work = False  # then the copies of these are what counts
        numbers = sum(math.prod(p.shape) for p in self.specs.values())
        check_room(numbers * self.dtype.itemsize, f"{numbers:,} parameters")
        self._streams = {key: stream for stream, key in enumerate(self.specs)}
        self._variables: dict[str, Variable] = {}
        for node in owners:
            self._take(node, seed if values is None else None)
        if values is not None:
            self.load(values)
        self.frozen = self._all_frozen(frozen)
        self.trainable = [
            node.key(name)
            for node in owners
            for name, p in node.parameters.items()
            if p.trainable and node.layer not in self.frozen
        ]
        sizes = [-(-int(np.prod(self.specs[k].shape)) // ALIGN) * ALIGN for k in self.trainable]
        self.bounds = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
        self._starts = dict(zip(self.trainable, self.bounds.tolist(), strict=False))
        self.in_training = False  # then nobody else may move its parameters
        self._values = self._gradients = np.zeros(0, self.dtype)
        self._moves = (-1, 0)  # ParameterStore.claims, and `moves` at that time

    def _all_frozen(self, frozen: Set[Layer] | None) -> set[Layer]:
        layers = {node.layer for node in self._owners if node.layer}
        return (
            {layer for layer in layers if not layer.trainable}
            if frozen is None
            else (layers & frozen)
        )

    def is_frozen_as(self, frozen: Set[Layer]) -> bool:
        """Whether a new store with these layers frozen would train the same parameters."""
        return self.frozen == self._all_frozen(frozen)

    def frozen_names(self) -> list[str]:
        return [node.name for node in self._owners if node.layer in self.frozen]

    def layers_of(self, names: list[str]) -> set[Layer]:
        """The layers that are called so."""
        known = {node.name: node.layer for node in self._owners if node.layer}
        for name in names:
            if name not in known:
                raise unknown("layer", name, known)
        return {known[name] for name in names}

    def _take(self, node: Node, seed: int | None) -> None:
        """The variables of a layer; those of a new layer are made."""
        assert node.layer is not None
        shared = node.layer.variables
        if shared is None:
            shared = {name: self._new(node.key(name), seed) for name in node.parameters}
            node.layer.variables = shared
        for name, p in node.parameters.items():
            array = shared[name].value
            if array.shape != tuple(p.shape) or array.dtype != self.dtype:
                raise OptionError(
                    f"layer {node.name!r} belongs to another model already, where its {name} is "
                    f"{array.dtype} {array.shape}; here it would be {self.dtype} {p.shape}: "
                    "make a new layer"
                )
            self._variables[node.key(name)] = shared[name]

    def _new(self, key: str, seed: int | None) -> Variable:
        """Zeros without a seed. The numbers of an initializer depend on the place alone."""
        p = self.specs[key]
        array = aligned_zeros(int(np.prod(p.shape)), self.dtype).reshape(p.shape)
        if seed is not None:
            generator = rng.generator(seed, self._streams[key])
            self._fill(array, key, p, generator)
        return Variable(array)

    @staticmethod
    def _fill(array: np.ndarray, key: str, p: Parameter, generator: np.random.Generator) -> None:
        initializer = make(initializers, p.initializer)
        try:
            array[...] = initializer(generator, p)
        except FastcnnError:
            raise
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            raise OptionError(f"the initializer {told(p.initializer)} of {key}: {error}") from error

    # ---- the flat arrays

    @property
    def values(self) -> np.ndarray:
        """All trainable parameters; moved here now if they lie elsewhere."""
        self.claim()
        self.changed()
        return self._values

    @property
    def gradients(self) -> np.ndarray:
        """Laid out as `values`."""
        self.claim()
        return self._gradients

    def snapshot(self) -> np.ndarray:
        """As `values`, but moves nothing: maybe a copy."""
        if self._at_work or all(self._is_here(key) for key in self.trainable):
            return self._values
        flat = np.zeros(int(self.bounds[-1]), self.dtype)
        for key in self.trainable:
            self._view(flat, key)[...] = self.value(key)
        return flat

    @contextmanager
    def training(self) -> Iterator[None]:
        """While in it, no other store may move these parameters."""
        before, self.in_training = self.in_training, True
        try:
            yield
        finally:
            self.in_training = before

    @contextmanager
    def working(self) -> Iterator[None]:
        """A step of training, or the making of its plan: all trainable ones are in `values`."""
        if not self._borrowed or self._at_work:
            yield
            return
        views = {key: self._view(self._values, key) for key in self._borrowed}
        for key, view in views.items():
            view[...] = self._variables[key].value
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False
            for key, view in views.items():
                self._variables[key].value[...] = view
            self.changed()

    def claim(self) -> None:
        """Give the trainable parameters their places in this store's flat array.

        Those that may not move stay where they are: they are borrowed.
        """
        wanted = [k for k in self.trainable if k not in self._borrowed and not self._is_here(k)]
        if not wanted:
            return
        if not self._values.size:
            self._values = aligned_zeros(int(self.bounds[-1]), self.dtype)
            self._gradients = aligned_zeros(int(self.bounds[-1]), self.dtype)
        for key in wanted:
            variable = self._variables[key]
            if not variable.may_move():
                self._borrowed.add(key)
                continue
            view = self._view(self._values, key)
            view[...] = variable.value
            variable.taken = variable.owner is not None
            variable.value, variable.home = view, ref(self)
            variable.moves += 1
        ParameterStore.claims = next(_numbers)

    def _is_here(self, key: str) -> bool:
        return self._variables[key].owner is self

    def _view(self, flat: np.ndarray, key: str) -> np.ndarray:
        shape = self.specs[key].shape
        start = self._starts[key]
        return flat[start : start + int(np.prod(shape))].reshape(shape)

    @property
    def moves(self) -> int:
        """Changes if the array of any parameter became another one."""
        if self._moves[0] != self.claims:
            moves = sum(variable.moves for variable in self._variables.values())
            self._moves = (self.claims, moves)
        return self._moves[1]

    # ---- single parameters

    def value(self, key: str) -> np.ndarray:
        self.changed()  # perhaps
        if self._at_work and key in self._borrowed:
            return self._view(self._values, key)
        return self._variables[key].value

    def gradient(self, key: str) -> np.ndarray:
        return self._view(self.gradients, key)

    def padded_gradient(self, key: str) -> np.ndarray:
        """The gradient, flat, with the zeros that fill its last cache line."""
        number = self.trainable.index(key)
        return self.gradients[self.bounds[number] : self.bounds[number + 1]]

    def learns(self, key: str) -> bool:
        return key in self._starts

    def items(self) -> Iterator[tuple[str, np.ndarray]]:
        for key in self.specs:
            yield key, self.value(key)

    def copies(self) -> dict[str, np.ndarray]:
        """All parameters as they lie, e.g. for `load` later on."""
        return {key: value.copy() for key, value in self.items()}

    def no_numbers(self) -> list[str]:
        """Names of parameters, moving averages included, that hold infinite numbers or NaN."""
        return [key for key, value in self.items() if not np.isfinite(value).all()]

    def penalties(self) -> np.ndarray:
        """(parameters, 4) of each trainable parameter: l1, l2, whether weight decay applies, and 1.

        The optimizer puts its weight decay and learning-rate factors into the last two.
        """
        rows = [(p.l1, p.l2, p.decay, 1.0) for p in map(self.specs.get, self.trainable) if p]
        return np.array(rows, self.dtype).reshape(-1, 4)

    def check(self, arrays: dict[str, np.ndarray]) -> None:
        """Raise if these are not exactly the parameters of this model, in name and shape."""
        missing = sorted(set(self.specs) - set(arrays))
        extra = sorted(set(arrays) - set(self.specs))
        if missing or extra:
            raise ModelFileError(
                f"weights do not fit the model: missing {missing}, unexpected {extra}"
            )
        for key, p in self.specs.items():
            shape = getattr(arrays[key], "shape", type(arrays[key]).__name__)
            if shape != tuple(p.shape):
                raise ModelFileError(f"weight {key!r} is {shape}, expected {p.shape}")

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take the values of all parameters, or change nothing and raise."""
        self.check(arrays)
        for key, array in arrays.items():
            self.value(key)[...] = array
