"""The other checks find what is wrong as well."""

import re

import numpy as np
import pytest

import fastcnn.testing
from fastcnn.engine.activation import Elementwise
from fastcnn.engine.augmentation import Augmentation
from fastcnn.engine.callback import Callback
from fastcnn.engine.constraint import Constraint
from fastcnn.engine.metric import Metric
from fastcnn.engine.optimizer import Optimizer
from fastcnn.engine.python_loss import PythonLoss
from fastcnn.engine.regularizer import Regularizer
from fastcnn.engine.schedule import Schedule
from fastcnn.kernels.kit import kernel
from fastcnn.plugins import registry as registries
from tests.testing.wrong import entered, kernels

UPDATE = {
    "p": "> N",
    "g": "N",
    "bounds": "int64 M",
    "penalties": "T 4",
    "hyper": "float64 1",
}
WEIGHTS = {"w": "> A U B"}


def failure(registry, cls):
    with entered(registry, cls) as name, pytest.raises(AssertionError) as error:
        getattr(fastcnn.testing, f"check_{registry.kind}")(name)
    return str(error.value)


def assert_found(registry, cls, message):
    found = failure(registry, cls)
    assert re.search(message, found), found


@pytest.fixture(autouse=True)
def clean():
    with kernels():
        yield


# ---- activations


class Sine(Elementwise):
    """y = sin w x"""

    def __init__(self, frequency=1.0):
        self.frequency = frequency

    def value(self, x):
        return np.sin(self.frequency * x)

    def slope(self, x):
        return self.frequency * np.cos(self.frequency * x)


class WrongSlope(Sine):
    """A slope that is a little wrong."""

    def slope(self, x):
        return 1.001 * np.cos(x)


class WrongSize(Sine):
    """A number too few."""

    def value(self, x):
        return np.sin(x.ravel()[1:])


class InPlace(Sine):
    """Writes to what it is given."""

    def value(self, x):
        return np.sin(x, out=x)


class Overflows(Sine):
    """exp(9 x)"""

    def value(self, x):
        return np.exp(9 * x)

    def slope(self, x):
        return 9 * np.exp(9 * x)


class Falls(Sine):
    """Says that a pool may come before it."""

    fusable = True


def test_a_right_activation_passes():
    with entered(registries.activations, Sine) as name:
        fastcnn.testing.check_activation({"name": name, "frequency": 0.5})


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (WrongSlope, "slope is wrong: at"),
        (WrongSize, r"value of float64: of shape \(20, 20\) it makes \(399,\)"),
        (InPlace, "value of float64: .*read-only"),
        (Overflows, r"value at \+-30: not finite"),
        (Falls, "it is fusable, but falls"),
    ],
)
def test_wrong_activations(cls, message):
    assert_found(registries.activations, cls, message)


# ---- losses


class Square(PythonLoss):
    """mean (y_pred - y_true)^2"""

    def function(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(axis=1)

    def gradient(self, y_true, y_pred):
        return 2 * (y_pred - y_true) / y_pred.shape[1]


class ForgetsHalf(Square):
    """A gradient without its 2."""

    def gradient(self, y_true, y_pred):
        return (y_pred - y_true) / y_pred.shape[1]


class NoGradient(Square):
    """No gradient."""

    gradient = None


class OneFigure(Square):
    """One figure for all samples."""

    def function(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean()


class Drifts(Square):
    """Another loss in every call."""

    calls = 0

    def function(self, y_true, y_pred):
        self.calls += 1
        return super().function(y_true, y_pred) + self.calls


def test_a_right_loss_passes():
    with entered(registries.losses, Square) as name:
        fastcnn.testing.check_loss(name, ends=(None, "softmax"))


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (ForgetsHalf, r"gradients: the gradient of the input .*wrong"),
        (NoGradient, "has no gradient, so nothing can be trained"),
        (OneFigure, r"has shape \(\), not \(17,\)"),
        (Drifts, "depends on something that is hidden"),
    ],
)
def test_wrong_losses(cls, message):
    assert_found(registries.losses, cls, message)


# ---- optimizers


def step(p, g, bounds, penalties, hyper):
    p -= hyper[0] * g


class Plain(Optimizer):
    """p -= lr g"""

    kernel = "test_update"
    slot_names = ()

    def __init__(self, learning_rate=0.01, **common):
        super().__init__(learning_rate, **common)


class HidesState(Plain):
    """Steps that shrink with a count that is not saved."""

    count = 0

    def hyper(self, iteration, rate):
        self.count += 1
        return [rate / (1 + 0.1 * self.count)]


class Climbs(Plain):
    """p += lr g"""

    def hyper(self, iteration, rate):
        return [-rate]


class IgnoresRate(Plain):
    """p -= 0.01 g"""

    def hyper(self, iteration, rate):
        return [0.01]


def test_a_right_optimizer_passes():
    kernel(UPDATE, maker="numpy", name="test_update")(step)
    with entered(registries.optimizers, Plain) as name:
        fastcnn.testing.check_optimizer(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (HidesState, "resumed after 25 steps"),
        (Climbs, "does not lower the loss"),
        (IgnoresRate, "a learning rate of 0: moves parameters"),
    ],
)
def test_wrong_optimizers(cls, message):
    kernel(UPDATE, maker="numpy", name="test_update")(step)
    assert_found(registries.optimizers, cls, message)


def test_an_optimizer_that_writes_between_parameters():
    def everywhere(p, g, bounds, penalties, hyper):
        p -= hyper[0] * (g + 1)

    kernel(UPDATE, maker="numpy", name="test_update")(everywhere)
    assert_found(registries.optimizers, Plain, "numbers between the parameters")


def test_an_optimizer_that_depends_on_threads():
    @kernel(UPDATE, name="test_update")
    def shares(work, p, g, bounds, penalties, hyper):
        for i in range(work.number, p.shape[0], work.count):
            p[i] -= hyper[0] * g[i] * (1 + 1e-3 * (work.count - 1))

    assert_found(registries.optimizers, Plain, "2 threads give other bits")


# ---- schedules


class Slope(Schedule):
    """0.1 / (1 + step)"""

    def __call__(self, step, total_steps=None):
        return 0.1 / (1 + step)


class Negative(Slope):
    """Falls below 0."""

    def __call__(self, step, total_steps=None):
        return 0.1 - 0.01 * step


class Remembers(Slope):
    """Falls with every call."""

    calls = 0

    def __call__(self, step, total_steps=None):
        self.calls += 1
        return 0.1 / self.calls


class SecretlyFits(Slope):
    """Needs the length of the training, and does not say so."""

    def __call__(self, step, total_steps=None):
        return 0.1 / (1 + step / (total_steps or 10))


class SaysItFits(Slope):
    """Says that it needs a length."""

    fits_training = True


def test_a_right_schedule_passes():
    with entered(registries.schedules, Slope) as name:
        fastcnn.testing.check_schedule(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Negative, r"the rate of step 11 of 54 is -0\.00"),
        (Remembers, "depends on the calls before"),
        (SecretlyFits, "without the training's length.*another one"),
        (SaysItFits, "gives a rate without knowing its length"),
    ],
)
def test_wrong_schedules(cls, message):
    assert_found(registries.schedules, cls, message)


# ---- regularizers and constraints


def penalty(w, dw, out, *, slope):
    if dw is not None:
        dw += slope * w
    if out is not None:
        out[...] = 0.5 * (w**2).sum()


class Half(Regularizer):
    """0.5 sum w^2"""

    kernel = "test_penalty"


@pytest.mark.parametrize(
    ("slope", "message"), [(1.0, None), (1.01, "gradient: .*the gradient of 'conv2d/kernel'")]
)
def test_regularizers(slope, message):
    row = {"w": "A U B", "dw": ">? A U B", "out": ">? float64 1"}
    kernel(row, {"slope": slope}, maker="numpy", name="test_penalty")(penalty)
    if message is not None:
        assert_found(registries.regularizers, Half, message)
        return
    with entered(registries.regularizers, Half) as name:
        fastcnn.testing.check_regularizer(name)


class Clip(Constraint):
    """-1 <= w <= 1"""

    kernel = "test_clip"


def clip(w):
    np.clip(w, -1, 1, out=w)


def by_all(w):
    w /= np.abs(w).max() + 1e-7


def by_norm(w):
    w /= np.linalg.norm(w, axis=(0, 2), keepdims=True)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (clip, None),
        (by_all, "unit . depends on the others"),
        (by_norm, "weights of 0 become no finite numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_constraints(function, message):
    kernel(WEIGHTS, maker="numpy", name="test_clip")(function)
    if message is not None:
        assert_found(registries.constraints, Clip, message)
        return
    with entered(registries.constraints, Clip) as name:
        fastcnn.testing.check_constraint(name)


# ---- initializers


class Halves:
    """0.5 everywhere"""

    def __call__(self, generator, parameter):
        return np.full(parameter.shape, 0.5, np.float32)


class Doubles(Halves):
    """float64"""

    def __call__(self, generator, parameter):
        return np.full(parameter.shape, 0.5)


class Flat(Halves):
    """A row, whatever the shape is."""

    def __call__(self, generator, parameter):
        return np.full(np.prod(parameter.shape), 0.5, np.float32)


class Global(Halves):
    """Of NumPy's global generator."""

    def __call__(self, generator, parameter):
        return np.random.normal(size=parameter.shape).astype(np.float32)  # noqa: NPY002


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Doubles, "it makes float64, not float32"),
        (Flat, r"it makes \(35,\)"),
        (Global, "the same seed gives other numbers"),
    ],
)
def test_wrong_initializers(cls, message):
    assert_found(registries.initializers, cls, message)


# ---- callbacks


class Slower(Callback):
    """A smaller learning rate with every epoch of this training."""

    def on_train_begin(self, logs):
        self.learning_rate_scale, self.epochs = 1.0, 0

    def on_epoch_end(self, epoch, logs):
        self.epochs += 1
        self.learning_rate_scale = 0.8**self.epochs

    def state_dict(self):
        return {"epochs": self.epochs}

    def load_state(self, state):
        self.epochs = state["epochs"]
        self.learning_rate_scale = 0.8**self.epochs


class ForgetsState(Slower):
    """Does not save what it must know."""

    def state_dict(self):
        return {}

    def load_state(self, state):
        pass


class NeverBeginsAnew(Slower):
    """Goes on counting in the next training."""

    epochs = 0

    def on_train_begin(self, logs):
        pass


def test_a_right_callback_passes():
    with entered(registries.callbacks, Slower) as name:
        fastcnn.testing.check_callback(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (ForgetsState, "resumed after 8 steps"),
        (NeverBeginsAnew, "the same object in another training"),
    ],
)
def test_wrong_callbacks(cls, message):
    assert_found(registries.callbacks, cls, message)


# ---- metrics and augmentations


class Share(Metric):
    """How often the first class is right."""

    def __call__(self, y_true, y_pred):
        return float((y_pred.argmax(axis=1)[y_true == 0] == 0).mean())


class OfNumPy(Share):
    """No plain float."""

    def __call__(self, y_true, y_pred):
        return np.float64(1)


class Sorts(Share):
    """Sorts what it is given."""

    def __call__(self, y_true, y_pred):
        y_pred.sort()
        return 1.0


class FirstOnly(Share):
    """Looks at the first sample."""

    def __call__(self, y_true, y_pred):
        return float(y_pred[0, 0])


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (OfNumPy, "a float, not np.float64"),
        (Sorts, "read-only"),
        (FirstOnly, "another order of the samples"),
    ],
)
def test_wrong_metrics(cls, message):
    assert_found(registries.metrics, cls, message)


class Brighter(Augmentation):
    """Up to 10 grey levels more."""

    def apply(self, uniform, records):
        shift = 10 * np.repeat(uniform, records.channels, axis=1)
        records.paint(np.tile(np.eye(records.channels), (len(records), 1, 1)), shift)


class OwnRandom(Brighter):
    """Draws numbers of its own."""

    def apply(self, uniform, records):
        super().apply(np.random.random(uniform.shape), records)  # noqa: NPY002


class MixesWithEmpty(Brighter):
    """The next place is the partner, be it empty or not."""

    mixes = True

    def apply(self, uniform, records):
        super().apply(uniform, records)
        records.partner[...] = (records.partner + 1) % len(records)
        records.share[...] = 0.5


class SecretlyMixes(MixesWithEmpty):
    """Does not say that it mixes."""

    mixes = False


def test_a_right_augmentation_passes():
    with entered(registries.augmentations, Brighter) as name:
        fastcnn.testing.check_augmentation(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (OwnRandom, "the same seed and step give other images"),
        (MixesWithEmpty, "images in places 3 and 4 are mixed"),
        (SecretlyMixes, "mixes images, but says it does not"),
    ],
)
def test_wrong_augmentations(cls, message):
    assert_found(registries.augmentations, cls, message)
