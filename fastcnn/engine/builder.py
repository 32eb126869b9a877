"""Turns stages into kernels with buffers: what a layer's `forward` and `backward` talk to."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastcnn.engine.carrying import Step, confine, find_runs
from fastcnn.engine.graph import Node
from fastcnn.engine.layer import Shape
from fastcnn.engine.memory import Memory
from fastcnn.engine.parameters import ALIGN, ParameterStore
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import NO_HALO, Alias, Buffer, Flat, Padded, Tensor, View
from fastcnn.kernels import Program, new_program
from fastcnn.kernels.aligned import aligned_zeros
from fastcnn.kernels.backends import resolve_backend
from fastcnn.kernels.spec import OPS

Argument = Buffer | Padded | Flat | View | np.ndarray | None


class Builder:
    """Collects steps (kernel, arguments); `finish` gives the buffers memory and binds a program."""

    def __init__(
        self,
        store: ParameterStore,
        batch: int,
        lanes: int,
        training: bool,
        backend: str | None,
        winograd: bool = True,
        fuse: bool = True,
        precision: str = "float32",
    ) -> None:
        self.store = store
        self.lanes = lanes
        self.blocks = -(-batch // lanes)
        self.training = training
        self.backend = resolve_backend(backend)
        self.winograd = winograd  # whether convolutions may be computed so
        self.fuse = fuse  # whether kernels may do several things at once, and in place
        self.precision = precision  # of factors: float32 or bf16
        self.dtype = store.dtype.name
        self.buffers: list[Buffer] = []
        self.order = self.array((self.blocks, lanes), "int64", -1)
        self.state = self.array((2,), "int64", 0)  # seed and step, for random numbers
        self.with_loss = True  # whether anybody asks for the loss
        self.extra_losses: list[np.ndarray] = []
        self._steps: list[Step] = []
        self.preparation = new_program(self.backend)  # kernels of parameters alone
        self.node: Node | None = None  # whose kernels are being appended
        self.owners: list[Node | None] = []  # of each step
        self._unwanted: list[np.ndarray] = []  # gradients of frozen parameters
        self._given: set[str] = set()  # parameters whose gradient some kernel writes already
        self._spare: dict[str, np.ndarray] = {}  # for their gradients by later uses of the layer
        self._pending: list[str] = []  # keys of `_spare` that are not yet added up
        self.bytes = self.bytes_a_thread = 0  # of buffers; of those that are carried
        self.runs: list[range] = []  # of steps that blocks are carried through

    @staticmethod
    def array(shape: tuple[int, ...], dtype: str, fill: float) -> np.ndarray:
        """An array that Python reads or writes between runs."""
        return np.full(shape, fill, dtype)

    def extra_loss(self) -> np.ndarray:
        """(blocks, lanes): a layer's addition to the loss of each image."""
        self.extra_losses.append(self.array(self.order.shape, self.dtype, 0))
        return self.extra_losses[-1]

    # ---- buffers

    def buffer(self, shape: tuple[int, ...], dtype: str | None = None) -> Buffer:
        buffer = Buffer(shape, dtype or self.dtype)
        self.buffers.append(buffer)
        return buffer

    def tensor(self, sample: Shape, activation: str = "linear", alpha: float = 0.0) -> Tensor:
        """An activation of one sample's shape."""
        shape = self._full_shape(sample)
        tensor = Tensor(shape, self.dtype, sample=sample, activation=activation, alpha=alpha)
        self.buffers.append(tensor)
        return tensor

    def alias(self, tensor: Tensor, sample: Shape) -> Tensor:
        """The same memory as another sample shape."""
        base = self.flat(tensor).tensor
        return Alias(
            self._full_shape(sample),
            self.dtype,
            sample=sample,
            flat=True,
            activation=tensor.activation,
            alpha=tensor.alpha,
            needs_gradient=tensor.needs_gradient,
            base=base,
        )

    def _full_shape(self, sample: Shape) -> tuple[int, ...]:
        """(features,) are channels of one pixel, (channels, length) an image of one row."""
        channels, *pixels = sample
        height, width = (1, 1, *pixels)[-2:]
        return self.blocks, channels, height, width, self.lanes

    def output(self, stage: Stage) -> Tensor:
        """A new tensor for the output of a stage, its fused activation noted."""
        stage.ys = [self.tensor(stage.last.shape, stage.activation, stage.alpha)]
        learns = any(self.store.learns(stage.node.key(name)) for name in stage.node.parameters)
        stage.y.needs_gradient = learns or any(x.needs_gradient for x in stage.xs)
        return stage.y

    def padded(self, tensor: Tensor, pads: tuple[int, int, int, int]) -> Padded:
        """View with a halo of zeros. A tensor that is also read flat is copied once."""
        if tensor.flat and pads != NO_HALO:
            tensor = self._copy(tensor, "padded")
        tensor.widen(pads)
        return Padded(tensor, pads)

    def flat(self, tensor: Tensor) -> Flat:
        """View as (blocks, features, lanes). A tensor that already has a halo is copied once."""
        if tensor.halo != NO_HALO:
            tensor = self._copy(tensor, "flat")
        tensor.flat = True
        return Flat(tensor)

    def _copy(self, tensor: Tensor, kind: str) -> Tensor:
        if kind not in tensor.copies:
            tensor.copies[kind] = self.tensor(tensor.sample)
            self.step("copy", x=tensor, y=tensor.copies[kind])
        return tensor.copies[kind]

    # ---- parameters

    def parameter(self, stage: Stage, name: str) -> np.ndarray:
        return self.store.value(stage.node.key(name))

    def is_frozen(self, stage: Stage) -> bool:
        """Whether the user keeps this layer as it is (Layer.trainable)."""
        return stage.layer in self.store.frozen

    def parameter_gradient(self, stage: Stage, name: str) -> np.ndarray:
        """Where a backward kernel writes a parameter's gradient (it need not add to it).

        That of a frozen parameter goes nowhere. A layer that is used several times gets spare
        memory for all uses but one, which `add_up_gradients` adds.
        """
        if name not in stage.gradients:
            key, shape = stage.node.key(name), stage.node.parameters[name].shape
            stage.gradients[name] = self._gradient_memory(key, shape)
        return stage.gradients[name]

    def _gradient_memory(self, key: str, shape: Shape) -> np.ndarray:
        if not self.store.learns(key):
            self._unwanted.append(np.empty(shape, self.dtype))
            return self._unwanted[-1]
        if key not in self._given:
            self._given.add(key)
            return self.store.gradient(key)
        size = int(np.prod(shape))
        if key not in self._spare:
            self._spare[key] = aligned_zeros(-(-size // ALIGN) * ALIGN, self.store.dtype)
        self._pending.append(key)
        return self._spare[key][:size].reshape(shape)

    def add_up_gradients(self) -> None:
        """After a stage's backward pass: add what it wrote into spare memory, in a fixed order."""
        for key in self._pending:
            total = _as_rows(self.store.padded_gradient(key))
            self.step("add", x=total, z=_as_rows(self._spare[key]), y=total)
        self._pending.clear()

    def folded(
        self, stage: Stage, w: np.ndarray, b: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Weights and bias (filters first), with the batch norm that the stage took in, if any."""
        if stage.norm is None:
            return w, b
        layer: Any = stage.norm.layer
        made = aligned_zeros(w.size, self.store.dtype).reshape(w.shape)
        shift = np.zeros(len(w), self.store.dtype)
        norm = {name: self.store.value(stage.norm.key(name)) for name in stage.norm.parameters}
        flat = {"w": w.reshape(len(w), -1), "folded_w": made.reshape(len(w), -1), "folded_b": shift}
        params = {"epsilon": layer.epsilon}
        self.preparation.add("fold_batch_norm", {"b": b, **flat, **norm}, **params)
        return made, shift

    # ---- steps

    @property
    def next_step(self) -> int:
        """Number that the next step will have."""
        return len(self._steps)

    def step(
        self, kernel: str, params: dict[str, Any] | None = None, **arguments: Argument
    ) -> None:
        """Append a kernel. What it touches is alive at least until this step.

        A kernel that writes nothing but gradients of frozen parameters is left out.
        """
        op = OPS[kernel]
        if self.all_unwanted([arguments.get(t) for t in op.tensors if op.is_output(t)]):
            return
        number = len(self._steps)
        for argument in arguments.values():
            owner = argument.tensor if isinstance(argument, Padded | Flat | View) else argument
            if isinstance(owner, Buffer):
                owner.touch(number)
        self._steps.append((kernel, arguments, params or {}))
        self.owners.append(self.node)

    def all_unwanted(self, outputs: list[Argument]) -> bool:
        """Whether these are gradients of frozen parameters, or views of them, and nothing else."""
        arrays = [array for array in outputs if array is not None]
        return all(
            isinstance(array, np.ndarray)
            and any(np.may_share_memory(array, unwanted) for unwanted in self._unwanted)
            for array in arrays
        ) and bool(arrays)

    def backward_slope(
        self, x: Tensor, view: Callable[[Tensor], Argument] = lambda x: x
    ) -> tuple[dict[str, Argument], dict[str, Any]]:
        """(tensors, parameters) for kernels that apply the slope of x's activation themselves."""
        if x.activation == "linear":
            return {}, {}
        return {"y": view(x)}, {"activation": x.activation, "alpha": x.alpha}

    def add_gradient(self, x: Tensor, emit: Callable[[Tensor], None], slope: bool = False) -> None:
        """Let `emit(dx)` append the kernel that writes a gradient of x; several of them are summed.

        slope: emit's kernel applies the slope of x's activation itself; otherwise it is done here.
        """
        if not x.needs_gradient:
            return
        dx = self.tensor(x.sample)
        emit(dx)
        if x.activation != "linear" and not slope:
            act = {"activation": x.activation, "alpha": x.alpha}
            self.step("activation_backward", act, dy=dx, y=x, dx=dx)
        self.accept_gradient(x, dx)

    def pass_gradient(self, x: Tensor, dy: Tensor | View) -> None:
        """Make dy, of x's shape, a gradient of x as it is, but for the slope of x's activation.

        That is left to the next kernel that adds to the gradient of x, if it can do it.
        """
        if x.activation == "linear" and isinstance(dy, Tensor):
            self.accept_gradient(x, dy)
        elif self.fuse and x.needs_gradient and x.unsloped is None and isinstance(dy, Tensor):
            x.unsloped = dy
        else:
            self._copy_gradient(x, dy)

    def _copy_gradient(self, x: Tensor, dy: Tensor | View) -> None:
        slope, params = self.backward_slope(x)

        def emit(dx: Tensor) -> None:
            if slope:
                self.step("activation_backward", params, dy=dy, dx=dx, **slope)
            else:
                self.step("copy", x=dy, y=dx)

        self.add_gradient(x, emit, slope=True)

    def take_gradient(self, x: Tensor) -> Tensor | None:
        """What there is of x's gradient, for a kernel that adds it up and applies the slope."""
        taken = None
        if x.unsloped is not None:
            taken, x.unsloped = x.unsloped, None
        elif self.fuse and x.activation == "linear":
            taken, x.gradient = x.gradient, None
        return taken

    def settle_gradient(self, x: Tensor) -> None:
        """Before x's gradient is read: apply the slope to what no other kernel has taken."""
        if x.unsloped is not None:
            self._copy_gradient(x, x.unsloped)
            x.unsloped = None

    def slope_of_output(self, y: Tensor) -> None:
        """Apply the slope of y's activation to the gradient that a loss wrote for its input y."""
        if y.gradient is not None and y.activation != "linear":
            act = {"activation": y.activation, "alpha": y.alpha}
            self.step("activation_backward", act, dy=y.gradient, y=y, dx=y.gradient)

    def accept_gradient(self, x: Tensor, dx: Tensor) -> None:
        """Make dx the gradient of x, or add it to the one there is.

        dx may be the gradient of other tensors too, so it is never written again.
        """
        if not x.needs_gradient:
            return
        if x.gradient is not None:
            total = self.tensor(x.sample)
            self.step("add", x=x.gradient, z=dx, y=total)
            dx = total
        x.gradient = dx

    def scaled(self, dx: Tensor, factor: float) -> Tensor:
        """factor * dx, dx itself if the factor is 1."""
        if factor == 1:
            return dx
        result = self.tensor(dx.sample)
        self.step("scale", {"factor": factor}, x=dx, y=result)
        return result

    def finish(self) -> Program:
        """Memory for the buffers, and the program."""
        program = new_program(self.backend)
        buffers = [b for b in self.buffers if b.first >= 0]
        if self._may_carry(program):
            self.runs = find_runs(self._steps)
            confine(buffers, self.runs)
        memory = self._memory(b for b in buffers if not b.carried)
        carried = self._memory(b for b in buffers if b.carried)
        self.bytes, self.bytes_a_thread = memory.place(), carried.place()
        for kernel, arguments, params in self._steps:
            known = {k: v for k, v in params.items() if k in OPS[kernel].params}
            program.add(kernel, {k: _resolve(a) for k, a in arguments.items()}, **known)
        for run in self.runs:
            program.carry(run, self.blocks, carried.arena)
        return program

    def _may_carry(self, program: Program) -> bool:
        """Training keeps activations for the way back; one lane means few images, which threads
        share."""
        many = self.blocks > 1 and self.lanes > 1
        return self.fuse and many and not self.training and program.carries

    def _memory(self, buffers: Iterable[Buffer]) -> Memory:
        memory = Memory(buffers)
        if self.fuse:
            self._overwrite(memory)
        return memory

    def _overwrite(self, memory: Memory) -> None:
        """Let outputs take the place of inputs that nobody reads again, where kernels allow it."""
        for kernel, arguments, _ in self._steps:
            for output, inputs in OPS[kernel].in_place.items():
                new = arguments.get(output)
                olds = [arguments.get(name) for name in inputs]
                if isinstance(new, Buffer):
                    any(memory.overwrite(old, new) for old in olds if isinstance(old, Buffer))


def _as_rows(flat: np.ndarray) -> np.ndarray:
    """A flat array as an activation of one block, for kernels that add activations."""
    return flat.reshape(1, -1, 1, 1, ALIGN)


def _resolve(argument: Argument) -> np.ndarray | None:
    return argument if argument is None or isinstance(argument, np.ndarray) else argument.resolve()
