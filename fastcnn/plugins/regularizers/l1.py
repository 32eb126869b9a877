"""L1 penalty."""

from fastcnn.plugins.registry import regularizers


@regularizers.register("l1")
class L1:
    """l1 sum|p|"""

    l2 = 0.0

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = float(l1)
