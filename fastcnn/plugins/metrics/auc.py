"""Area under the ROC curve."""

import numpy as np

from fastcnn.engine.metric import Metric
from fastcnn.errors import DataError
from fastcnn.plugins.registry import metrics


@metrics.register("auc")
class AUC(Metric):
    """How likely a sample of a class has a larger output than one of another; 0.5 is chance.

    The mean over classes, each against the rest. Only the order of outputs matters, so logits do.
    Classes that all samples or none belong to are left out. Targets: class numbers, one-hot or
    marks (N, K), 0 and 1 of one output.
    """

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        from sklearn.metrics import roc_auc_score

        outputs = y_pred.shape[1]
        if outputs > 1 and y_true.ndim == 1:
            marks = y_true[:, None] == np.arange(outputs)
        else:
            marks = y_true.reshape(y_pred.shape) > 0.5
        mixed = [k for k in range(outputs) if 0 < marks[:, k].sum() < len(marks)]
        if not mixed:
            raise DataError("auc needs samples of more than one class")
        return float(np.mean([roc_auc_score(marks[:, k], y_pred[:, k]) for k in mixed]))
