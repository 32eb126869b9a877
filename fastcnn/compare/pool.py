"""Where the fits of a comparison run: processes of this machine, a Dask or a Ray cluster."""

import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from fastcnn.errors import OptionError
from fastcnn.training.optional import require

LOCAL, DASK, RAY = "loky", "dask", "ray"
BACKENDS = (LOCAL, DASK, RAY)


@dataclass(frozen=True)
class Pool:
    """So many processes here or at the address of a cluster. Ray without one starts one here."""

    processes: int = 1
    backend: str = LOCAL
    address: str | None = None

    def results(self, tasks: Sequence[Any], one_at_a_time: bool = False) -> Iterator[Any]:
        """What joblib's delayed calls return, in the order in which they end."""
        from joblib import Parallel

        with self._config():
            parallel = Parallel(
                n_jobs=self.processes,
                batch_size=1,
                pre_dispatch=1 if one_at_a_time else "2*n_jobs",
                return_as="list" if self.backend == RAY else "generator_unordered",
            )
            # Ray's pool tells results when all are there: groups, so that few of them can be lost.
            size = self.processes if self.backend == RAY else len(tasks)
            for start in range(0, len(tasks), size):
                yield from _closed_quietly(parallel(tasks[start : start + size]))

    def _config(self) -> AbstractContextManager[Any]:
        from joblib import parallel_config

        options: dict[str, Any] = {}
        if self.backend == DASK:
            options = self._dask()
        elif self.backend == RAY:
            self._join_ray()
        return parallel_config(self.backend, **options)

    def _dask(self) -> dict[str, Any]:
        require("distributed", f"the backend {DASK}", DASK)
        if self.address is None:
            raise OptionError("the backend dask needs an address, e.g. tcp://127.0.0.1:8786")
        return {"scheduler_host": self.address}

    def _join_ray(self) -> None:
        require("ray", f"the backend {RAY}", RAY)
        import ray
        from ray.util.joblib import register_ray

        if not ray.is_initialized():
            ray.init(address=self.address, log_to_driver=False)
        register_ray()


def _closed_quietly(results: Iterable[Any]) -> Iterator[Any]:
    """These results. Ctrl-C while one is saved leaves the others: joblib would warn of that."""
    try:
        for result in results:  # noqa: UP028 - `yield from` would close them first
            yield result
    finally:
        if isinstance(results, Generator):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                results.close()
