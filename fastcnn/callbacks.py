"""Public face: the base class of callbacks, and those that come with fastcnn."""

from fastcnn.engine.callback import Callback
from fastcnn.plugins.callbacks.csv_logger import CSVLogger
from fastcnn.plugins.callbacks.early_stopping import EarlyStopping
from fastcnn.plugins.callbacks.ema import EMA
from fastcnn.plugins.callbacks.json_logger import JSONLogger
from fastcnn.plugins.callbacks.lambda_callback import LambdaCallback
from fastcnn.plugins.callbacks.learning_rate_scheduler import LearningRateScheduler
from fastcnn.plugins.callbacks.lookahead import Lookahead
from fastcnn.plugins.callbacks.lr_finder import LRFinder
from fastcnn.plugins.callbacks.mlflow import MLflow
from fastcnn.plugins.callbacks.model_checkpoint import ModelCheckpoint
from fastcnn.plugins.callbacks.progress_bar import ProgressBar
from fastcnn.plugins.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from fastcnn.plugins.callbacks.swa import SWA
from fastcnn.plugins.callbacks.tensorboard import TensorBoard
from fastcnn.plugins.callbacks.terminate_on_nan import TerminateOnNaN
from fastcnn.plugins.callbacks.time_budget import TimeBudget
from fastcnn.training.history import History

__all__ = [
    "EMA",
    "SWA",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "JSONLogger",
    "LRFinder",
    "LambdaCallback",
    "LearningRateScheduler",
    "Lookahead",
    "MLflow",
    "ModelCheckpoint",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
    "TimeBudget",
]
