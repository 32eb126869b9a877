"""All parameters of a model in one flat array, so that the optimizer is one pass over memory."""

from collections.abc import Iterator

import numpy as np

from fastcnn import rng
from fastcnn.engine.graph import Graph
from fastcnn.engine.layer import Parameter
from fastcnn.engine.memory import aligned_zeros
from fastcnn.errors import ModelFileError
from fastcnn.plugins.registry import initializers, make

ALIGN = 16  # floats: every parameter begins on a cache line


class ParameterStore:
    """Values and gradients by name ("conv2d/kernel"), as views into flat arrays.

    trainable: in `values` and `gradients`, one flat array each; `bounds`: where each begins.
    kept: arrays that the forward pass updates itself, such as moving averages.
    """

    def __init__(
        self,
        graph: Graph,
        seed: int,
        dtype: str = "float32",
        values: dict[str, np.ndarray] | None = None,
    ) -> None:
        """values: of all parameters, instead of what the initializers give."""
        self.dtype = np.dtype(dtype)
        self.specs: dict[str, Parameter] = {
            node.key(name): p for node in graph.nodes for name, p in node.parameters.items()
        }
        if values is not None:
            self.check(values)  # before memory is taken: a model file may ask for anything
        self.trainable = [key for key, p in self.specs.items() if p.trainable]
        sizes = [-(-int(np.prod(self.specs[k].shape)) // ALIGN) * ALIGN for k in self.trainable]
        self.bounds = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
        self.values = aligned_zeros(int(self.bounds[-1]), self.dtype)
        self.gradients = aligned_zeros(int(self.bounds[-1]), self.dtype)
        self.kept = {
            key: aligned_zeros(int(np.prod(p.shape)), self.dtype).reshape(p.shape)
            for key, p in self.specs.items()
            if not p.trainable
        }
        if values is None:
            self._initialize(seed)
        else:
            self.load(values)

    def _initialize(self, seed: int) -> None:
        """Fill every parameter from its initializer; its numbers depend on its place only."""
        for stream, (key, p) in enumerate(self.specs.items()):
            generator = rng.generator(seed, stream)
            self.value(key)[...] = make(initializers, p.initializer)(generator, p)

    def _view(self, flat: np.ndarray, key: str) -> np.ndarray:
        shape = self.specs[key].shape
        start = int(self.bounds[self.trainable.index(key)])
        return flat[start : start + int(np.prod(shape))].reshape(shape)

    def value(self, key: str) -> np.ndarray:
        return self.kept[key] if key in self.kept else self._view(self.values, key)

    def gradient(self, key: str) -> np.ndarray:
        return self._view(self.gradients, key)

    def items(self) -> Iterator[tuple[str, np.ndarray]]:
        for key in self.specs:
            yield key, self.value(key)

    def penalties(self) -> np.ndarray:
        """(parameters, 4) of each trainable parameter: l1, l2, whether weight decay applies, and 1.

        The optimizer puts its weight decay and learning-rate factors into the last two.
        """
        rows = [(p.l1, p.l2, p.decay, 1.0) for p in map(self.specs.get, self.trainable) if p]
        return np.array(rows, self.dtype).reshape(-1, 4)

    def count(self) -> int:
        """Numbers in all parameters, trainable or kept."""
        return sum(int(np.prod(p.shape)) for p in self.specs.values())

    def check(self, arrays: dict[str, np.ndarray]) -> None:
        """Raise if these are not exactly the parameters of this model, in name and shape."""
        missing = sorted(set(self.specs) - set(arrays))
        extra = sorted(set(arrays) - set(self.specs))
        if missing or extra:
            raise ModelFileError(
                f"weights do not fit the model: missing {missing}, unexpected {extra}"
            )
        for key, p in self.specs.items():
            if arrays[key].shape != tuple(p.shape):
                raise ModelFileError(f"weight {key!r} is {arrays[key].shape}, expected {p.shape}")

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take the values of all parameters, or change nothing and raise."""
        self.check(arrays)
        for key, array in arrays.items():
            self.value(key)[...] = array
