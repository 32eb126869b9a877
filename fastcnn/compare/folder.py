"""The folder of one comparison: what was asked for, the result of each job, the reports."""

import json
from pathlib import Path
from typing import Any

from fastcnn.compare.jobs import Job
from fastcnn.compare.measure import DONE, check_result
from fastcnn.compare.options import check_types
from fastcnn.errors import DataError, OptionError
from fastcnn.training.checked import Table, read_json
from fastcnn.training.model_file import remove_litter, write_text

# May differ when a comparison goes on: models, sizes and seeds that are new are only added.
EXTENDS = ("models", "sizes", "seeds", "optimizers")


class ComparisonFolder:
    """comparison.json, jobs/*.json; results.json, results.csv, report.md and report.html."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.record = self.path / "comparison.json"
        self.jobs = self.path / "jobs"
        self.results = self.path / "results.json"
        self.csv = self.path / "results.csv"
        self.markdown = self.path / "report.md"
        self.page = self.path / "report.html"

    @classmethod
    def create(cls, wanted: str | Path | None, default: Path, resume: bool) -> "ComparisonFolder":
        """The wanted folder, else the default one with a number; both without a comparison yet."""
        if wanted is not None:
            folder = cls(wanted)
            if folder.record.exists() and not resume:
                raise OptionError(
                    f"{folder.path} holds a comparison already: choose another --out, or go on "
                    "with --resume"
                )
            return folder
        number, path = 1, default
        while path.exists():
            number += 1
            path = default.with_name(f"{default.name}-{number}")
        return cls(path)

    def read_record(self) -> dict[str, Any]:
        """Of the comparison that is to go on."""
        record = Table(_read(self.record), str(self.record), DataError)
        where = f"{self.record}: arguments"
        check_types(record.table("arguments").values, where, DataError)
        record.text("data_sha256")
        return record.values

    def begin(self, arguments: dict[str, Any], fingerprint: str) -> None:
        """Write down what is compared; what lies here already must be of the same comparison."""
        if self.record.exists():
            old = self.read_record()
            self._check(old["arguments"], arguments)
            if old["data_sha256"] != fingerprint:
                raise DataError(f"{arguments['data']} has changed since {self.record} was written")
        for folder in (self.path, self.jobs):
            remove_litter(folder)
        record = {"arguments": arguments, "data_sha256": fingerprint}
        write_text(self.record, json.dumps(record, indent=2) + "\n")

    def _check(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        for name in sorted({*old, *new} - set(EXTENDS)):
            if old.get(name) != new.get(name):
                raise OptionError(
                    f"{self.path} was compared with {name} {old.get(name)!r}, not "
                    f"{new.get(name)!r}: choose another --out"
                )

    def save(self, job: Job, result: dict[str, Any]) -> None:
        """At once and whole: a comparison that is killed loses only what was running."""
        write_text(self.jobs / job.file_name, json.dumps(result) + "\n")

    def finished(self, job: Job, classes: int) -> dict[str, Any] | None:
        """The result of exactly this job, if it lies here; those that failed are tried again."""
        path = self.jobs / job.file_name
        if not path.exists():
            return None
        result = Table(_read(path), str(path), DataError).values
        same = all(result.get(name) == value for name, value in job.key.items())
        if not same or result.get("status") != DONE:
            return None
        check_result(result, len(job.split.test), classes, str(path))
        return result


def _read(path: Path) -> Any:
    return read_json(path, "the folder of a comparison", DataError)
