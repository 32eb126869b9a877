"""The check for optimizers."""

from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.graph import Graph
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.parameters import ParameterStore
from fastcnn.kernels.backends import available_backends
from fastcnn.plugins.registry import layers, make, optimizers
from fastcnn.testing.registered import case, checking, options_of
from fastcnn.testing.training import SAMPLES, Course, check_training, small_model

STEPS = 8
TOLERANCE = 1e-4  # of float32 against float64 after all steps, relative to the largest parameter
SCHEDULE = {
    "name": "exponential",
    "initial_learning_rate": 0.01,
    "decay_steps": 10,
    "decay_rate": 0.5,
}


def check_optimizer(optimizer: Any, *, full_batch: bool = False) -> None:
    """Raise an AssertionError that says what is wrong with an optimizer.

    optimizer: a name, {"name": ..., option: ...} or an object.
    full_batch: for optimizers that need all samples in one batch.

    - its kernel: native, Numba and reference agree after some steps, with the same bits on 1, 2
      and 3 threads; numbers between parameters stay 0
    - a learning rate of 0 moves nothing
    - training lowers the loss of a small net, and takes a schedule as learning rate
    - the same bits on any number of threads, and if the state is saved after 25 steps, loaded, and
      training goes on
    """
    with checking(optimizers, optimizer) as made:
        options = options_of(made)
        if type(made).step is Optimizer.step:
            _check_kernel(options)
        check_training(_model, _course(options, full_batch))
        _check_learning(_course(options, full_batch))
        with case("with a schedule"):
            check_training(_model, _course({**options, "learning_rate": SCHEDULE}, full_batch))


def _course(options: dict[str, Any], full_batch: bool) -> Course:
    return Course(options, epochs=50, batch_size=SAMPLES) if full_batch else Course(options)


def _model(**options: Any) -> Any:
    return small_model(layers.get("conv2d")(4, 3, activation="tanh"), **options)


def _check_kernel(options: dict[str, Any]) -> None:
    wanted = _steps(options, "reference", "float64")
    for backend in available_backends():
        with case(f"update on {backend}"):
            found = _steps(options, backend)
            scale = max(1.0, float(np.abs(wanted).max()))
            error = float(np.abs(found - wanted).max())
            assert error <= TOLERANCE * scale, f"differs by {error:.3g} from float64"
            for threads in (2, 3):
                same = np.array_equal(_steps(options, backend, threads=threads), found)
                assert same, f"{threads} threads give other bits"
    with case("a learning rate of 0"):
        start, after = (_steps(options, "reference", steps=n, scale=0.0) for n in (0, STEPS))
        assert np.array_equal(start, after), "moves parameters"


def _steps(
    options: dict[str, Any],
    backend: str,
    dtype: str = "float32",
    *,
    threads: int = 1,
    steps: int = STEPS,
    scale: float = 1.0,
) -> np.ndarray:
    """All parameters after some steps with random gradients."""
    store = ParameterStore(Graph.chain((37,), [layers.get("dense")(29)]), 1, dtype)
    made = make(optimizers, options)
    build = Builder(store, 1, 1, True, backend)
    made.reset(store)
    made.emit(build)
    program = build.finish()
    made.learning_rate_scale = scale
    rng, used = np.random.default_rng(2), _used(store)
    for _ in range(steps):
        store.gradients[...] = (rng.normal(size=used.shape) * used).astype(np.float32)
        made.begin_step()
        program.run(threads=threads)
    assert not store.values[~used].any(), "numbers between the parameters were changed"
    return store.values.copy()


def _used(store: ParameterStore) -> np.ndarray:
    """Which numbers of the flat array belong to parameters."""
    used = np.zeros(store.values.shape, bool)
    for start, key in zip(store.bounds, store.trainable, strict=False):
        used[start : start + store.value(key).size] = True
    return used


def _check_learning(course: Course) -> None:
    with case("training"):
        model = course.compile(_model())
        course.fit(model)
        first, *_, last = model.history.history["loss"]
        assert last < first, f"does not lower the loss: it was {first:.6g}, and is {last:.6g}"
