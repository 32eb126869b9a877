"""Which file a user means by MODEL."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastcnn.data.known_formats import foreign_model
from fastcnn.data.look import describe_folder
from fastcnn.data.rawfile import near_name
from fastcnn.errors import ModelFileError, OptionError
from fastcnn.model import Model
from fastcnn.saving import load_model
from fastcnn.training.model_file import read_document
from fastcnn.training.run_folder import RunFolder

if TYPE_CHECKING:
    from fastcnn.commands.baseline_model import BaselineModel

    Found = Model | BaselineModel


def find_model(path: str, threads: int | None = None, backend: str | None = None) -> "Found":
    """The model of a file, or the finished model (else the checkpoint) of a run folder."""
    file = model_file(path)
    if read_document(file).get("kind") != "baseline":
        return load_model(file, threads=threads, backend=backend)
    if backend is not None:
        raise OptionError(f"{path} is a baseline: its kernels' backend is set by FASTCNN_BACKEND")
    from fastcnn.classical.saving import load_baseline
    from fastcnn.commands.baseline_model import BaselineModel  # it imports scikit-learn

    return BaselineModel(load_baseline(file, threads=threads))


def find_classifier(path: str, threads: int | None = None, backend: str | None = None) -> "Found":
    """The same, for commands that give it images and read the probabilities of classes."""
    model = find_model(path, threads, backend)
    if not isinstance(model, Model):
        return model
    graph = model.graph
    inputs, outputs = ([n.shape for n in nodes] for nodes in (graph.inputs, graph.outputs))
    if len(inputs) > 1 or len(outputs) > 1 or len(inputs[0]) != 3:
        raise OptionError(
            "the command line takes models with one input of images and one output; "
            f"{path} makes {outputs} from {inputs} (channels first): use it in Python"
        )
    return model


def model_file(path: str) -> Path:
    if not path or not Path(path).exists():
        near = near_name(Path(path))
        raise ModelFileError(f"{path}: no such model file or run folder{near}")
    if not Path(path).is_dir():
        return Path(path)
    folder = RunFolder(path)
    for file in (folder.model, folder.checkpoint):
        if file.exists():
            return file
    if reason := foreign_model(Path(path)):
        raise ModelFileError(reason)
    raise ModelFileError(
        f"{path}: no {folder.model.name} and no {folder.checkpoint.name} in it; "
        f"{describe_folder(Path(path))}"
    )


def run_folder(path: str) -> RunFolder:
    """The run of a folder or of a file in it, to go on with."""
    given = Path(path)
    if not given.exists():
        raise ModelFileError(f"{path}: no such run folder or checkpoint{near_name(given)}")
    if reason := foreign_model(given):
        raise ModelFileError(reason)
    folder = RunFolder.of(given)
    if not folder.record.exists():
        lies = describe_folder(folder.path)
        raise ModelFileError(f"{path}: no {folder.record.name} there, the record of a run; {lies}")
    return folder


def run_arguments(path: str) -> dict[str, Any] | None:
    """The arguments of the run that the model belongs to, if its record lies beside it."""
    folder = RunFolder.of(path)
    return folder.read_record()["arguments"] if folder.record.exists() else None
