"""Layers in one line: "conv 30@5x5 relu - pool 2 - dense 100 relu - dropout 0.5".

Layers stand between " - " (a hyphen with spaces). Of each the first word is its name, registered or
short (SHORT_NAMES). Then come, in any order,

    30  0.5  5x5        the next of its options in their order, e.g. filters, kernel_size; or rate
    30@5x5              two of them
    same  valid         padding
    relu                the name of an activation
    strides=2           any option by its name: numbers, 2x2 pairs, true, false, none or a word

An activation's name alone is a layer, too.
"""

import re
from typing import Any

from fastcnn.errors import OptionError, unknown
from fastcnn.plugins.registry import activations, layers, option_names

SHORT_NAMES = {
    "avg_pool": "average_pooling2d",
    "conv": "conv2d",
    "depthwise_conv": "depthwise_conv2d",
    "global_avg_pool": "global_average_pooling2d",
    "global_max_pool": "global_max_pooling2d",
    "lrn": "local_response_normalization",
    "norm": "batch_normalization",
    "pool": "max_pooling2d",
    "separable_conv": "separable_conv2d",
}
WORDS: dict[str, Any] = {"true": True, "false": False, "none": None}
PADDINGS = ("same", "valid")


def parse_layers(text: str) -> list[dict[str, Any]]:
    """A table {"name": ..., option: ...} for each layer."""
    return [parse_layer(part) for part in re.split(r"\s+-\s+", text.strip())]


def parse_layer(text: str) -> dict[str, Any]:
    """The table of one layer, e.g. of "conv 30@5x5 relu"."""
    word, *rest = text.split() or [""]
    name = SHORT_NAMES.get(word, word)
    if name not in layers.names():
        if name in activations.names() and not rest:
            return {"name": "activation", "activation": name}
        raise unknown(f"layer in {text!r}:", word, {*SHORT_NAMES, *layers.names()})
    options = [option for option in option_names(layers.get(name)) if option != "name"]
    table = {"name": name}
    places = iter(options)
    for token in rest:
        for option, value in _read(token, places, name, text):
            if option not in options:
                raise unknown(f"option in {text!r}:", option, options)
            if option in table:
                raise OptionError(f"{text!r} gives {option} twice")
            table[option] = value
    return table


def _read(token: str, places: Any, name: str, text: str) -> list[tuple[str, Any]]:
    """[(option, value)] of what stands after a layer's name."""
    option, equals, value = token.partition("=")
    if equals:
        return [(option, _value(value))]
    values = [_number(part) for part in token.split("@")]
    if None not in values:
        return [(next(places, f"number {value}"), value) for value in values]
    if token in PADDINGS:
        return [("padding", token)]
    if token in activations.names():
        if "activation" not in option_names(layers.get(name)):
            raise OptionError(f"{text!r}: {name} takes no activation: write ' - {token}'")
        return [("activation", token)]
    raise unknown(f"word in {text!r}:", token, [*PADDINGS, *activations.names()])


def _value(text: str) -> Any:
    number = _number(text)
    return WORDS.get(text.lower(), text) if number is None else number


def _number(text: str) -> Any:
    """5, 0.5, or (5, 3) of "5x3"; None if it is none of these."""
    if re.fullmatch(r"\d+(x\d+)+", text):
        return tuple(int(n) for n in text.split("x"))
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
