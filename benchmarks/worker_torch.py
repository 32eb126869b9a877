"""PyTorch. A mode is words of MODE_WORDS joined by "+". See serve.py."""

import math
from itertools import cycle
from typing import Any

import torch
from common import BATCHES, Net, random_data
from serve import Run, repeat, serve
from torch import nn
from torch.nn import functional

MODE_WORDS = {
    "infer": "forward passes alone",
    "eager": "layers run one by one",
    "fused": "fused optimizer, or foreach where there is no fused one",
    "channels_last": "images and weights in NHWC order",
    "compile": "torch.compile of net and loss",
    "compile_step": "torch.compile of the optimizer, too",
    "cpp_wrapper": "inductor's option for fewer Python calls",
    "bf16": "forward and loss under autocast; weights and the optimizer's state stay float32",
}
ACTIVATIONS = {"relu": lambda: nn.ReLU(inplace=True), "tanh": nn.Tanh, "gelu": nn.GELU}
OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


class Residual(nn.Module):
    """The sum of two stacks' results."""

    def __init__(self, main: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x) + self.shortcut(x)


def build(net: Net) -> nn.Sequential:
    model = stack(net.layers)
    height, width, channels = net.input
    model(torch.zeros(2, channels, height, width))  # settles the shapes of the lazy layers
    for module in model.modules():
        if getattr(module, "frozen", False):
            module.requires_grad_(False)
        if getattr(module, "shift_alone", False):
            module.weight.requires_grad_(False)
    return model


def stack(specs: list[dict[str, Any]]) -> nn.Sequential:
    modules: list[nn.Module] = []
    for spec in specs:
        modules += layer(spec)
        if "activation" in spec and spec["name"] != "activation":
            modules.append(ACTIVATIONS[spec["activation"]]())
    return nn.Sequential(*modules)


def layer(spec: dict[str, Any]) -> list[nn.Module]:
    match spec["name"]:
        case "conv2d":
            return [convolution(spec)]
        case "dense":
            return [nn.LazyLinear(spec["units"], bias=spec.get("use_bias", True))]
        case "batch_normalization":
            norm = nn.LazyBatchNorm2d(momentum=1 - spec["momentum"])
            norm.shift_alone = not spec["scale"]
            return [norm]
        case "max_pooling2d":
            size = spec["pool_size"]
            return [nn.MaxPool2d(size, spec.get("strides", size), spec.get("padding", 0))]
        case "average_pooling2d":
            return [nn.AvgPool2d(spec["pool_size"])]
        case "global_average_pooling2d":
            return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        case "flatten":
            return [nn.Flatten()]
        case "dropout":
            return [nn.Dropout(spec["rate"])]
        case "activation":
            return [ACTIVATIONS[spec["activation"]]()]
        case "residual":
            return [Residual(stack(spec["main"]), stack(spec["shortcut"]))]
    raise ValueError(f"nets.toml: no PyTorch layer for {spec}")


def convolution(spec: dict[str, Any]) -> nn.Module:
    size, padding = spec["kernel_size"], spec.get("padding", 0)
    if padding == "same" and size % 2:
        padding = size // 2  # the same, without the detour over a string
    strides, bias = spec.get("strides", 1), spec.get("use_bias", True)
    conv = nn.LazyConv2d(spec["filters"], size, strides, padding, bias=bias)
    conv.frozen = not spec.get("trainable", True)
    return conv


def optimizer(net: Net, model: nn.Module, fused: bool) -> torch.optim.Optimizer:
    options = dict(net.optimizer)
    name = options.pop("name")
    options["lr"] = options.pop("learning_rate")
    if fused:
        options["fused" if name in ("adam", "sgd") else "foreach"] = True
    learning = [p for p in model.parameters() if p.requires_grad]
    return OPTIMIZERS[name](learning, **options)


def multiply_adds(model: nn.Module, images: torch.Tensor) -> int:
    """Of one image, counted in a forward pass of the real net."""
    total = 0

    def count(module: Any, inputs: Any, output: torch.Tensor) -> None:
        nonlocal total
        total += module.weight.numel() * math.prod(output.shape[2:])

    heavy = (nn.Conv2d, nn.Linear)
    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, heavy)]
    with torch.no_grad():
        model(images[:1])
    for hook in hooks:
        hook.remove()
    return total


def worker(net: Net, batch: int, threads: int, mode: str) -> tuple[Run, dict[str, Any]]:
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(0)
    words = set(mode.split("+"))
    if unknown := words - set(MODE_WORDS):
        raise SystemExit(f"no PyTorch mode {unknown}; there are {', '.join(MODE_WORDS)}")
    memory = torch.channels_last if "channels_last" in words else torch.contiguous_format
    model = build(net).to(memory_format=memory)
    pixels, numbers = random_data(net, batch)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(memory_format=memory)
    labels = torch.from_numpy(numbers)
    facts = facts_of(model, images)
    if "infer" in words:
        return repeat(forward_pass(model, images, batch, words)), facts
    return repeat(training_step(net, model, images, labels, batch, words)), facts


def facts_of(model: nn.Module, images: torch.Tensor) -> dict[str, Any]:
    return {
        "version": f"PyTorch {torch.__version__}",
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "multiply_adds": multiply_adds(model, images),
    }


def forward_pass(model: nn.Module, images: torch.Tensor, batch: int, words: set[str]) -> Any:
    infer = model.eval()
    if "compile" in words:
        infer = torch.compile(model, dynamic=False, options={"freezing": True})
    parts = cycle(images.split(batch))

    def step() -> None:
        with torch.inference_mode():
            infer(next(parts))

    return step


def training_step(
    net: Net,
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    batch: int,
    words: set[str],
) -> Any:
    update = optimizer(net, model, "fused" in words)
    apply = update.step

    rounded = "bf16" in words

    def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
            return functional.cross_entropy(model(x), y)

    if "compile" in words:
        options = {"cpp_wrapper": True} if "cpp_wrapper" in words else None
        loss_of = torch.compile(loss_of, dynamic=False, options=options)
    if "compile_step" in words:
        apply = torch.compile(apply)
    done = 0

    def step() -> None:
        nonlocal done
        start = done % BATCHES * batch
        done += 1
        update.zero_grad(set_to_none=True)
        loss_of(images[start : start + batch], labels[start : start + batch]).backward()
        apply()

    return step


if __name__ == "__main__":
    serve(worker)
