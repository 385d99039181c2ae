"""Results as studies read them: arrays by name, with what made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

import numpy as np
from jaxtyping import Float32, Int64

from qnn_core.errors import check
from qnn_core.history import snapshots_of
from qnn_core.network import QNN

Arrays: TypeAlias = dict[str, np.ndarray]
"""What is stored, by name."""
Images: TypeAlias = Float32[np.ndarray, "B D"]
Labels: TypeAlias = Int64[np.ndarray, " B"]
"""B images of D pixels, and their classes."""
Networks: TypeAlias = Mapping[int, QNN]
"""The networks along one training, by the number of updates."""


@dataclass(frozen=True, eq=False)
class Result:
    """A stored result: where it was read from, `arrays` by name, and `provenance`, the content of the .json beside it."""

    path: str
    arrays: Arrays
    provenance: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


@dataclass(frozen=True, eq=False)
class Study:
    """What a study found, an array for each field, stored under the field's name after `prefix`."""

    prefix: ClassVar[str] = ""

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Any:
        """The study with these `arrays`."""
        return cls(**{field.name: arrays[cls.prefix + field.name] for field in fields(cls)})

    def arrays(self) -> Arrays:
        """What is stored."""
        return {self.prefix + field.name: getattr(self, field.name) for field in fields(self)}


def stack(results: Iterable[Result], name: str) -> np.ndarray:
    """One array of several results stacked along a new first axis, one row a run."""
    return np.stack([result[name] for result in results])


def stack_rows(rows: Sequence[Mapping[str, np.ndarray]]) -> Arrays:
    """Arrays by name, the rows of a study stacked along a new first axis; all rows have the same names."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


_LAYOUT = "network_"


def network_layout(net: QNN) -> Arrays:
    """What a training stores beside its snapshots, so that `network_at` can build its networks again: sizes, copies, centre."""
    return {_LAYOUT + name: value for name, value in net.layout().items()}


def networks_of(net: QNN, snapshots: Mapping[int, list[np.ndarray]]) -> dict[int, QNN]:
    """The networks of a training by step, of `net` or another with its layout, from the snapshots of its history."""
    return {step: QNN.assembled(net.layout(), parameters) for step, parameters in snapshots.items()}


def layers_of(result: Result) -> str:
    """The layers of spins of a stored study, as tables and conditions tell them: 8-6-10."""
    return "-".join(map(str, result["layers"]))


def steps_of(result: Result) -> list[int]:
    """The updates after which a stored training kept its network, from 0 to the last."""
    return list(snapshots_of(result.arrays))


def network_at(result: Result, step: int) -> QNN:
    """The network of a stored training after `step` updates, one of `steps_of`; raises InvalidInput for others."""
    snapshots = snapshots_of(result.arrays)
    check(step in snapshots, "step", step, f"one of {list(snapshots)}, the networks that {result.path} kept")
    layout = {name.removeprefix(_LAYOUT): value for name, value in result.arrays.items() if name.startswith(_LAYOUT)}
    return QNN.assembled(layout, snapshots[step])
