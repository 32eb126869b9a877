"""HOG with cells in proportion to the image."""

from fastcnn.errors import ShapeError
from fastcnn.features.hog import HOG


class GridHOG(HOG):
    """HOG of square cells whose side is that of the image, the shorter one, // cells; at least 2.

    So one setting serves 8x8 digits and 32x32 photographs.
    """

    def __init__(
        self,
        cells: int = 7,
        orientations: int = 9,
        cells_per_block: int = 2,
        *,
        input_shape: tuple[int, ...] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(orientations, cells_per_block=cells_per_block, n_jobs=n_jobs)
        self.cells = cells
        self.input_shape = input_shape

    def _cell_and_block(self) -> tuple[tuple[int, int], tuple[int, int]]:
        if len(self.sample_shape_) < 2:
            raise ShapeError("HOG needs images; give the shape of those in rows by input_shape")
        height, width = self.sample_shape_[:2]
        side = min(max(2, min(height, width) // self.cells), height, width)
        blocks = (min(n // side, self.cells_per_block) for n in (height, width))
        return (side, side), tuple(blocks)
