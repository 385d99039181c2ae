"""Peak memory of a piece of work, on Linux."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Outcome = TypeVar("Outcome")


def _kibibytes(entry: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(entry))
    return int(line.split()[1])


def added_by(work: Callable[[], Outcome]) -> tuple[Outcome, float]:
    """The outcome of `work`, and by how many MiB the process's resident memory rose at most while it ran."""
    _CLEAR.write_text("5")  # the kernel forgets the peak so far
    before = _kibibytes("VmRSS")
    outcome = work()
    return outcome, (_kibibytes("VmHWM") - before) / 1024
