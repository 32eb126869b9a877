"""Into the layout and out of it; order holds numbers of images, -1 in lanes without image."""

from fastcnn.kernels.spec.op import Op, table

OPS = table(
    Op(
        "gather_images",
        {
            "images": "pixel N H W C",
            "order": "int64 B L",
            "scale": "? C",
            "offset": "? C",
            "x": "> B C H W L",
        },
        strided=("images",),
        by_block=True,
    ),
    Op(
        "gather_labels",
        {"labels": "int64 N", "order": "int64 B L", "out": "> int64 B L"},
        strided=("labels",),
    ),
    Op("scatter_rows", {"x": "B F L", "out": "> N F"}, strided=("out",)),
)
