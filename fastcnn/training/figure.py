"""Writing pictures by matplotlib, whose texts hold names of any letters.

Texts with names in them are given `parse_math=False`: a "$" in a name begins no formula.
"""

import warnings
from typing import Any


def save_figure(picture: Any, file: Any, **options: Any) -> None:
    """Draw into a file. Letters that no font has are drawn as boxes, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        picture.savefig(file, **options)
