"""Built-in models, one short file each: a function (input shape, classes) -> list of layers."""
