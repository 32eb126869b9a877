"""Built-in models, one short file each: a function (input shape, classes) -> structure.

The structure is a list of layers, one after the other; or, for a graph, a function that takes the
input tensor and gives the output tensor (see resnet20.py). The input shape has channels first. Its
default and that of classes are what the model was made for; `fastcnn models` shows its size there.
Further options have defaults: {"name": "resnet20", "shortcut": "B"}, on the command line
`--model resnet20:shortcut=B`.
"""
