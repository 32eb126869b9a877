"""What `random_state` may be, as in scikit-learn."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from fastcnn.errors import OptionError, told


def random_of(random_state: Any) -> np.random.RandomState:
    """Numbers by chance for None, always the same for an integer, or those of the object."""
    try:
        return check_random_state(random_state)
    except ValueError:
        wanted = "None, a whole number from 0 to 2**32 - 1 or a numpy.random.RandomState"
        raise OptionError(f"random_state must be {wanted}, not {told(random_state)}") from None
