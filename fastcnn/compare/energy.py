"""Energy of the processor, where the machine tells: RAPL counters of Intel and AMD under Linux."""

from pathlib import Path

ROOT = Path("/sys/class/powercap")


class Energy:
    """Joules of all processor packages from `start` on; None where there is no counter to read.

    The counters are of the whole machine: other processes are in them.
    """

    def __init__(self, root: Path = ROOT) -> None:
        # intel-rapl:0 is a package (AMD's too); intel-rapl:0:1 is a part of it.
        self.packages = sorted(p for p in root.glob("intel-rapl:*") if p.name.count(":") == 1)

    def start(self) -> None:
        self._before = self._read()

    def joules(self) -> float | None:
        after = self._read()
        if not self._before or self._before.keys() != after.keys():
            return None
        return sum(self._used(p, self._before[p], after[p]) for p in after) / 1e6

    def _used(self, package: Path, before: int, after: int) -> int:
        """Microjoules; a counter begins again at 0 after its largest value."""
        return after - before + (_number(package / "max_energy_range_uj") or 0) * (after < before)

    def _read(self) -> dict[Path, int]:
        values = {package: _number(package / "energy_uj") for package in self.packages}
        return {package: value for package, value in values.items() if value is not None}


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
