"""The jobs of a comparison: model x size x fold x seed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastcnn.compare.candidates import Candidate
from fastcnn.compare.splits import Split


@dataclass(frozen=True, eq=False)
class Job:
    candidate: Candidate
    split: Split
    threads: int
    budget: float | None  # seconds
    alone: bool = True  # no other job at the same time: energy is counted for the whole machine

    @property
    def key(self) -> dict[str, Any]:
        """What tells this job from all others, as JSON; its result begins with it."""
        split = self.split
        return {
            "model": self.candidate.title,
            "size": split.size,
            "seed": split.seed,
            "fold": split.fold,
            "candidate": self.candidate.table,
        }

    @property
    def file_name(self) -> str:
        name = re.sub(r"[^\w.+=-]+", "_", self.candidate.title)
        split = self.split
        return f"{name}-size{split.size}-seed{split.seed}-fold{split.fold}.json"


def all_jobs(
    candidates: Sequence[Candidate],
    splits: Sequence[Split],
    threads: int,
    budget: float | None,
    alone: bool = True,
) -> list[Job]:
    """Small sizes first, and all models on a split one after the other: early parts tell most."""
    order = sorted(splits, key=lambda split: (split.size, split.seed, split.fold))
    return [Job(c, split, threads, budget, alone) for split in order for c in candidates]
