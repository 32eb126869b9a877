"""Dense layers: I inputs, O outputs; x is a (B, I, L) view of an activation without halo."""

from fastcnn.kernels.spec.op import ACTIVATION, Op, table

OPS = table(
    Op(
        "dense_forward",
        {"x": "B I L", "w": "O I", "b": "? O", "y": "> B O L"},
        {**ACTIVATION, "packed": 0},  # 1: copy the weights once into the order they are read in
    ),
    Op(  # y: what the layer before stored, if its activation (named here) shall be undone as well
        "dense_backward_input",
        {"dy": "B O L", "w": "O I", "y": "? B I L", "dx": "> B I L"},
        ACTIVATION,
    ),
    Op(
        "dense_backward_weight",
        {"x": "B I L", "dy": "B O L", "dw": "> O I", "db": ">? O"},
    ),
)
