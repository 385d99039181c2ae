"""The types that a notebook's parameters cell may write behind a name, besides int, float, str, bool and tuple."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

import qnn_dwave  # noqa: F401  # Its samplers are known by name from here on.
from artifact.files import ROOT
from qnn_core.data import size_of
from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.limits import MAX_COUNT
from qnn_core.rules import RuleName
from qnn_core.samplers import SAMPLERS

T = TypeVar("T")


class Strict(BaseModel):
    """A strict model: nothing is converted, no unknown name is accepted, and nothing changes later."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class AtLeast:
    """AtLeast[10]: a whole number of at least 10."""

    def __class_getitem__(cls, least: int) -> Any:
        return Annotated[int, Field(ge=least, le=MAX_COUNT)]


class Between:
    """Between[1, 16]: a whole number from 1 to 16; Between[0.5, 2.0]: any number there."""

    def __class_getitem__(cls, ends: tuple[float, float]) -> Any:
        return Annotated[type(ends[0]), Field(ge=ends[0], le=ends[1])]


def _known_dataset(name: str) -> str:
    if name.endswith(".npz") and (Path(name).is_absolute() or ".." in Path(name).parts):
        raise ValueError(
            f"{name!r}: expected a path that counts from the project's folder and stays in it, such as data/mine/images.npz: records and "
            "pages show it, and shall not show where your folders are; copy or link the file there"
        )
    try:
        size_of(name, ROOT)
    except (InvalidInput, MissingData, DamagedFile) as failure:
        raise ValueError(str(failure)) from failure
    return name


Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
OneOrMore = Annotated[tuple[T, ...], Field(min_length=1)]
TwoOrMore = Annotated[tuple[T, ...], Field(min_length=2)]
_GENERAL = tuple(name for name in SAMPLERS if name not in ("coherent", "mock", "qpu", "replay"))


class WindowChoice(Strict):
    """How the layers of a deep network are sampled, see `qnn_core.windows.WindowSampler`."""

    width: Count
    schedule: Literal["sweeping", "bottom-up", "top-down", "random"] = "sweeping"
    passes: Count = 2
    widest: Count | None = None

    def label(self, layers: int) -> str:
        """In words, for a network with this many layers of spins."""
        words = [
            f"all {layers} layers at once" if self.width >= layers else f"{self.width} layer{'s' * (self.width > 1)} at a time"
        ]
        words += [f"blocks of {self.widest}"] if self.widest is not None else []
        if self.width < layers and (self.schedule, self.passes) != ("sweeping", 2):
            words += [f"{self.passes} pass{'es' * (self.passes > 1)} {self.schedule}"]
        return ", ".join(words)


class ChipChoice(Strict):
    """A graph of qubits. missing: qubits that do not work, drawn at random. side_by_side: most problems placed on it at once."""

    family: Literal["zephyr", "pegasus"]
    size: Annotated[int, Field(ge=2, le=24)]
    missing: Annotated[int, Field(ge=0)] = 0
    side_by_side: Annotated[int, Field(ge=1, le=64)] = 16

    @property
    def label(self) -> str:
        return f"{self.family.capitalize()}-{self.size}" + (f", {self.missing} missing" if self.missing else "")


KINDS: dict[str, Any] = {
    "int": int, "float": float, "str": str, "bool": bool, "tuple": tuple, "Optional": Optional, "Literal": Literal,
    "AtLeast": AtLeast, "Between": Between, "OneOrMore": OneOrMore, "TwoOrMore": TwoOrMore,
    "Count": Count,
    "Seed": Seed,
    "Rate": Annotated[float, Field(gt=0, le=10)],
    "Positive": Annotated[float, Field(gt=0)],
    "NotNegative": Annotated[float, Field(ge=0)],
    "Fraction": Annotated[float, Field(gt=0, lt=1)],
    "Probability": Annotated[float, Field(ge=0, le=1)],
    "Exponent": Annotated[float, Field(gt=0, lt=2)],
    "DatasetName": Annotated[str, AfterValidator(_known_dataset)],
    "Sampler": Literal[_GENERAL],
    "OfflineSampler": Literal[(*_GENERAL, "mock")],
    "ComparedSampler": Literal[(*_GENERAL, "coherent", "dwave-like", "mock")],
    "AnySampler": Literal[tuple(SAMPLERS)],
    "PlayedSampler": Literal["gibbs", "collapsed", "exact", "sa"],
    "Method": Literal[(*_GENERAL, "mlp", "energy")],
    "Baseline": Literal["mlp", "energy"],
    "Schedule": Literal["linear", "constant"],
    "Weighting": Literal["deepest", "uniform"],
    "WrongRule": Literal["class", "spins"],
    "Rule": RuleName,
    "Options": dict[str, Any],
    "Window": WindowChoice, "Chip": ChipChoice,
    "Input": str,  # Path of a stored result.
    "Inputs": OneOrMore[str],  # Paths or patterns of stored results.
    "ArrayFile": Annotated[str, Field(pattern=r"[^/]\.npz$")],
    "JsonFile": Annotated[str, Field(pattern=r"[^/]\.json$")],
    "FigureName": Annotated[str, Field(pattern=r"^(.*/)?[^/.]+$")],  # Without an ending: a figure has several.
}  # fmt: skip
"""The types by name."""

PATHS = ("Input", "Inputs", "ArrayFile", "JsonFile", "FigureName")
"""Those of paths that must be given: the ones in a parameters cell serve a run by hand."""
