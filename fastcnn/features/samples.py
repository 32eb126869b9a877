"""X of scikit-learn's methods as arrays of samples."""

import math
from typing import Any

import numpy as np
from sklearn.utils import get_tags
from sklearn.utils.validation import check_array, validate_data

from fastcnn.arguments import check_attributes
from fastcnn.data.samples import dense, is_sparse
from fastcnn.errors import DataError, ShapeError

Shape = tuple[int, ...]


def check_X(estimator: Any, X: Any, *, reset: bool) -> np.ndarray:
    """X as finite uint8 or float32: images as they came, rows with the shape `input_shape`.

    X: (n, H, W), four axes, or rows (n, features), which are reshaped if `estimator.input_shape`
        is not None; sparse ones too, if the estimator's tags say so. Integers other than uint8
        become floats as they are.
    reset: whether these are the samples of `fit`, which give the estimator n_features_in_,
        feature_names_in_ if columns have names, and sample_shape_; others must fit them.
    """
    check_attributes(estimator)
    rows = is_rows(X)
    if is_sparse(X) and get_tags(estimator).input_tags.sparse:
        X = dense(validate_data(estimator, X, reset=reset, accept_sparse="csr"), "X")
    array = validate_data(estimator, X, reset=reset) if rows else check_array(X, allow_nd=True)
    array = _pixels(_shaped(array, estimator.input_shape))
    if reset:
        _remember(estimator, array, rows)
    elif array.shape[1:] != estimator.sample_shape_:
        raise ShapeError(
            f"X has samples {array.shape[1:]}, but {type(estimator).__name__} was fitted on "
            f"{estimator.sample_shape_}"
        )
    return array


def check_pixels(X: Any) -> np.ndarray:
    """Images of any size as finite uint8 or float32."""
    array = check_array(X, allow_nd=True)
    if array.ndim > 4 or 0 in array.shape:
        raise ShapeError(f"X has shape {array.shape}; expected images, (n, H, W) or four axes")
    return _pixels(array)


def is_rows(X: Any) -> bool:
    """Whether X is a table; or less, which scikit-learn's checks say best."""
    return (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) < 3


def _shaped(array: np.ndarray, input_shape: Shape | None) -> np.ndarray:
    """Rows reshaped; images must have that shape already."""
    shape = array.shape[1:] if input_shape is None else tuple(input_shape)
    if array.shape[1:] not in (shape, (math.prod(shape),)):
        raise ShapeError(
            f"X has samples {array.shape[1:]}; input_shape {shape} expects images of that shape "
            f"or rows of {math.prod(shape)} features"
        )
    return array.reshape(len(array), *shape)


def _pixels(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    with np.errstate(over="ignore"):
        converted = array.astype(np.float32, copy=False)
    # Minimum and maximum pass infinity on and need no memory, unlike isfinite on all.
    if not (np.isfinite(converted.min()) and np.isfinite(converted.max())):
        raise DataError("X contains a value too large for dtype('float32')")
    return converted


def _remember(estimator: Any, array: np.ndarray, rows: bool) -> None:
    estimator.sample_shape_ = array.shape[1:]
    if not rows:
        if array.ndim > 4 or 0 in array.shape:
            raise ShapeError(f"X has shape {array.shape}; expected images, (n, H, W) or four axes")
        estimator.n_features_in_ = math.prod(array.shape[1:])
        vars(estimator).pop("feature_names_in_", None)


def as_images(samples: np.ndarray) -> np.ndarray:
    """(N, H, W, C) of channels-last images, of grey ones, or of rows, one pixel high."""
    if samples.ndim == 2:
        return samples[:, None, :, None]
    return samples[..., None] if samples.ndim == 3 else samples
