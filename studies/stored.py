"""Results as studies read them: arrays by name, with what made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Result:
    """A stored result: where it was read from, `arrays` by name, and `provenance`, the content of the .json beside it."""

    path: str
    arrays: dict[str, np.ndarray]
    provenance: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


def stack(results: Iterable[Result], name: str) -> np.ndarray:
    """One array of several results stacked along a new first axis, one row a run."""
    return np.stack([result[name] for result in results])


def stack_rows(rows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays by name, the rows of a study stacked along a new first axis; all rows have the same names."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
