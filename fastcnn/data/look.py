"""What lies in a folder, in a few words, for messages about data that can't be read."""

from collections import Counter
from pathlib import Path

from fastcnn.data.file_tree import FileTree, Parts, list_folder
from fastcnn.data.picture_set import first_names
from fastcnn.data.picture_types import TYPES
from fastcnn.errors import DataError

KIND_OF = {suffix: kind.name for kind in TYPES.values() for suffix in kind.suffixes}
# What other tools make, told by names of files and folders right below the top.
FOREIGN = (
    ({"images", "labels"}, "YOLO's data for detection: boxes, no classes of whole pictures"),
    ({"jpegimages", "annotations"}, "Pascal VOC's data for detection"),
    ({"_annotations.coco.json"}, "a COCO export: boxes, no classes of whole pictures"),
    ({"data.yaml"}, "a YOLO export: choose the export as folders instead"),
    ({"dataset_info.json"}, "a data set of TensorFlow Datasets or Hugging Face"),
    ({"cifar-10-batches-py"}, "CIFAR's Python version: take the binary one"),
    ({"data_batch_1", "batches.meta"}, "CIFAR's Python version: take the binary one"),
)


def describe_folder(path: Path) -> str:
    """ "there lie: 2 folders (a, b), 13 JPEG, 1 .csv (labels.csv)", and what it looks like."""
    try:
        return describe_tree(list_folder(path))
    except DataError as error:
        return f"it can't be listed ({error})"


def describe_tree(tree: FileTree, top: Parts = ()) -> str:
    folders = tree.folders_in(top)
    files = [entry.parts[len(top) :] for entry in tree.files_below(top)]
    said = [f"{len(folders):,} folder{'s' * (len(folders) > 1)} ({first_names(folders)})"]
    kinds = Counter(_kind(parts[-1]) for parts in files)
    for kind, count in kinds.most_common():
        names = ["/".join(parts) for parts in files if _kind(parts[-1]) == kind]
        said.append(f"{count:,} {kind} ({first_names(names[:2] if count > 2 else names)})")
    lies = ", ".join(said if folders else said[1:]) or "nothing"
    return f"there lie: {lies}{looks_like(tree, top)}"


def looks_like(tree: FileTree, *tops: Parts) -> str:
    """ "; this looks like YOLO's data ...", if one of these folders does."""
    for top in tops:
        names = (*tree.folders_in(top), *(entry.parts[-1] for entry in tree.files_in(top)))
        there = {name.casefold() for name in names}
        for needed, text in FOREIGN:
            if needed <= there:
                return f"; this looks like {text}"
    return ""


def _kind(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return KIND_OF.get(suffix, suffix or "without suffix")
