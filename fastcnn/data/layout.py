"""How folders of pictures are laid out: classes at once, or below train, validation and test.

Names of parts count in any case, alone or as a word of a longer name (training_set, seg_test).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastcnn.data.file_tree import FileTree, Parts
from fastcnn.data.parts import PART_NAMES, TEST, TRAIN, VALIDATION, part_named
from fastcnn.data.picture_set import first_names
from fastcnn.data.picture_types import SUFFIXES
from fastcnn.errors import DataError

NO_CLASSES = {"images", "unknown", "unlabeled", "unlabelled", "all"}  # inside an unlabelled test/
MORE = r"(?:set|data|images|imgs|photos|pictures|split)"  # what names of parts go on with
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
PART_WORD = re.compile(rf"(.+?){MORE}?")


@dataclass(frozen=True)
class Layout:
    """splits: the folder that holds the class folders of each part; one "train" at least.

    unlabelled: folders of parts whose pictures lie in no class folder; others: further folders
        beside the parts. Neither is read. notes: what may be meant otherwise
    """

    splits: dict[str, Parts]
    unlabelled: tuple[Parts, ...] = ()
    others: tuple[Parts, ...] = ()
    notes: tuple[str, ...] = ()


def find_layout(tree: FileTree) -> Layout:
    """Also one or more levels down, where a folder holds nothing but one other."""
    top = _inside_wrapper(tree, ())
    names = tree.folders_in(top)
    found = _named_splits(tree, top, names)
    flat = [name for name in found.values() if _is_flat(tree, (*top, name))]
    others = [name for name in names if name not in found.values()]
    if not _are_parts(tree, top, found, flat, others):
        _check_order(tree, top, names)
        _check_beside(tree, top, found, others)
        return Layout({TRAIN: top}, notes=tuple(_notes(tree, top, names)))
    _check_labelled(tree, top, found, flat)
    splits, unlabelled = {}, []
    for split, name in found.items():
        folder = _inside_wrapper(tree, (*top, name))
        if name in flat or _is_unlabelled(tree, folder):
            unlabelled.append((*top, name))
        else:
            splits[split] = folder
    return Layout(splits, tuple(unlabelled), tuple((*top, name) for name in others))


def _are_parts(
    tree: FileTree, top: Parts, found: dict[str, str], flat: list[str], others: list[str]
) -> bool:
    """Whether the folders are parts of a data set, not classes of which one is called so."""
    others = [name for name in others if name.casefold() not in NO_CLASSES]
    if len(found) > 1 or not others or not found:
        return bool(found)
    if TRAIN not in found or found[TRAIN] in flat:
        return False
    train = _inside_wrapper(tree, (*top, found[TRAIN]))
    classes = set(tree.folders_in(train))
    inner = {name: tree.folders_in(_inside_wrapper(tree, (*top, name))) for name in others}
    unclear = [name for name in others if _holds_pictures(tree, (*top, name))]
    if not unclear or any(classes & set(below) for below in inner.values()):
        return True
    raise DataError(
        f"{tree.name(top)}: {found[TRAIN]}/ holds folders ({', '.join(sorted(classes)[:3])}) as a "
        f"training set does, and {unclear[0]}/ lies beside it: give {tree.name(train)} if that "
        "is the data; a class called train holds its pictures right in it"
    )


def _holds_pictures(tree: FileTree, folder: Parts) -> bool:
    return any(entry.parts[-1].lower().endswith(SUFFIXES) for entry in tree.files_below(folder))


def _notes(tree: FileTree, top: Parts, names: list[str]) -> Iterator[str]:
    for name in names:
        if part_named(name):
            yield f"{name}/ is taken as a class, not as a part of the data"
    inner = {tuple(tree.folders_in((*top, name))) for name in names}
    if len(names) > 1 and len(inner) == 1 and len(below := inner.pop()) > 1:
        yield (
            f"each of {first_names(names)} holds the folders {first_names(below)}: these are taken "
            "as parts of its class"
        )


def _check_beside(tree: FileTree, top: Parts, found: dict[str, str], classes: list[str]) -> None:
    """cat, dog, test/cat, test/dog: read as classes, test/ would be a third one."""
    for name in found.values():
        folder = _inside_wrapper(tree, (*top, name))
        both = sorted(set(tree.folders_in(folder)) & set(classes))
        if both:
            raise DataError(
                f"{tree.name(top)}: {', '.join(both[:3])} lie in {name}/ and beside it; expected "
                f"those for training in train/, beside {name}/"
            )


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
    return name in NO_CLASSES or name == folder[-1].casefold() or part_named(name) == TEST


def _named_splits(tree: FileTree, top: Parts, names: list[str]) -> dict[str, str]:
    """{split: folder}. Longer names count where folders lie below, or if they begin so."""
    exact: dict[str, list[str]] = {}
    loose: dict[str, list[str]] = {}
    for name in names:
        if part := part_named(name):
            exact.setdefault(part, []).append(name)
        elif split := _split_in(name) if tree.folders_in((*top, name)) else _split_of(name):
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
    """Of seg_train, TestData, val2017, trainset: a word in the name."""
    found = {part for word in WORD.findall(name) if (part := _part_word(word))}
    return found.pop() if len(found) == 1 else None


def _split_of(name: str) -> str | None:
    """Of train2017, test1, test_images, TestData, but not of test_tube or steam_train."""
    first, *rest = WORD.findall(name) or [""]
    return _part_word(first) if all(re.fullmatch(MORE, word.lower()) for word in rest) else None


def _part_word(word: str) -> str | None:
    found = PART_WORD.fullmatch(word.casefold())
    return part_named(found[1]) if found else None


def _check_labelled(tree: FileTree, top: Parts, found: dict[str, str], flat: list[str]) -> None:
    """All folders are called like parts of a data set: then one has to be a labelled train/."""
    where, folders = tree.name(top), ", ".join(f"{name}/" for name in found.values())
    if TRAIN not in found:
        raise DataError(f"{where}: {folders} without a train/ (or training/) beside them")
    if found[TRAIN] in flat:
        files = tree.files_in((*top, found[TRAIN]))
        raise DataError(
            f"{where}: {found[TRAIN]}/ holds {len(files):,} files right in it, which tells no "
            "classes; expected a sub-folder per class, or a table of pictures (path,label)"
        )
