"""What a comparison says, in plain words."""

from collections.abc import Sequence
from typing import Any

from fastcnn.compare.measures import p_text, percent

LEVEL = 0.05
CLOSE = 0.05  # an interval of the difference within 5 points either way: "as good as"
LARGE_GAP = 0.15  # training minus test accuracy that is worth a sentence
FRACTIONS = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 10: "a tenth"}

Row = dict[str, Any]


def verdict(rows: Sequence[Row], tests: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence on who wins at which size, and others on what to know about it."""
    sizes = sorted({row["size"] for row in rows})
    at = {size: [r for r in rows if r["size"] == size and r["test_accuracy"]] for size in sizes}
    at = {size: found for size, found in at.items() if found}
    if not at:
        return ["No model came to an end."]
    sentences = [_winners(at, tests)] if len(at[max(at)]) > 1 else [_alone(at)]
    return [*sentences, *_gaps(at[max(at)]), *_failures(rows)]


def _alone(at: dict[int, list[Row]]) -> str:
    parts = [f"{percent(_accuracy(rows[0]))} with {_images(size)}" for size, rows in at.items()]
    return f"{at[max(at)][0]['model']} reaches {_listed(parts)}."


def _winners(at: dict[int, list[Row]], tests: Sequence[dict[str, Any]]) -> str:
    """Sizes with the same outcome are told once: "from 2,000 images X wins"."""
    outcomes = {
        size: _Outcome(rows, [test for test in tests if test["size"] == size])
        for size, rows in at.items()
    }
    sizes, parts = list(outcomes), []
    start = 0
    while start < len(sizes):
        end = start + 1
        while end < len(sizes) and outcomes[sizes[end]].key == outcomes[sizes[start]].key:
            end += 1
        parts.append(f"{_range(sizes, start, end)} {outcomes[sizes[end - 1]].text}")
        start = end
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _range(sizes: list[int], start: int, end: int) -> str:
    if end - start == 1:
        return f"with {_images(sizes[start])}"
    if end == len(sizes):
        return f"from {_images(sizes[start])} on" if start else "at every size"
    return f"with {sizes[start]:,} to {_images(sizes[end - 1])}"


class _Outcome:
    """Who is best at one size, and which cheaper model is as good.

    key: what two sizes must share to be told in one.
    """

    def __init__(self, rows: list[Row], tests: list[dict[str, Any]]) -> None:
        self.rows = sorted(rows, key=_accuracy, reverse=True)
        self.best = self.rows[0]
        self.tests = {frozenset((t["first"], t["second"])): t for t in tests}
        rivals = [row for row in self.rows[1:] if self._undecided(row)]
        cheap = min([self.best, *rivals], key=_seconds)
        if not rivals:
            self.key: tuple[str | bool, ...] = ("wins", self.best["model"])
            self.text = self._wins()
        elif cheap is self.best:
            near = any(_about_as_long(self.best, row) for row in rivals)
            self.key, self.text = ("leads", self.best["model"], near), self._leads(rivals, near)
        else:
            time = _about_as_long(self.best, cheap)
            self.key = ("cheap", self.best["model"], cheap["model"], self._word(cheap), time)
            self.text = self._cheaper(cheap)

    def _test(self, row: Row) -> dict[str, Any] | None:
        return self.tests.get(frozenset((self.best["model"], row["model"])))

    def _undecided(self, row: Row) -> bool:
        test = self._test(row)
        return test is None or test["p_adjusted"] > LEVEL

    def _word(self, row: Row) -> str:
        """Whether nothing was found, or nothing could be found."""
        test = self._test(row)
        if test is None:
            return "untested"
        narrow = max(abs(test["low"]), abs(test["high"])) <= CLOSE
        return "as good" if narrow else "open"

    def _wins(self) -> str:
        second = self.rows[1]
        test = self._test(second)
        ahead = f"{percent(_accuracy(self.best))}, ahead of {second['model']} with "
        return (
            f"{self.best['model']} wins ({ahead}{percent(_accuracy(second))}; "
            f"{p_text(test['p_adjusted']) if test else 'not tested'})"
        )

    def _leads(self, rivals: list[Row], near: bool) -> str:
        names = _listed([f"{row['model']} ({self._p(row)})" for row in rivals])
        return (
            f"{self.best['model']} has the best accuracy ({percent(_accuracy(self.best))}) and "
            f"takes the least time{' or about the same' if near else ''} among those that are not "
            f"proven worse: {names}"
        )

    def _cheaper(self, cheap: Row) -> str:
        time = _time(_seconds(cheap) / _seconds(self.best), _about_as_long(self.best, cheap))
        figures = (
            f"{percent(_accuracy(cheap))} and {percent(_accuracy(self.best))}, {self._p(cheap)}"
        )
        if self._word(cheap) == "as good":
            return f"{cheap['model']} is as good as {self.best['model']} ({figures}) {time}"
        return (
            f"{cheap['model']} can't be told from {self.best['model']} ({figures}), {time}; more "
            "folds, seeds or test images would tell"
        )

    def _p(self, row: Row) -> str:
        test = self._test(row)
        return p_text(test["p_adjusted"]) if test else "not tested"


def _gaps(rows: list[Row]) -> list[str]:
    """The model that learns most by heart."""
    row = max(rows, key=_gap)
    if _gap(row) < LARGE_GAP:
        return []
    training, test = row["train_accuracy"]["mean"], _accuracy(row)
    return [
        f"{row['model']} learns most by heart: it tells {percent(training)} of its "
        f"{_images(row['size'])} rightly, but {percent(test)} of the test images."
    ]


def _failures(rows: Sequence[Row]) -> list[str]:
    failed: dict[str, Row] = {row["model"]: row for row in rows if row["failed"]}
    return [
        f"{name} failed {_times(sum(r['failed'] for r in rows if r['model'] == name))}: "
        f"{row['errors'][0]}"
        for name, row in failed.items()
    ]


def _about_as_long(first: Row, second: Row) -> bool:
    """Whether the intervals of their times overlap; of a single run, whether they are within 10 %.

    A difference may be there all the same, but is not shown: overlap is stricter than a test.
    """
    spans = [
        (row["fit_seconds"].get("low"), row["fit_seconds"].get("high")) for row in (first, second)
    ]
    (low, high), (other_low, other_high) = spans
    if None in (low, high, other_low, other_high):
        return abs(_seconds(first) - _seconds(second)) < 0.1 * max(map(_seconds, (first, second)))
    return low <= other_high and other_low <= high


def _time(ratio: float, about_the_same: bool) -> str:
    """ "at a tenth of the time"; ratio: below 1, of the cheaper one"""
    if about_the_same:
        return "at about the same time"
    if ratio > 0.9:
        return f"at {100 * ratio:.0f} % of the time"
    nearest = min(FRACTIONS, key=lambda n: abs(1 / n - ratio) * n)
    if abs(nearest * ratio - 1) < 0.15:
        return f"at {FRACTIONS[nearest]} {'' if nearest == 2 else 'of '}the time"
    return (
        f"at {100 * ratio:.0f} % of the time"
        if ratio > 0.1
        else f"at 1/{1 / ratio:.0f} of the time"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _images(size: int) -> str:
    return f"{size:,} images"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _accuracy(row: Row) -> float:
    return row["test_accuracy"]["mean"]


def _seconds(row: Row) -> float:
    return row["fit_seconds"]["mean"]


def _gap(row: Row) -> float:
    return row["train_accuracy"]["mean"] - _accuracy(row)
