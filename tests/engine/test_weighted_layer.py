"""Options that all layers with weights share."""

import inspect

import pytest

from fastcnn.engine.weighted_layer import WeightedLayer
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import config_of, layers, make

WEIGHTED = [
    cls
    for cls in map(layers.get, layers.names())
    if isinstance(cls, type) and issubclass(cls, WeightedLayer)
]
NEEDED = {"filters": 4, "kernel_size": 3, "units": 5}


def built(cls, **options):
    names = inspect.signature(cls).parameters
    return cls(**{k: v for k, v in NEEDED.items() if k in names}, **options)


@pytest.mark.parametrize("cls", WEIGHTED)
def test_every_option_is_in_the_signature_and_kept(cls):
    parameters = inspect.signature(cls).parameters
    layer = built(cls)
    for option, default in cls.option_defaults().items():
        assert parameters[option].default == default == getattr(layer, option)
    assert make(layers, config_of(layer)).__dict__ == layer.__dict__


@pytest.mark.parametrize("cls", WEIGHTED)
def test_unknown_options_are_refused_with_the_nearest_name(cls):
    option = next(o for o in cls.option_defaults() if o.endswith("_initializer"))
    with pytest.raises(OptionError, match=f"did you mean '{option}'"):
        built(cls, **{option.replace("izer", "iser"): "zeros"})


@pytest.mark.parametrize("cls", WEIGHTED)
def test_each_weight_has_its_own_initializer_penalty_and_constraint(cls):
    kinds = [o.removesuffix("_constraint") for o in cls.option_defaults() if "_constraint" in o]
    options = {f"{k}_regularizer": {"name": "l2", "l2": n} for n, k in enumerate(kinds, 1)}
    options |= {f"{k}_initializer": {"name": "constant", "value": n} for n, k in enumerate(kinds)}
    options |= {
        f"{k}_constraint": {"name": "max_norm", "max_value": n + 1} for n, k in enumerate(kinds)
    }
    layer = built(cls, **options)
    for n, kind in enumerate(kinds):
        weight = layer.weight(kind, (2,), fan_in=1, fan_out=1)
        assert weight.l2 == n + 1 and weight.initializer["value"] == n
        assert weight.constraint.max_value == n + 1
        assert weight.decay == (kind.endswith("kernel") or kind.endswith("wise"))
        assert (weight.unit_axis is None) == (not weight.decay)
