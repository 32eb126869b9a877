"""Networks that run: parameters, pixels and targets in order, plans, outputs and figures.

Model is the face of it, which trains, too.
"""

import math
from collections.abc import Iterable, Iterator, Sequence, Set
from threading import RLock
from typing import Any

import numpy as np

from fastcnn.data.batches import Batches, end_to_end, inputs_of, parts_of, with_targets
from fastcnn.data.samples import KINDS, check_inputs, dense, in_order
from fastcnn.data.targets import check_outputs
from fastcnn.data.weights import check_weights
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.network import Network
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Source
from fastcnn.engine.plans import Plans
from fastcnn.engine.preprocessing import AS_IT_COMES, BY_VALUE, Preprocessing, joined
from fastcnn.engine.reader import Reader, agreed, check_inner, readers_of
from fastcnn.engine.regularizer import penalty_value
from fastcnn.engine.settings import Asked
from fastcnn.engine.symbolic import to_format
from fastcnn.engine.views import Views
from fastcnn.errors import DataError, OptionError, warn
from fastcnn.kernels.threads import resolve_threads
from fastcnn.locks import renew_in_children
from fastcnn.training.feed import grown
from fastcnn.training.history import Progress
from fastcnn.training.scores import scores
from fastcnn.training.setup_check import check_ends, check_setup

EVALUATION_BATCH = 256
Images = tuple[list[np.ndarray], list[Preprocessing]]  # of each input, and what they mean

_forsaken: list[Plans] = []


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
        dtype: str | None,
        check_range: bool,
        name: str,
    ) -> None:
        self.seed, self.threads, self.name = seed, threads, name
        self.check_range = check_range
        self._asked = Asked(backend, winograd, precision, dtype)
        self._settle(())
        self.losses: list[Any] = []
        self.loss_weights: list[float] = []
        self.metrics: list[dict[str, Any]] = []  # by name, for each output
        self.optimizer: Optimizer | None = None
        self.fuse = True
        self._graph: Graph | None = None
        self._store: ParameterStore | None = None
        self._frozen: set[Layer] | None = None  # as `compile` noted them
        self._plans = Plans()
        self._running = RLock()  # plans have one set of buffers
        renew_in_children(self, "_running", PlannedNetwork._forsake_plans)
        self.readers: list[list[Reader]] = []  # of each input
        self.columns: dict[str, Shape] = {}  # of kernels: the images whose numbers they weigh

    def _settle(self, layers: Iterable[Layer]) -> None:
        """Options that were not given are those these layers were used with, else the defaults."""
        self._asked = self._asked.filled(layers)
        settings = self._asked.resolved()
        self.backend, self.winograd = settings.backend, settings.winograd
        self.precision, self.dtype = settings.precision, settings.dtype

    def make_parameters(self, weights: dict[str, np.ndarray] | None = None) -> None:
        """Unfold the graph; new layers get these weights or fresh ones, others keep theirs."""
        graph = self.unfold()
        layers = [node.layer for node in graph.nodes if node.layer is not None]
        self._settle(layers)
        self._store = ParameterStore(graph, self.seed, self.dtype, weights, self._frozen)
        self._graph = graph
        self.readers = [readers_of(graph, node) for node in graph.inputs]
        pairs = [(node.key("kernel"), node.layer) for node in graph.nodes if node.layer]
        last = graph.data_format == "channels_last"
        self.columns = {key: layer.columns for key, layer in pairs if last and layer.columns}
        self._remembered()  # or say that the layers disagree
        check_inner(graph, self.readers)
        settings = self._asked.resolved()
        for layer in layers:
            layer.settings = layer.settings or settings

    def _note_frozen(self, frozen: Set[Layer]) -> None:
        """From now on these layers are not trained, whatever `Layer.trainable` will say."""
        self._frozen = set(frozen)
        if self._graph is not None and not self.store.is_frozen_as(frozen):
            options = {"seed": self.seed, "dtype": self.dtype}
            self._store = ParameterStore(self._graph, frozen=frozen, **options)  # type: ignore[arg-type]

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
        """What is done to pixels while a batch is gathered; None until the first `fit`.

        A Preprocessing, or a list of them if there are several inputs. The layers that read the
        inputs hold it, so that all models which have these layers share it.
        """
        found = self._remembered()
        if all(p is None for p in found):
            return None
        made = self._meanings()
        return made if len(made) > 1 else made[0]

    @preprocessing.setter
    def preprocessing(self, value: Any) -> None:
        made = in_order(value, self.input_names, "preprocessing") if value is not None else []
        for k, readers in enumerate(self.readers):
            one = made[k] if made else None
            channels = self.graph.inputs[k].shape[0] if self.is_connected else 0
            if one is not None and channels and len(one.scale) not in (1, channels):
                raise OptionError(
                    f"preprocessing has {len(one.scale)} channels, the input {channels}"
                )
            for reader in readers:
                reader.remember(one)

    @property
    def scales_pixels(self) -> list[bool]:
        """For each input whether its layers scale it themselves, so that pixels come by value."""
        return [any(reader.layer.scales_pixels for reader in r) for r in self.readers]

    def _remembered(self) -> list[Preprocessing | None]:
        """For each input what its layers remember of it."""
        if len(self.readers) == 1 and len(self.readers[0]) == 1:  # told fast, for predictions
            return [self.readers[0][0].preprocessing]
        pairs = zip(self.readers, self.input_names, strict=bool(self.readers))
        return [joined((reader.preprocessing for reader in r), name) for r, name in pairs]

    def _meanings(self) -> list[Preprocessing]:
        """What the numbers of each input mean, before the first training too."""
        found = self._remembered()
        if all(p is not None for p in found):
            return found  # type: ignore[return-value]
        unknown = (BY_VALUE if scaled else AS_IT_COMES for scaled in self.scales_pixels)
        return [p or u for p, u in zip(found, unknown, strict=True)]

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
            return [dense(x, "x")]
        xs = in_order(x, self.input_names, "inputs", lists_are_things=True)
        return [dense(x, repr(name)) for x, name in zip(xs, self.input_names, strict=True)]

    def _in_order(self, x: Any, y: Any = None, weights: Any = None) -> list[list[Any]]:
        """Arrays of inputs, of outputs and of their weights, in the model's order."""
        parts = [self._inputs(x)]
        for given, what in ((y, "targets"), (weights, "sample weights")):
            order = (self.output_names, what)
            parts.append([] if given is None else in_order(given, *order, lists_are_things=True))
        return parts

    def _images(
        self, name: str, xs: Sequence[Any], known: list[Preprocessing] | None = None
    ) -> Images:
        """Checked samples of each input, (N, H, W, C), and what their numbers mean.

        known: that, if it is not what the layers remember.
        """
        shapes = [node.shape for node in self.graph.inputs]
        parts = (self._input_names, shapes, self.data_format, name, self.dtype)
        images, ranges = check_inputs(xs, *parts)
        known = known or self._meanings()
        if self.check_range:
            for k, one in enumerate(known):
                fault = one.fault(images[k], ranges[k])
                if fault is not None:
                    self._out_of_range(name, k, f"{fault}; check_range=False takes them so")
        return images, known

    def _out_of_range(self, name: str, number: int, fault: str) -> None:
        """Pictures on another scale than the training data's are an error; vectors and sequences,
        whose values have no usual range, a warning."""
        if len(self._input_names) > 1:
            name = f"{name} {self._input_names[number]!r}:"
        axes = len(self.graph.inputs[number].shape)
        if axes == 3:
            raise DataError(f"{name} images {fault}")
        warn(f"{name} {KINDS[axes]} {fault}")

    def _source(
        self,
        name: str,
        xs: Sequence[Any],
        ys: Sequence[Any],
        weights: Sequence[Any],
        known: list[Preprocessing] | None = None,
    ) -> Source:
        """Checked samples and targets, on the scale that the model was trained in."""
        images, known = self._images(name, xs, known)
        return self._with_targets(name, Source(images, preprocessing=known), ys, weights)

    def _with_targets(
        self, name: str, source: Source, ys: Sequence[Any], weights: Sequence[Any]
    ) -> Source:
        if ys:
            heads, count = self._heads(bool(weights)), len(source)
            source.targets = check_outputs(ys, count, heads, self.data_format, name, self.dtype)
            source.weights = check_weights(weights, count, heads, name, self.dtype)
        return source

    def _training_source(
        self, xs: Sequence[Any], ys: Sequence[Any], weights: Sequence[Any]
    ) -> Source:
        """The same for training, whose first data decide what the inputs mean (`remember`)."""
        images, known = self._images("training", xs)
        self.check_ends()  # they may be why targets do not fit
        source = self._with_targets("training", Source(images, preprocessing=known), ys, weights)
        check_setup(self._heads(bool(weights)), source.targets)
        pairs = zip(source.preprocessing, source.images, strict=True)
        source.preprocessing = [p.trained_on(array) for p, array in pairs]
        self.agree(source)
        if any(map(Preprocessing.saw_flags, source.preprocessing, source.images)):
            warn(
                "uint8 means 0 to 255, but these training data hold only 0 and 1: "
                "give them as floats if they are no pixels"
            )
        return source

    def agree(self, source: Source) -> None:
        """Let inputs that one layer reads in the same place mean the same, or raise DataError."""
        parts = (source.preprocessing, source.images, self.input_names)
        source.preprocessing = agreed(self.readers, *parts)

    def remember(self, source: Source) -> None:
        """Keep what the first training data decided, in the layers."""
        for readers, made in zip(self.readers, source.preprocessing, strict=True):
            for reader in readers:
                reader.remember(made)

    # ---- plans

    def _plan(
        self, purpose: str, batch: int, weighted: bool = False, augment: Augment | None = None
    ) -> Plan:
        """One with room for so many samples; of exactly so many for training."""

        def make(room: int) -> Plan:
            return Plan(
                self.graph,
                self.store,
                room,
                purpose,
                heads=self._heads(weighted),
                augment=augment,
                optimizer=self.optimizer,
                backend=self.backend,
                fuse=self.fuse,
                winograd=self.winograd,
                precision=self.precision,
            )

        rest = (weighted, None if augment is None else augment.layout)
        plan = self._plans.get(purpose, batch, rest, self.store.moves, make)
        plan.show(augment)
        return plan

    def _forsake_plans(self) -> None:
        """In a child forked while a thread was in one of them: they are neither used nor freed."""
        _forsaken.append(self._plans)
        self._plans = Plans()

    def _heads(self, weighted: bool) -> list[Head]:
        outputs = (self.output_names, self.graph.outputs)
        metrics = self.metrics or [{} for _ in self.losses]
        parts = (*outputs, self.losses, self.loss_weights, metrics)
        return [Head(*part, weighted=weighted) for part in zip(*parts, strict=False)]

    def check_ends(self) -> None:
        """Raise for an output that can't learn with its loss, whatever the data; `fit` does so."""
        check_ends(self._heads(weighted=False))

    # ---- results

    def penalty(self) -> float:
        """What the regularizers of parameters add to the loss."""
        return penalty_value(self.store, self.backend)

    def _batch(self, name: str, x: Any, y: Any, weights: Any = None, known: Any = None) -> Source:
        """Samples and targets as the user gives them; known: see `_images`."""
        images, targets, given = self._in_order(x, with_targets(y), weights)
        return self._source(name, images, targets, given, known)

    def _sources(self, batches: Batches) -> Iterator[Source]:
        """What these batches to measure hold, checked one by one."""
        for batch in batches.all():
            yield self._batch(batches.what, *parts_of(batch, batches.what))

    def _evaluate(
        self, sources: Iterable[Source], only_scalars: bool, most: int = EVALUATION_BATCH
    ) -> dict[str, Any]:
        """Figures over all samples of the sources; most: samples of a batch."""
        progress, threads, size = Progress(), resolve_threads(self.threads), 0
        targets: list[Sequence[np.ndarray]] = []
        for source in sources:
            size = grown(size, min(most, len(source)))
            plan = self._plan("evaluate", size, bool(source.weights))
            plan.bind(source)
            for start in range(0, len(source), plan.batch):
                count = plan.run_from(start, threads)
                progress.add(count, plan.sums(), plan.rows(count))
            targets.append(source.targets)
        logs: dict[str, Any] = progress.logs()
        logs["loss"] += self.penalty()
        seen = [end_to_end(arrays) for arrays in zip(*targets, strict=True)]
        return logs | scores(plan.heads, progress, seen, np.arange(progress.seen), only_scalars)

    def _predict_batches(self, batches: Batches, views: Views | dict | None) -> list[np.ndarray]:
        """Rows of each output, of all batches one after the other."""
        results, size = [], 0
        for batch in batches.all():
            with self._running:
                images = self._images("predicted", self._inputs(inputs_of(batch)))
                size = grown(size, min(EVALUATION_BATCH, len(images[0][0])))
                results.append(self._predict(images, views, size))
        return [end_to_end(rows) for rows in zip(*results, strict=True)]

    def _predict(self, images: Images, views: Views | dict | None, batch: int) -> list[np.ndarray]:
        """Rows of each output, or the mean of those of the views."""
        if views is None:
            return self._outputs(self._plan("predict", batch), images)
        return self._mean_outputs(batch, images, Views.of(views))

    def _outputs(self, plan: Plan, images: Images) -> list[np.ndarray]:
        """Of all samples: rows of each output."""
        plan.bind_images(*images)
        threads = resolve_threads(self.threads)
        if plan.samples <= plan.batch:  # no time for more than this where there is one image
            count = plan.run_from(0, threads)
            return [rows[:count].copy() for rows in plan.outputs]
        results = [np.empty((plan.samples, a.shape[1]), a.dtype) for a in plan.outputs]
        for start in range(0, plan.samples, plan.batch):
            count = plan.run_from(start, threads)
            for result, rows in zip(results, plan.outputs, strict=True):
                result[start : start + count] = rows[:count]
        return results

    def _mean_outputs(self, batch: int, images: Images, views: Views) -> list[np.ndarray]:
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
