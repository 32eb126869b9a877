"""How the pictures of a data set were read, for messages and for the record of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastcnn.data.picture_set import counted, first_names, reason_texts


@dataclass(frozen=True)
class PictureRecord:
    """background, bits: see `PictureOptions`; bits is None where no picture has 16.

    damaged, left_out: {file: why it isn't among the images}; notes: {what was found: its files}
    """

    background: tuple[int, int, int]
    bits: int | None = None
    damaged: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, list[str]] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """A line for each thing that a user should know."""
        texts = [f"left out {text}" for text in reason_texts(self.left_out)]
        texts += [f"left out as damaged {text}" for text in reason_texts(self.damaged)]
        texts += [f"{counted(n)}: {note} ({first_names(n)})" for note, n in self.notes.items()]
        if self.bits is not None:
            texts.append(
                f"16-bit pictures, taken as {self.bits} bits: {2**self.bits - 1:,} is stored as 1.0"
            )
        return texts

    def record(self) -> dict[str, Any]:
        """For run.json: all names of damaged files, of others how many for each reason."""
        left_out: dict[str, int] = {}
        for reason in self.left_out.values():
            left_out[reason] = left_out.get(reason, 0) + 1
        return {"bits": self.bits, "damaged": dict(self.damaged), "left_out": left_out}
