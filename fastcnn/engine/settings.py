"""How a model computes: what was asked for, what layers were used with, what that comes to.

Layers remember the settings of the first model that held them, for models made of them later.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fastcnn.engine.layer import Layer
from fastcnn.errors import unknown
from fastcnn.kernels.backends import resolve_backend, resolve_precision, resolve_winograd

DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Settings:
    """The options of Model of these names, resolved."""

    backend: str
    winograd: bool
    precision: str
    dtype: str


@dataclass(frozen=True)
class Asked:
    """The same options as a user gives them; None: left open."""

    backend: str | None = None
    winograd: bool | None = None
    precision: str | None = None
    dtype: str | None = None

    def filled(self, layers: Iterable[Layer]) -> "Asked":
        """What was left open is that of the first of these layers that was in a model before."""
        kept = next((layer.settings for layer in layers if layer.settings is not None), None)
        if kept is None:
            return self
        return Asked(
            self.backend or kept.backend,
            kept.winograd if self.winograd is None else self.winograd,
            self.precision or kept.precision,
            self.dtype or kept.dtype,
        )

    def resolved(self) -> Settings:
        """What was left open is the environment's or the default."""
        dtype = self.dtype or DTYPES[0]
        if dtype not in DTYPES:
            raise unknown("dtype", dtype, DTYPES)
        only = "reference" if dtype == "float64" else None  # other kernels have no float64
        backend = resolve_backend(self.backend or only)
        winograd = resolve_winograd(self.winograd)
        return Settings(backend, winograd, resolve_precision(self.precision, backend, dtype), dtype)
