"""What classifier and regressor have in common: X to samples, `fit` by the engine, figures."""

from abc import abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from fastcnn.arguments import check_attributes
from fastcnn.data.splits import split_indices
from fastcnn.engine.callback import Callback
from fastcnn.errors import DataError
from fastcnn.estimators.nested import NestedParameters
from fastcnn.estimators.network import build_model
from fastcnn.estimators.sklearn_callbacks import (
    CallbackSupportMixin,
    epoch_tasks,
    with_callbacks,
)
from fastcnn.estimators.targets import Arrays, Targets
from fastcnn.features.predict import predict_outputs
from fastcnn.features.samples import check_X
from fastcnn.features.seeds import random_of
from fastcnn.features.threads import threads_of
from fastcnn.model import Model
from fastcnn.plugins.callbacks.early_stopping import EarlyStopping

STEPS, EPOCHS = 1000, (10, 100)  # what epochs="auto" aims at, and its limits


class CNNEstimator(CallbackSupportMixin, NestedParameters):
    """Base of CNNClassifier and CNNRegressor."""

    def __init__(
        self,
        layers: Any = "auto",
        *,
        input_shape: tuple[int, ...] | None = None,
        data_format: str = "channels_last",
        optimizer: Any = "adam",
        loss: Any = "auto",
        epochs: int | Literal["auto"] = "auto",
        batch_size: int = 32,
        augment: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        precision: str | None = None,
        check_range: bool = True,
        n_jobs: int | None = None,
        verbose: int | bool = 0,
        callbacks: Sequence[Any] | None = (),
    ) -> None:
        self.layers = layers
        self.input_shape = input_shape
        self.data_format = data_format
        self.optimizer = optimizer
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.precision = precision
        self.check_range = check_range
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callbacks = callbacks

    # ---- what differs

    @abstractmethod
    def _check_y(self, y: Any) -> np.ndarray:
        """y as an array (n,) or (n, outputs)."""

    @abstractmethod
    def _targets_of(self, y: np.ndarray) -> Targets:
        """What this y means."""

    def _weights(self, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """(n,) or None; y is checked."""
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, y, ensure_non_negative=True)

    # ---- training

    @with_callbacks
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> "CNNEstimator":
        """Train, from the beginning or, with warm_start, from the weights of the last `fit`.

        X: images (n, H, W), (n, H, W, C), or (n, C, H, W) with data_format="channels_first"; or
            rows (n, features), sparse ones too, images if there is an input_shape. uint8 is scaled
            to 0..1, floats and other integers stay as they are.
        validation_data: (X, y) or (X, y, sample_weight), measured after each epoch.
        """
        check_attributes(self)
        go_on = self.warm_start and hasattr(self, "model_")
        samples, y = self._check(X, y, reset=not go_on)
        if not go_on:
            self._begin(samples, self._targets_of(y))
        weights = self._weights(y, sample_weight)
        training, held_out = self._split(samples, y, weights, validation_data)
        self._compile()
        epochs = self._epochs(len(training[0]))
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        tasks = epoch_tasks(self, epochs, X=X, y=y, metadata=metadata)
        watchers: list[Callback] = [*tasks]
        if self.early_stopping:
            watchers.append(EarlyStopping(min_delta=self.tol, patience=self.n_iter_no_change))
        before = self.history_ if go_on else {}
        self._train(training, epochs, held_out, watchers)
        self._take_figures(before)
        for task in tasks:
            task.finish()
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, targets: Any) -> "CNNEstimator":
        """One epoch; `targets` makes the meaning of y for the first call."""
        first = not hasattr(self, "model_")
        samples, y = self._check(X, y, reset=first)
        if first:
            self._begin(samples, targets(y))
            self._compile()
        if self.early_stopping:  # go on from the best weights, which `fit` left in place
            self.model_.training_weights = None
        data = self._set(samples, y, self._weights(y, sample_weight))
        begun = self.model_.progress.epoch
        self._train(data, begun + 1, initial_epoch=begun)
        self._take_figures({})
        return self

    def _check(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        if y is None:
            raise DataError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None"
            )
        samples = check_X(self, X, reset=reset)
        y = self._check_y(y)
        check_consistent_length(X, y)
        return samples, y

    def _begin(self, samples: np.ndarray, targets: Targets) -> None:
        """A fresh model for such samples and targets."""
        shape = samples.shape[1:]
        if len(shape) == 2:
            shape = (*shape, 1) if self.data_format == "channels_last" else (1, *shape)
        whole = isinstance(self.random_state, int | np.integer) and self.random_state >= 0
        random = random_of(self.random_state)
        self._seed = int(self.random_state if whole else random.randint(2**31))
        self._targets = targets
        self.model_: Model = build_model(
            self.layers,
            shape,
            targets.outputs,
            self.data_format,
            seed=self._seed,
            precision=self.precision,
            check_range=self.check_range,
        )
        self.model_.classes = targets.names

    def _compile(self) -> None:
        automatic = isinstance(self.loss, str) and self.loss == "auto"
        loss = self._targets.loss if automatic else deepcopy(self.loss)
        # A single class leaves nothing to learn, and its softmax of one unit is no mistake.
        weights = [float(not out.is_constant) for out in self._targets.outputs]
        self.model_.compile(deepcopy(self.optimizer), loss, loss_weights=weights)

    def _epochs(self, samples: int) -> int:
        if self.epochs != "auto":
            return self.epochs
        steps = -(-samples // self.batch_size)
        return int(np.clip(-(-STEPS // steps), *EPOCHS))

    def _set(self, samples: np.ndarray, y: np.ndarray, weights: Any) -> tuple[Any, ...]:
        """(x, y, weights) as the model takes them."""
        targets = self._targets.encode(y)
        if len(targets) == 1:
            return samples, targets[0], weights
        return samples, targets, None if weights is None else [weights] * len(targets)

    def _split(
        self, samples: np.ndarray, y: np.ndarray, weights: Any, validation_data: Any
    ) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
        """What is trained on, and what is held out or was given for validation."""
        if validation_data is not None:
            X, targets, *more = validation_data
            others, targets = check_X(self, X, reset=False), self._check_y(targets)
            given = self._weights(targets, *more) if more else None
            return self._set(samples, y, weights), self._set(others, targets, given)
        if not self.early_stopping:
            return self._set(samples, y, weights), None
        kept, rest = split_indices(self._targets.strata(y), self.validation_fraction, self._seed)
        parts = [(part, None if weights is None else weights[part]) for part in (kept, rest)]
        training, held_out = (self._set(samples[part], y[part], w) for part, w in parts)
        return training, held_out

    def _train(
        self,
        data: Any,
        epochs: int,
        held_out: Any = None,
        watchers: Any = (),
        initial_epoch: int | None = None,
    ) -> None:
        self.model_.threads = threads_of(self.n_jobs)
        samples, targets, weights = data
        own = () if self.callbacks is None else self.callbacks
        self.model_.fit(
            samples,
            targets,
            sample_weight=weights,
            batch_size=self.batch_size,
            epochs=epochs,
            initial_epoch=initial_epoch,
            verbose=int(self.verbose),
            callbacks=[*deepcopy(list(own)), *watchers],
            augment=deepcopy(self.augment),
            validation_data=held_out,
        )

    def _take_figures(self, before: dict[str, list[float]]) -> None:
        new = self.model_.history.history
        self.history_ = {name: before.get(name, []) + values for name, values in new.items()}
        self.loss_curve_ = self.history_.get("loss", [])
        self.n_iter_ = len(self.loss_curve_)
        watched = self.history_.get("val_loss", self.loss_curve_)
        self.best_loss_ = min(watched, default=np.inf)

    # ---- using

    def _outputs(self, X: Any) -> Arrays:
        """(n, units) of each output."""
        check_is_fitted(self)
        samples = check_X(self, X, reset=False)
        return predict_outputs(self.model_, samples, self.n_jobs)

    def predict(self, X: Any) -> np.ndarray:
        """y (n,) or (n, outputs), as it was in `fit`."""
        outputs = self._outputs(X)
        return self._targets.predict(outputs)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
