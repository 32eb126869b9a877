"""Built-in models, one short file each: a function (input shape, classes) -> list of layers.

The default of `input_shape` is what the model was made for; `fastcnn models` shows its size there.
"""
