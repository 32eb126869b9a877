"""What scikit-learn calls n_jobs, as threads of kernels."""

from numbers import Integral

from fastcnn.errors import OptionError
from fastcnn.kernels.threads import default_threads


def threads_of(n_jobs: int | None) -> int:
    """n_jobs, but no more than cores, OMP_NUM_THREADS, threadpoolctl and joblib allow.

    None: all that are allowed; -1 too, -2 one less, and so on. Results do not depend on it.
    """
    allowed = default_threads()
    if n_jobs is None:
        return allowed
    if not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool) or n_jobs == 0:
        raise OptionError(f"n_jobs must be None or an integer but 0, not {n_jobs!r}")
    return max(1, min(n_jobs if n_jobs > 0 else allowed + 1 + n_jobs, allowed))
