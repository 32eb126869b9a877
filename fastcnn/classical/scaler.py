"""StandardScaler: (x - mean) / scale."""

from typing import Any

from fastcnn.classical.stored import Arrays, Stored


def collect(scaler: Any) -> Arrays:
    return {"mean": scaler.mean_, "var": scaler.var_, "scale": scaler.scale_}


def restore(scaler: Any, stored: Stored) -> None:
    scaler.mean_, scaler.var_, scaler.scale_ = (
        stored.floats(name, stored.features) for name in ("mean", "var", "scale")
    )
