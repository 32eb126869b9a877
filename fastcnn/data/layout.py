"""How folders of pictures are laid out: classes at once, or below train, validation and test.

Names of parts count in any case, alone or as a word of a longer name (training_set, seg_test).
"""

import re
from dataclasses import dataclass

from fastcnn.data.file_tree import FileTree, Parts
from fastcnn.data.parts import PART_NAMES, TEST, TRAIN, VALIDATION, part_named
from fastcnn.errors import DataError

NO_CLASSES = {"images", "unknown", "unlabeled", "unlabelled", "all"}  # inside an unlabelled test/


@dataclass(frozen=True)
class Layout:
    """splits: the folder that holds the class folders of each part; one "train" at least.

    unlabelled: folders of parts whose pictures lie in no class folder; others: further folders
        beside the parts. Neither is read.
    """

    splits: dict[str, Parts]
    unlabelled: tuple[Parts, ...] = ()
    others: tuple[Parts, ...] = ()


def find_layout(tree: FileTree) -> Layout:
    """Also one or more levels down, where a folder holds nothing but one other."""
    top = _inside_wrapper(tree, ())
    names = tree.folders_in(top)
    found = _named_splits(tree, top, names)
    flat = [name for name in found.values() if _is_flat(tree, (*top, name))]
    if names and set(names) == set(found.values()):
        _check_labelled(tree, top, found, flat)
    elif TRAIN not in found or found[TRAIN] in flat or len(found) - len(flat) < 2:
        _check_order(tree, top, names)
        return Layout({TRAIN: top})
    others = tuple((*top, name) for name in names if name not in found.values())
    splits, unlabelled = {}, []
    for split, name in found.items():
        folder = _inside_wrapper(tree, (*top, name))
        if name in flat or _is_unlabelled(tree, folder):
            unlabelled.append((*top, name))
        else:
            splits[split] = folder
    return Layout(splits, tuple(unlabelled), others)


def _check_order(tree: FileTree, top: Parts, names: list[str]) -> None:
    """cat/train, cat/test, dog/train, ...: read as classes, test pictures would be trained on."""
    inner = [{part_named(n) for n in tree.folders_in((*top, name))} for name in names]
    if len(names) > 1 and all(TRAIN in parts and parts & {VALIDATION, TEST} for parts in inner):
        raise DataError(
            f"{tree.name(top)}: each of {', '.join(names[:3])} holds a train folder and others; "
            "expected it the other way round, train/<class>"
        )


def _inside_wrapper(tree: FileTree, folder: Parts) -> Parts:
    """Down to the first folder that holds more than one, or files that may be pictures."""
    while True:
        inner = tree.folders_in(folder)
        if len(inner) != 1 or not tree.folders_in((*folder, *inner)):
            return folder
        folder = (*folder, inner[0])


def _is_flat(tree: FileTree, folder: Parts) -> bool:
    return bool(tree.files_in(folder)) and not tree.folders_in(folder)


def _is_unlabelled(tree: FileTree, folder: Parts) -> bool:
    """test/test/*.jpg and test/unknown/*.jpg: one folder, whose name is no class."""
    inner = tree.folders_in(folder)
    if len(inner) != 1 or not _is_flat(tree, (*folder, inner[0])):
        return False
    name = inner[0].casefold()
    return name in NO_CLASSES or part_named(name) == TEST


def _named_splits(tree: FileTree, top: Parts, names: list[str]) -> dict[str, str]:
    """{split: folder}. A word in a longer name counts only where folders lie below."""
    exact: dict[str, list[str]] = {}
    loose: dict[str, list[str]] = {}
    for name in names:
        if part := part_named(name):
            exact.setdefault(part, []).append(name)
        elif (split := _split_in(name)) and tree.folders_in((*top, name)):
            loose.setdefault(split, []).append(name)
    for split, found in exact.items():
        if len(found) > 1:
            both = " and ".join(f"{name}/" for name in found)
            raise DataError(f"{tree.name(top)}: {both} both name the {split} set; keep one of them")
    return {
        split: (exact.get(split) or loose[split])[0]
        for split in PART_NAMES
        if split in exact or len(loose.get(split, ())) == 1
    }


def _split_in(name: str) -> str | None:
    parts = map(part_named, re.split(r"[^a-z]+", name.casefold()))
    found = {part for part in parts if part}
    return found.pop() if len(found) == 1 else None


def _check_labelled(tree: FileTree, top: Parts, found: dict[str, str], flat: list[str]) -> None:
    """All folders are called like parts of a data set: then one has to be a labelled train/."""
    where, folders = tree.name(top), ", ".join(f"{name}/" for name in found.values())
    if TRAIN not in found:
        raise DataError(f"{where}: {folders} without a train/ (or training/) beside them")
    if found[TRAIN] in flat:
        files = tree.files_in((*top, found["train"]))
        raise DataError(
            f"{where}: {found['train']}/ holds {len(files):,} files right in it, which tells no "
            "classes; expected a sub-folder per class"
        )
