"""CNNClassifier."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
)
from sklearn.utils.validation import check_array

from fastcnn.errors import OptionError
from fastcnn.estimators.base import CNNEstimator
from fastcnn.estimators.class_weights import class_weights
from fastcnn.estimators.targets import Classes, ClassTargets, Labels, SeveralClasses


class CNNClassifier(ClassifierMixin, CNNEstimator):
    """A convolutional net that tells classes of images, or of rows of features.

    layers: what comes before the output layer, which is added as y needs it:
        "auto", a small net by the size of the images, or dense layers for rows;
        the name of a registered model ("simple_convnet"), {"name": ..., option: ...}, or a TOML
            file;
        a line such as "conv 30@5x5 relu - pool 2 - dense 100 relu - dropout 0.5"
            (fastcnn.estimators.notation);
        or a list of layers: lines, {"name": "conv2d", "filters": 30, ...}, or Layer objects.
    input_shape: of the image in a row of X, e.g. (28, 28) or (32, 32, 3).
    data_format: "channels_last" or "channels_first", of X and input_shape.
    optimizer: a name, {"name": "sgd", "momentum": 0.9} or an object.
    loss: of the model's probabilities; "auto": cross-entropy.
    epochs: "auto" is as many as make 1,000 steps, 10 to 100.
    batch_size: samples of one step.
    augment: what is done to training images, see Model.fit.
    class_weight: {class: weight}, "balanced", or for several outputs a list of these.
    early_stopping: hold out validation_fraction of the samples, each class in proportion, unless
        `fit` is given validation_data; end when their loss has not fallen by tol for
        n_iter_no_change epochs in a row; the best weights stay.
    warm_start: `fit` goes on from the weights of the last one.
    random_state: of initial weights, shuffling, dropout and what is held out; an integer is the
        model's seed.
    precision: "float32" or "bf16", see Model; default FASTCNN_PRECISION, else "float32".
    check_range: False takes images on any scale, see Model.
    n_jobs: threads; None is all that joblib and threadpoolctl allow. Results do not depend on it.
    verbose: 0 nothing, 1 a progress bar on a terminal, 2 a line for each epoch.
    callbacks: a list of names, {"name": ..., option: ...} or objects, of which copies are used.

    Options of optimizer, loss and layers are parameters too: optimizer__lr (or
    optimizer__learning_rate), loss__label_smoothing, layers__2__filters (of the third layer),
    layers__shortcut (of a model by name).

    Fitted: classes_, n_features_in_ (numbers of a sample), sample_shape_, feature_names_in_ (if
    columns had names), model_ (the fastcnn.Model), history_ {figure: one for each epoch},
    loss_curve_, n_iter_ (epochs), best_loss_ (of validation where there is one).

    y: (n,) numbers or strings; (n, labels) of 0 and 1 for any number of labels at once; or
    (n, questions) with several classes each, for which probabilities are lists.
    """

    _targets: ClassTargets

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
        class_weight: Any = None,
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
        super().__init__(
            layers,
            input_shape=input_shape,
            data_format=data_format,
            optimizer=optimizer,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            augment=augment,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            warm_start=warm_start,
            random_state=random_state,
            precision=precision,
            check_range=check_range,
            n_jobs=n_jobs,
            verbose=verbose,
            callbacks=callbacks,
        )
        self.class_weight = class_weight

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "CNNClassifier":
        """One epoch on these samples; the first call makes the model, with optimizer and loss.

        classes: all that will come, needed in the first call; for several questions a list of
            them. class_weight="balanced" is not possible here: no call sees all samples.
        """
        if isinstance(self.class_weight, str):
            raise OptionError(
                f"class_weight={self.class_weight!r} needs all samples at once: give partial_fit "
                "weights {class: weight}"
            )
        first = not hasattr(self, "model_")
        if first and classes is None:
            raise OptionError("classes must be passed on the first call to partial_fit.")
        if not first and classes is not None:
            _check_partial_fit_first_call(self, classes)
        self._partial_fit(X, y, sample_weight, lambda y: self._targets_of(y, classes))
        return self

    def predict_proba(self, X: Any) -> Any:
        """(n, classes), rows with the sum 1; (n, labels); or a list of (n, classes)."""
        outputs = self._outputs(X)
        return self._targets.probabilities(outputs)

    def decision_function(self, X: Any) -> Any:
        """Logarithms of probabilities (n, classes); log-odds (n,) of two classes, (n, labels)."""
        outputs = self._outputs(X)
        return self._targets.decision(outputs)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples whose class, or all of whose labels, are right."""
        right: Any = self.predict(X) == self._check_y(y)
        right = right if right.ndim == 1 else right.all(axis=1)
        return float(np.average(right, weights=sample_weight))

    # ---- what differs

    def _check_y(self, y: Any) -> np.ndarray:
        y = y.toarray() if issparse(y) else y  # type: ignore[attr-defined]
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
        check_classification_targets(y)
        return column_or_1d(y) if y.ndim == 1 or y.shape[1] == 1 else y

    def _targets_of(self, y: np.ndarray, classes: Any = None) -> ClassTargets:
        targets: ClassTargets
        if y.ndim == 1:
            targets = Classes(y if classes is None else column_or_1d(classes))
        elif type_of_target(y) == "multilabel-indicator":
            targets = Labels(y)
        else:
            targets = SeveralClasses(list(y.T) if classes is None else list(classes))
        self.classes_ = targets.classes
        return targets

    def _weights(self, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        weights = super()._weights(y, sample_weight)
        if self.class_weight is None:
            return weights
        by_class = class_weights(self.class_weight, y, self._targets.columns)
        return by_class if weights is None else weights * by_class

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
