"""What a layer of a trained net computes, as features."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from fastcnn.engine.symbolic import SymbolicTensor
from fastcnn.errors import OptionError
from fastcnn.features.predict import predict_outputs
from fastcnn.features.samples import check_X
from fastcnn.features.transformer import ImageTransformer
from fastcnn.model import Model
from fastcnn.saving import load_model


class CNNFeatures(ImageTransformer):
    """The outputs of a layer of a trained net, flattened.

    model: a trained fastcnn.Model, the path of a model file, or a CNNClassifier or CNNRegressor,
        of which `fit` trains a clone on its X and y; one in sklearn.frozen.FrozenEstimator stays
        as it was trained.
    layer: the name of a layer, or its place in model.layers; None: what the last layer reads.
    n_jobs: threads; None is all that joblib and threadpoolctl allow.

    Rows of X are reshaped to what the net takes. Fitted: model_ (the net up to the layer),
    layer_ (the layer's name), sample_shape_, n_features_in_.
    """

    input_shape = None  # the model knows

    def __init__(
        self, model: Any, *, layer: str | int | None = None, n_jobs: int | None = None
    ) -> None:
        self.model = model
        self.layer = layer
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> "CNNFeatures":
        """Find the layer; train first, if `model` is an estimator."""
        samples = check_X(self, X, reset=True)
        whole = self._trained(X, y)
        output = self._output(whole)
        self.layer_ = whole.names[output.call.callee] if output.call else "input"
        self.model_ = Model(whole.inputs, output, check_range=whole.check_range, name=whole.name)
        self._features(samples[:1])  # says what does not fit
        return self

    def _trained(self, X: Any, y: Any) -> Model:
        if isinstance(self.model, Model):
            return self.model
        if isinstance(self.model, str | Path):
            return load_model(self.model)
        if not hasattr(self.model, "fit"):
            raise OptionError(f"model must be a model, a file or an estimator, not {self.model!r}")
        return clone(self.model).fit(X, y).model_

    def _output(self, whole: Model) -> SymbolicTensor:
        if self.layer is None:
            last = whole.outputs[0].call
            assert last is not None
            return last.inputs[0]
        if isinstance(self.layer, str):
            return whole.output_of(whole.get_layer(self.layer))
        return whole.output_of(whole.get_layer(index=self.layer))

    def transform(self, X: Any) -> np.ndarray:
        """(n, features) float32."""
        check_is_fitted(self)
        return self._features(check_X(self, X, reset=False))

    def _fit(self, images: np.ndarray) -> None:
        """Nothing more to find."""

    def _features(self, images: np.ndarray) -> np.ndarray:
        if images.ndim == 2:
            images = images.reshape(len(images), *self.model_.input_shape)
        (features,) = predict_outputs(self.model_, images, self.n_jobs)
        return features.reshape(len(features), -1)

    def _names(self) -> list[str]:
        return [f"{self.layer_}_{k}" for k in range(self.model_.output_size)]
