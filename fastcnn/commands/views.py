"""`--views`: several views of each image, whose outputs are averaged."""

from typing import TYPE_CHECKING, Any

from fastcnn.commands.named_options import named_options
from fastcnn.engine.views import Views
from fastcnn.errors import OptionError
from fastcnn.model import Model

if TYPE_CHECKING:
    from fastcnn.commands.find_model import Found


def views_option(
    text: str | None, arguments: dict[str, Any] | None, model: "Found"
) -> dict[str, Any]:
    """What `evaluate` and `predict` are given: {"views": table}, or nothing.

    text: "flip=true,shift=1", or "none"; by default the views of the run with these arguments.
    """
    if text is None:
        table = (arguments or {}).get("views")
    elif text == "none":
        table = None
    else:
        table = named_options(f"views:{text}", "--views", None)
        del table["name"]
    if table is None:
        return {}
    if not isinstance(model, Model):
        raise OptionError("--views are for networks, not for baselines")
    Views.of(table)
    return {"views": table}
