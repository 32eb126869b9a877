"""Figures for an MLflow server or folder."""

import math
from typing import Any

from fastcnn.engine.callback import Callback, State
from fastcnn.plugins.registry import callbacks, config_of
from fastcnn.training.optional import require


@callbacks.register("mlflow")
class MLflow(Callback):
    """An MLflow run with the model's options as parameters and each epoch's figures as metrics.

    tracking_uri: of the server or folder; default: what MLflow is set to (MLFLOW_TRACKING_URI).
    experiment_name: default: "Default". run_name: default: the model's name.

    A resumed training goes on with the same run. A run that is active already
    (`with mlflow.start_run()`) is used and left open. Figures that are no finite numbers are left
    out. Needs the package mlflow: pip install 'fastcnn[mlflow]', which is enough for a server;
    local databases (sqlite:///...) need the whole of it: pip install mlflow.
    """

    paths = ("tracking_uri",)

    def __init__(
        self,
        tracking_uri: str | None = None,
        experiment_name: str = "Default",
        run_name: str | None = None,
    ) -> None:
        self.tracking_uri = tracking_uri
        self.experiment_name = experiment_name
        self.run_name = run_name
        self.run_id: str | None = None
        self._client: Any = None

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self._mlflow = require("mlflow", "the callback mlflow", "mlflow")
        self.run_id, self._client, self._owns = None, None, False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self._open()
        for name, value in logs.items():
            if math.isfinite(value):
                self._client.log_metric(self.run_id, name, value, step=epoch + 1)

    def _open(self) -> None:
        """The run; made when it is first needed, because a saved state may name one."""
        if self._client is not None:
            return
        active = self._mlflow.active_run()
        self._client = self._mlflow.MlflowClient(self.tracking_uri)
        self._owns = active is None
        if self.run_id is not None:
            self._client.update_run(self.run_id, status="RUNNING")
        elif active is not None:
            self.run_id = active.info.run_id
        else:
            name = self.run_name or self.model.name
            self.run_id = self._client.create_run(self._experiment(), run_name=name).info.run_id
        self._log_options()

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self.experiment_name)
        if found is not None:
            return found.experiment_id
        return self._client.create_experiment(self.experiment_name)

    def _log_options(self) -> None:
        model = self.model
        options = {
            "model": model.name,
            "parameters": model.count_params(),
            "seed": model.seed,
            "loss": model.loss.registered_name,
            **{f"optimizer_{k}": v for k, v in config_of(model.optimizer).items()},
        }
        for name, value in options.items():
            self._client.log_param(self.run_id, name, value)

    def on_train_end(self, logs: dict[str, Any]) -> None:
        if self._client is None or self.run_id is None or not self._owns:
            return
        done = self.model.stop_training or self.model.progress.epoch >= self.params["epochs"]
        self._client.set_terminated(self.run_id, "FINISHED" if done else "FAILED")

    def state_dict(self) -> State:
        return {"run_id": self.run_id}

    def load_state(self, state: State) -> None:
        self.run_id = None if state["run_id"] is None else str(state["run_id"])
