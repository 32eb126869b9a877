"""Every registered optimizer against the published rule, and the options that all of them take."""

import inspect
import json
import math

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn import optimizers as faces
from fastcnn.engine.builder import Builder
from fastcnn.engine.graph import Graph
from fastcnn.engine.optimizer import DEFAULTS
from fastcnn.engine.parameters import ParameterStore
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import config_of, make
from fastcnn.plugins.registry import optimizers as registry

sqrt = math.sqrt
STEPS = 8


def new_store(dtype="float64", layer=None):
    return ParameterStore(Graph.chain((5,), [layer or L.Dense(3)]), 1, dtype)


def run_steps(optimizer, gradients, store, backend="reference"):
    """Parameters after each step with these gradients."""
    optimizer = make(registry, optimizer)
    build = Builder(store, 1, 1, True, backend)
    optimizer.reset(store)
    optimizer.emit(build)
    program = build.finish()
    values = []
    for gradient in gradients:
        store.gradients[...] = gradient
        optimizer.begin_step()
        program.run()
        values.append(store.values.copy())
    return values


def gradients_for(store, steps=STEPS):
    used = np.zeros_like(store.values)
    for key in store.trainable:
        start = store.bounds[store.trainable.index(key)]
        used[start : start + store.value(key).size] = 1
    return np.random.default_rng(2).normal(size=(steps, len(used))).astype(used.dtype) * used


# The rules as Keras 3 or PyTorch write them, for one parameter: s is its state, t counts from 1.


def moments(g, s, b1=0.9, b2=0.999):
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
    return s["m"], s["v"]


def keras_sgd(p, g, s, t):
    return p - 0.01 * g


def keras_nesterov(p, g, s, t):
    s["m"] = 0.9 * s.get("m", 0) - 0.1 * g
    return p + 0.9 * s["m"] - 0.1 * g


def keras_adam(p, g, s, t, decay=0.0):
    p -= p * decay * 0.001
    m, v = moments(g, s)
    return p - 0.001 * sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (sqrt(v) + 1e-7)


def keras_adamw(p, g, s, t):
    return keras_adam(p, g, s, t, 0.004)


def keras_amsgrad(p, g, s, t):
    m, v = moments(g, s, 0.9, 0.5)
    s["top"] = max(s.get("top", 0), v)
    return p - 0.001 * sqrt(1 - 0.5**t) / (1 - 0.9**t) * m / (sqrt(s["top"]) + 1e-7)


def keras_adamax(p, g, s, t):
    m, _ = moments(g, s)
    s["u"] = max(0.999 * s.get("u", 0), abs(g))
    return p - 0.001 * m / ((1 - 0.9**t) * (s["u"] + 1e-7))


def keras_nadam(p, g, s, t):
    now, ahead = (0.9 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    s["product"] = s.get("product", 1) * now
    m, v = moments(g, s)
    m_hat = ahead * m / (1 - s["product"] * ahead) + (1 - now) * g / (1 - s["product"])
    return p - m_hat * 0.001 / (sqrt(v / (1 - 0.999**t)) + 1e-7)


def torch_radam(p, g, s, t):
    m, v = moments(g, s)
    m_hat, most = m / (1 - 0.9**t), 2 / (1 - 0.999) - 1
    rho = most - 2 * t * 0.999**t / (1 - 0.999**t)
    if rho <= 5:
        return p - 0.001 * m_hat
    r = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return p - 0.001 * m_hat * r * sqrt(1 - 0.999**t) / (sqrt(v) + 1e-8)


def keras_lion(p, g, s, t):
    m = s.get("m", 0)
    s["m"] = 0.99 * m + 0.01 * g
    return p - 0.001 * np.sign(0.9 * m + 0.1 * g)


def keras_rmsprop(p, g, s, t, rho=0.9, lr=0.001, epsilon=1e-7):
    s["v"] = rho * s.get("v", 0) + (1 - rho) * g * g
    return p - lr * g / sqrt(s["v"] + epsilon)


def convnetjs_windowgrad(p, g, s, t):
    return keras_rmsprop(p, g, s, t, 0.95, 0.01, 1e-8)


def keras_adagrad(p, g, s, t):
    s["v"] = s.get("v", 0.1) + g * g
    return p - 0.01 * g / sqrt(s["v"] + 1e-7)


def keras_adadelta(p, g, s, t):
    s["v"] = 0.95 * s.get("v", 0) + 0.05 * g * g
    d = -sqrt(s.get("u", 0) + 1e-7) / sqrt(s["v"] + 1e-7) * g
    s["u"] = 0.95 * s.get("u", 0) + 0.05 * d * d
    return p + d


RULES = [
    ("sgd", {}, keras_sgd),
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}, keras_nesterov),
    ("adam", {}, keras_adam),
    ("adam", {"beta_2": 0.5, "amsgrad": True}, keras_amsgrad),
    ("amsgrad", {"beta_2": 0.5}, keras_amsgrad),
    ("adamw", {}, keras_adamw),
    ("adamax", {}, keras_adamax),
    ("nadam", {}, keras_nadam),
    ("radam", {}, torch_radam),
    ("lion", {}, keras_lion),
    ("rmsprop", {}, keras_rmsprop),
    ("windowgrad", {}, convnetjs_windowgrad),
    ("adagrad", {}, keras_adagrad),
    ("adadelta", {}, keras_adadelta),
]
# Their rules are not those of single parameters: see below, and test_lbfgs.py.
OTHER_RULES = {"lars", "lbfgs"}
WITH_KERNELS = sorted(set(registry.names()) - {"lbfgs"})


def test_every_optimizer_is_tested_and_has_a_face():
    assert {name for name, *_ in RULES} | OTHER_RULES == set(registry.names())
    assert {getattr(faces, n).registered_name for n in faces.__all__} == set(registry.names())


@pytest.mark.parametrize(("name", "options", "rule"), RULES)
@pytest.mark.parametrize("backend", ["reference", "native"])
def test_published_rule(name, options, rule, backend):
    store = new_store("float64" if backend == "reference" else "float32")
    kernel = np.arange(len(store.values)) < 15
    start, gradients = store.values.copy(), gradients_for(store)
    tolerance = 1e-12 if backend == "reference" else 1e-6
    values = run_steps({"name": name, **options}, gradients, store, backend)
    for k in np.flatnonzero(kernel):
        p, state = float(start[k]), {}
        for t in range(STEPS):
            p = float(rule(p, float(gradients[t, k]), state, t + 1))
            assert values[t][k] == pytest.approx(p, rel=0, abs=tolerance)


def test_lars():
    """The published rule: the kernel by the ratio of norms, the bias as with SGD."""
    store = new_store()
    p, b = store.value("dense/kernel").copy(), store.value("dense/bias").copy()
    gradients, v, u = gradients_for(store), 0, 0
    options = {"learning_rate": 2.0, "weight_decay": 0.1, "trust_coefficient": 0.02, "epsilon": 0}
    run_steps({"name": "lars", **options}, gradients, store)
    for gradient in gradients:
        g, bias_g = gradient[:15].reshape(3, 5), gradient[16:19]
        ratio = 0.02 * np.linalg.norm(p) / (np.linalg.norm(g) + 0.1 * np.linalg.norm(p))
        v = 0.9 * v + 2 * ratio * (g + 0.1 * p)
        u = 0.9 * u + 2 * bias_g
        p, b = p - v, b - u
    np.testing.assert_allclose(store.value("dense/kernel"), p, rtol=1e-12)
    np.testing.assert_allclose(store.value("dense/bias"), b, rtol=1e-12)


COMMON = {
    "weight_decay": 0.1,
    "clipvalue": 0.5,
    "clipnorm": 0.5,
    "global_clipnorm": 0.5,
    "learning_rate_factors": {"dense/kernel": 0.5},
    "weight_decay_factors": {"*": 0.5},
}


@pytest.mark.parametrize("name", WITH_KERNELS)
@pytest.mark.parametrize("option", COMMON)
def test_every_optimizer_takes_the_common_options(name, option):
    config = {"name": name, "learning_rate": 0.05, option: COMMON[option]}
    if option == "weight_decay_factors":
        config["weight_decay"] = 0.1
    optimizer = make(registry, config)
    assert json.loads(json.dumps(config_of(optimizer))).items() >= config.items()
    changed, gradients = new_store(), gradients_for(new_store())
    gradients *= np.random.default_rng(0).uniform(0.5, 20, (STEPS, 1))
    run_steps(optimizer, gradients, changed)
    plain = new_store()
    without = {k: v for k, v in config.items() if k != option}
    run_steps(without, gradients, plain)
    assert not np.array_equal(changed.value("dense/kernel"), plain.value("dense/kernel"))
    native = new_store("float32")
    run_steps(optimizer, gradients.astype(np.float32), native, "native")
    np.testing.assert_allclose(native.values, changed.values, atol=1e-4)


def test_the_common_options_are_in_every_signature():
    for name in WITH_KERNELS:
        parameters = inspect.signature(registry.get(name)).parameters
        assert {*DEFAULTS, "learning_rate"} <= set(parameters)
        assert "common" not in parameters
    assert inspect.signature(registry.get("adamw")).parameters["weight_decay"].default == 0.004


def sgd_steps(dense=None, **options):
    """How far SGD with learning rate 1 moves kernel and bias against a gradient of 3."""
    store = new_store(layer=L.Dense(3, **(dense or {})))
    gradient = (gradients_for(store, 1) != 0) * 3.0
    start = {key: value.copy() for key, value in store.items()}
    run_steps({"name": "sgd", "learning_rate": 1, **options}, gradient, store)
    return [start[f"dense/{key}"] - store.value(f"dense/{key}") for key in ("kernel", "bias")]


def test_clipping_sees_the_penalties():
    """As in Keras, where a penalty is part of the loss."""
    layer = {"bias_initializer": "ones", "bias_regularizer": {"name": "l2", "l2": 2.0}}
    kernel, bias = sgd_steps(layer, clipvalue=5.0)
    assert (kernel == 3).all() and (bias == 5).all()
    kernel, bias = sgd_steps(layer, clipnorm=7.0)
    np.testing.assert_allclose(kernel, 3 * 7 / (3 * sqrt(15)))
    np.testing.assert_allclose(bias, 7 / sqrt(3))
    kernel, bias = sgd_steps(layer, global_clipnorm=1.0)
    norm = sqrt(15 * 9 + 3 * 49)
    np.testing.assert_allclose(kernel, 3 / norm)
    np.testing.assert_allclose(bias, 7 / norm)


def test_factors_of_the_first_pattern_that_fits():
    kernel, bias = sgd_steps(learning_rate_factors={"*/bias": 2.0, "*": 0.0})
    assert (kernel == 0).all() and (bias == 6).all()
    layer = {"kernel_initializer": "ones"}
    decay = {"weight_decay": 0.5, "weight_decay_factors": {"*/kernel": 3}}
    kernel, bias = sgd_steps(layer, **decay)
    assert (kernel == 4.5).all() and (bias == 3).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "only one of"),
        ({"clipnorm": 0}, "clipnorm must be a positive"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"beta_1": 1.0}, r"beta_1 lies in \[0, 1\)"),
        ({"epsilon": math.nan}, "epsilon"),
        ({"epsilon": 0}, "epsilon"),  # 0 / 0 where a gradient has always been 0
        ({"learning_rate_factors": 3}, "table"),
        ({"learning_rate_factors": {"*": -1}}, r"learning_rate_factors\['\*'\]"),
        ({"learning_rate_factors": {"dens/*": 1}}, "unknown parameter 'dens/[*]'"),
        ({"weight_decays": 1}, "did you mean 'weight_decay'"),
    ],
)
def test_mistakes_are_named(options, words):
    with pytest.raises(OptionError, match=words):
        run_steps({"name": "adam", **options}, [], new_store())


def test_patterns_are_checked_when_the_model_is_compiled():
    """Before a run has a folder."""
    model = Sequential([L.Dense(2)], (3,))
    with pytest.raises(OptionError, match="unknown parameter"):
        model.compile({"name": "sgd", "learning_rate_factors": {"dens/*": 1}}, "mean_squared_error")
