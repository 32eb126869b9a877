"""The learning rate of `fastcnn train`, from --lr, --schedule, model file and recipe."""

import inspect
from typing import Any

from fastcnn.commands.named_options import named_options
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import optimizers, schedules


def learning_rate(table: dict[str, Any], rate: float | None, schedule: str | None) -> Any:
    """A number or a schedule's table for this optimizer's table, with what the user asked for.

    A schedule that does not name its rate gets the one that the optimizer would have without it.
    """
    given = table.get("learning_rate", _default_rate(table["name"]))
    if schedule is None:
        return given if rate is None else _with_rate(given, rate)
    wanted = named_options(schedule, "--schedule", schedules)
    if rate is not None:
        return _with_rate(wanted, rate)
    if base_rate(wanted) is None and schedules.get(wanted["name"]).rate_option:
        return _with_rate(wanted, base_rate(given) or _default_rate(table["name"]))
    return wanted


def base_rate(value: Any) -> float | None:
    """The rate by which a schedule (number, name or table) is scaled, if it names one."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict):
        return value
    option = schedules.get(value["name"]).rate_option
    return base_rate(value[option]) if option in value else None


def _with_rate(value: Any, rate: float) -> Any:
    """The same schedule, scaled by another rate."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict):
        return rate
    option = schedules.get(value["name"]).rate_option
    if option is None:
        raise OptionError(f"--lr: the schedule {value['name']!r} has its rates among its options")
    return value | {option: _with_rate(value.get(option), rate)}


def _default_rate(optimizer: str) -> float:
    return inspect.signature(optimizers.get(optimizer)).parameters["learning_rate"].default
