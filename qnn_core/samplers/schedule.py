"""How the two terms of a transverse-field annealer change during an anneal, read from a table.

    H(s) = -A(s) sum_n X_n + B(s) E(Z),     s = t / duration from 0 to 1

A table is a CSV file with the columns s, A and B. `linear` has A = 1 - s and B = s. `dwave-like` has the shape of the schedules that
D-Wave publishes for its Advantage machines (https://docs.dwavequantum.com, "Per-QPU Solver Properties and Schedules"): a transverse
field that falls almost exponentially and is gone well before the end, and a problem that grows almost quadratically. It is our own
smooth curve of that shape, no machine's measured one; a table of a machine's own can be given instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from qnn_core.errors import InvalidInput, MissingData, check

_TABLES = Path(__file__).parent / "schedules"


@dataclass(frozen=True, eq=False)
class AnnealingSchedule:
    """A(s) and B(s) at given points, straight lines between them.

    s: from 0 to 1, rising. transverse, problem: A and B there, at least 0, in the unit whose inverse is the unit of time.
    """

    s: Float64[np.ndarray, " points"]
    transverse: Float64[np.ndarray, " points"]
    problem: Float64[np.ndarray, " points"]

    def __post_init__(self) -> None:
        fits = len(self.s) >= 2 and self.s[0] == 0 and self.s[-1] == 1 and (np.diff(self.s) > 0).all()
        check(fits, "s", self.s.tolist(), "at least two rising numbers, the first 0 and the last 1")
        for name, values in (("A", self.transverse), ("B", self.problem)):
            check(np.isfinite(values).all() and (values >= 0).all(), name, values.tolist(), "finite numbers of at least 0")

    def at(self, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A and B at some values of s."""
        return np.interp(moments, self.s, self.transverse), np.interp(moments, self.s, self.problem)


def load_schedule(name: str) -> AnnealingSchedule:
    """A schedule by name (`linear`, `dwave-like`) or by the path of a CSV file with the columns s, A, B.

    >>> transverse, problem = load_schedule("linear").at(np.array([0.25]))
    >>> float(transverse[0]), float(problem[0])
    (0.75, 0.25)
    """
    known = sorted(table.stem for table in _TABLES.glob("*.csv"))
    path = _TABLES / f"{name}.csv" if name in known else Path(name)
    check(path.suffix == ".csv", "schedule", name, f"one of {', '.join(known)}, or the path of a .csv file")
    if not path.is_file():
        raise MissingData(
            f"the annealing schedule {path} is not there: give {', '.join(known)}, or a file with the columns s,A,B"
        )
    header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    check(header.replace(" ", "") == "s,A,B", "schedule", name, "a table whose first line is s,A,B")
    try:
        table = np.array([[float(number) for number in line.split(",")] for line in lines if line.strip()])
    except ValueError as error:
        raise InvalidInput("schedule", name, f"a table of numbers ({error})") from None
    check(table.ndim == 2 and table.shape[1] == 3, "schedule", name, "three numbers a line: s, A and B")
    return AnnealingSchedule(*np.ascontiguousarray(table.T))
