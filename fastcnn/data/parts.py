"""Names of the parts of a data set: folders, columns, arrays and files share one table."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PART_NAMES = {
    TRAIN: ("train", "training"),
    VALIDATION: ("val", "valid", "validation", "dev"),
    TEST: ("test", "testing"),
}
_PARTS = {name: part for part, names in PART_NAMES.items() for name in names}


def part_named(name: str) -> str | None:
    """TRAIN, VALIDATION or TEST, by a name in any case; None for any other name."""
    return _PARTS.get(name.strip().lower())


def part_names() -> str:
    """All names, for messages."""
    return ", ".join(_PARTS)
