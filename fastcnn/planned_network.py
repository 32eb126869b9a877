"""Networks that run: parameters, pixels and targets in order, plans, outputs and figures.

Model is the face of it, which trains, too.
"""

import math
from collections.abc import Sequence
from threading import RLock
from typing import Any

import numpy as np

from fastcnn.data.samples import check_inputs, in_order
from fastcnn.data.targets import check_outputs
from fastcnn.data.weights import check_weights
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.network import Network
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Preprocessing, Source
from fastcnn.engine.regularizer import penalty_value
from fastcnn.engine.symbolic import to_format
from fastcnn.engine.views import Views
from fastcnn.kernels.backends import resolve_backend, resolve_precision, resolve_winograd
from fastcnn.kernels.threads import resolve_threads
from fastcnn.training.history import Progress
from fastcnn.training.scores import scores

EVALUATION_BATCH = 256


class PlannedNetwork(Network):
    """A network with one set of parameters and a plan for each purpose and size of batches.

    Plans are compiled when they are first needed. Their buffers serve one run at a time.
    """

    def _begin(
        self,
        *,
        seed: int,
        threads: int | None,
        backend: str | None,
        winograd: bool | None,
        precision: str | None,
        dtype: str,
        name: str,
    ) -> None:
        self.seed, self.threads = seed, threads
        self.backend = resolve_backend(backend)
        self.winograd = resolve_winograd(winograd)
        self.precision = resolve_precision(precision, self.backend, dtype)
        self.dtype, self.name = dtype, name
        self.losses: list[Any] = []
        self.loss_weights: list[float] = []
        self.metrics: list[dict[str, Any]] = []  # by name, for each output
        self.optimizer: Optimizer | None = None
        self.fuse = True
        self._graph: Graph | None = None
        self._store: ParameterStore | None = None
        self._plans: dict[tuple, Plan] = {}
        self._running = RLock()  # plans have one set of buffers
        self._preprocessing: list[Preprocessing] | None = None

    def make_parameters(self, weights: dict[str, np.ndarray] | None = None) -> None:
        """Unfold the graph; new layers get these weights or fresh ones, others keep theirs."""
        graph = self.unfold()
        self._store = ParameterStore(graph, self.seed, self.dtype, weights)
        self._graph = graph

    # ---- structure

    @property
    def graph(self) -> Graph:
        if self._graph is None:
            self.calls  # noqa: B018 - raises if the model was not built
        assert self._graph is not None
        return self._graph

    @property
    def store(self) -> ParameterStore:
        if self._store is None:
            self.calls  # noqa: B018
        assert self._store is not None
        return self._store

    @property
    def preprocessing(self) -> Any:
        """What is done to pixels while a batch is gathered; None until the first data are seen.

        A Preprocessing, or a list of them if there are several inputs.
        """
        if self._preprocessing is None or len(self._preprocessing) > 1:
            return self._preprocessing
        return self._preprocessing[0]

    @preprocessing.setter
    def preprocessing(self, value: Any) -> None:
        made = None if value is None else in_order(value, self.input_names, "preprocessing")
        self._preprocessing = made
        self._plans.clear()  # they hold the numbers of the old one

    @property
    def input_shape(self) -> Any:
        """Of one sample, in the model's data_format; a list if there are several inputs."""
        shapes = [to_format(node.shape, self.data_format) for node in self.graph.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_size(self) -> int:
        """Numbers in the (only) output of one sample."""
        return math.prod(self.graph.output.shape)

    # ---- data

    def _inputs(self, x: Any) -> list[Any]:
        """Arrays of inputs in the model's order."""
        if not isinstance(x, dict) and (not self.is_connected or len(self.inputs) == 1):
            return [x]
        return in_order(x, self.input_names, "inputs", lists_are_things=True)

    def _in_order(self, x: Any, y: Any = None, weights: Any = None) -> list[list[Any]]:
        """Arrays of inputs, of outputs and of their weights, in the model's order."""
        parts = [self._inputs(x)]
        for given, what in ((y, "targets"), (weights, "sample weights")):
            order = (self.output_names, what)
            parts.append([] if given is None else in_order(given, *order, lists_are_things=True))
        return parts

    def _images(self, name: str, xs: Sequence[Any]) -> list[np.ndarray]:
        """Checked samples; the first ones fix the preprocessing."""
        shapes = [node.shape for node in self.graph.inputs]
        images = check_inputs(xs, self._input_names, shapes, self.data_format, name)
        if self._preprocessing is None:
            self._preprocessing = [Preprocessing.of(array) for array in images]
        return images

    def _source(
        self, name: str, xs: Sequence[Any], ys: Sequence[Any], weights: Sequence[Any]
    ) -> Source:
        """Checked samples and targets."""
        images = self._images(name, xs)
        if not ys:
            return Source(images)
        heads, count = self._heads(bool(weights)), len(images[0])
        targets = check_outputs(ys, count, heads, self.data_format, name, self.dtype)
        return Source(images, targets, check_weights(weights, count, heads, name, self.dtype))

    # ---- plans

    def _plan(
        self, purpose: str, batch: int, weighted: bool = False, augment: Augment | None = None
    ) -> Plan:
        key = (purpose, batch, weighted, augment)
        plan = self._plans.get(key)
        if plan is None or plan.moves != self.store.moves:
            assert self._preprocessing is not None
            plan = self._plans[key] = Plan(
                self.graph,
                self.store,
                self._preprocessing,
                batch,
                purpose,
                heads=self._heads(weighted),
                augment=augment,
                optimizer=self.optimizer,
                backend=self.backend,
                fuse=self.fuse,
                winograd=self.winograd,
                precision=self.precision,
            )
        return plan

    def _heads(self, weighted: bool) -> list[Head]:
        outputs = (self.output_names, self.graph.outputs)
        metrics = self.metrics or [{} for _ in self.losses]
        parts = (*outputs, self.losses, self.loss_weights, metrics)
        return [Head(*part, weighted=weighted) for part in zip(*parts, strict=False)]

    # ---- results

    def penalty(self) -> float:
        """What the regularizers of parameters add to the loss."""
        return penalty_value(self.store, self.backend)

    def _evaluate(self, source: Source, only_scalars: bool = True) -> dict[str, Any]:
        plan = self._plan("evaluate", min(EVALUATION_BATCH, len(source)), bool(source.weights))
        plan.bind(source)
        progress, threads = Progress(), resolve_threads(self.threads)
        for start in range(0, len(source), plan.batch):
            count = plan.run_from(start, threads)
            progress.add(count, plan.sums(), plan.rows(count))
        logs: dict[str, Any] = progress.logs()
        logs["loss"] += self.penalty()
        order = np.arange(len(source))
        return logs | scores(plan.heads, progress, source.targets, order, only_scalars)

    def _predict(
        self, images: Sequence[np.ndarray], views: Views | dict | None
    ) -> list[np.ndarray]:
        """Rows of each output, or the mean of those of the views."""
        batch = min(EVALUATION_BATCH, len(images[0]))
        if views is None:
            return self._outputs(self._plan("predict", batch), images)
        return self._mean_outputs(batch, images, Views.of(views))

    def _outputs(self, plan: Plan, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Of all samples: rows of each output."""
        plan.bind_images(images)
        threads = resolve_threads(self.threads)
        if plan.samples == plan.batch:  # no time for more than this where there is one image
            plan.run_from(0, threads)
            return [rows.copy() for rows in plan.outputs]
        results = [np.empty((plan.samples, a.shape[1]), a.dtype) for a in plan.outputs]
        for start in range(0, plan.samples, plan.batch):
            count = plan.run_from(start, threads)
            for result, rows in zip(results, plan.outputs, strict=True):
                result[start : start + count] = rows[:count]
        return results

    def _mean_outputs(
        self, batch: int, images: Sequence[np.ndarray], views: Views
    ) -> list[np.ndarray]:
        """The weighted mean of the outputs of these views."""
        plan = self._plan("predict", batch, augment=views.weighted[0][1])
        total: list[np.ndarray] = []
        for weight, view in views.weighted:
            plan.show(view)
            parts = [weight * rows for rows in self._outputs(plan, images)]
            if not total:
                total = parts
                continue
            for sums, rows in zip(total, parts, strict=True):
                sums += rows
        return total
