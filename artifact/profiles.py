"""Profiles (config/<name>.yaml): how large every part of a run is, and what the workflow gives each notebook of it.

Checked strictly, before any of the notebooks runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from artifact.files import ROOT
from artifact.parameters import (
    NOTEBOOKS,
    ChipChoice,
    ComparedSampler,
    Count,
    DatasetName,
    OfflineSampler,
    Rate,
    SamplerName,
    Seed,
    Strict,
    Widths,
    WindowChoice,
    validated,
)
from qnn_core.errors import InvalidInput

TrainedBy = Literal["gibbs", "mlp", "energy"]
_CUTS = ("dataset", "copies", "reads", "sweeps", "margin", "batch_size")
"""What every notebook that cuts heads at the profile's own size is given."""


class SamplersSettings(Strict):
    samplers: Annotated[tuple[ComparedSampler, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]
    hidden: Count
    epochs: Count
    duration: float = Field(gt=0)
    dwave_duration: float = Field(gt=0)
    steps: Count
    images: Count


class AblationSettings(Strict):
    held_out: float = Field(gt=0, lt=1)
    train_images: Count | None
    copies: Count
    epochs: Count
    batch_size: Count
    reads_tried: Annotated[tuple[Count, ...], Field(min_length=2)]
    samplers: Annotated[tuple[SamplerName, ...], Field(min_length=1)]
    searchers: Annotated[tuple[OfflineSampler, ...], Field(min_length=1)]
    images: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]


class PhaseSettings(Strict):
    images: Count
    reads: Annotated[int, Field(ge=10)]
    sweeps: Count


class EquilibriumSettings(Strict):
    images: Annotated[int, Field(ge=2)]
    moments: Annotated[int, Field(ge=2)]
    coldest: float = Field(gt=0)
    hottest: float = Field(gt=0)
    temperatures: Annotated[int, Field(ge=4)]
    sweeps: Count
    measurements: Annotated[int, Field(ge=10)]
    glass_sizes: Annotated[tuple[tuple[Count, Count], ...], Field(min_length=1)]
    glasses: Annotated[int, Field(ge=2)]


class SizesSettings(Strict):
    copies: Annotated[tuple[Count, ...], Field(min_length=2)]
    train_images: Count | None
    slowness: float = Field(ge=1)
    target: float = Field(gt=0, lt=1)
    snapshots: Annotated[int, Field(ge=3)]
    images: Annotated[int, Field(ge=2)]
    reads: Annotated[int, Field(ge=10)]
    epochs: Count
    batch_size: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]


class LandscapeSettings(Strict):
    epochs: Count
    batch_size: Count
    images: Count


class ScalingSettings(Strict):
    widths: Annotated[tuple[Count, ...], Field(min_length=1)]
    train_images: Annotated[tuple[Count, ...], Field(min_length=1)]
    copies: Count
    epochs: Count
    batch_size: Count
    rates: dict[TrainedBy, Annotated[tuple[Rate, ...], Field(min_length=1)]]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]
    rate_seeds: Annotated[int, Field(ge=2)]
    resamples: Annotated[int, Field(ge=100)]


class HeadsSettings(Strict):
    train_images: Count | None
    epochs: Count
    batch_size: Count
    lr: Rate
    images: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]


class GroverSettings(Strict):
    classes: Annotated[tuple[int, ...], Field(min_length=2)]
    hidden: Count
    search_hidden: Count
    epochs: Count
    images: Count
    steps: Count
    searches: Count
    search_epochs: Count
    search_seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]
    dragons: Count


class ActiveStudy(Strict):
    """One network of 07_active_layers."""

    hidden: Widths
    windows: Annotated[tuple[WindowChoice, ...], Field(min_length=1)]
    epochs: Count
    lr: Rate
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]


class ActiveSettings(Strict):
    """studies: by name; the first is the one that claim C6 is judged by."""

    copies: Count
    glass: float = Field(gt=0)
    reads: Count
    code_reads: Count
    sweeps: Count
    batch_size: Count
    looks: Count
    judged: Count | None
    answered: Count
    mlp_rates: Annotated[tuple[Rate, ...], Field(min_length=1)]
    chips: Annotated[tuple[ChipChoice, ...], Field(min_length=1)]
    studies: Annotated[dict[str, ActiveStudy], Field(min_length=1)]


class Profile(Strict):
    """A profile (config/<name>.yaml): how large every part of a run is."""

    dataset: DatasetName
    hidden: Count
    copies: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]
    epochs: Count
    reads: Count
    sweeps: Count
    batch_size: Count
    margin: float = Field(ge=0)
    rates: dict[TrainedBy, Annotated[tuple[Rate, ...], Field(min_length=1)]]
    snapshots: Annotated[int, Field(ge=2)]
    samplers: SamplersSettings
    ablation: AblationSettings
    phase: PhaseSettings
    equilibrium: EquilibriumSettings
    sizes: SizesSettings
    landscape: LandscapeSettings
    scaling: ScalingSettings
    heads: HeadsSettings
    grover: GroverSettings
    active: ActiveSettings


def load_profile(name: str, folder: Path = ROOT / "config") -> Profile:
    """The checked profile of a name; what each notebook would be given is checked with it, before any of them runs."""
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        raise InvalidInput("profile", name, f"one of {', '.join(known)}")
    where = f"config/{name}.yaml"
    try:
        content = yaml.load((folder / f"{name}.yaml").read_text(encoding="utf-8"), Loader=_OnceOnly)
    except yaml.YAMLError as failure:
        raise InvalidInput("profile", name, f"a readable yaml file: {' '.join(str(failure).split())}") from failure
    profile: Profile = validated(Profile, content, where)
    for notebook, given in _runs(profile):
        paths = {name: value for name, value in _PATHS.items() if name in NOTEBOOKS[notebook].model_fields}
        values = {**paths, **settings(profile, notebook, **given)}
        validated(NOTEBOOKS[notebook], values, ", ".join([where, notebook, *map(str, given.values())]))
    return profile


class _OnceOnly(yaml.SafeLoader):
    """yaml's safe loader, but for a name that is given twice: which of the two was meant?"""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [name for number, name in enumerate(names) if name in names[:number]]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


_ONE_RUN = (
    "01_data",
    "02_training",
    "02b_samplers",
    "02c_ablation",
    "04_phase",
    "04b_equilibrium",
    "04c_sizes",
    "04d_landscape",
    "05_scaling",
    "05b_heads",
    "06_grover",
)
"""Notebooks whose runs, if there are several, differ in their seed alone."""

_PATHS: dict[str, Any] = {"result": "x.npz", "rates": "x.npz", "runs": ["x"], "curves": ["x"]}
"""Paths as good as any others."""


def settings(
    profile: Profile, notebook: str, *, method: TrainedBy = "gibbs", hidden: int | None = None, seed: int = 0, study: str = ""
) -> dict[str, Any]:
    """What a notebook is given, apart from paths. method, hidden, seed, study: which of its runs it is.

    hidden: width of the hidden layer, None for the profile's.
    """
    width = hidden or profile.hidden
    data = {"dataset": profile.dataset}
    cuts = {name: getattr(profile, name) for name in _CUTS}
    match notebook:
        case "01_data":
            return data
        case "01b_rates":
            return {**cuts, "method": method, "hidden": [width], "epochs": profile.epochs, "rates": profile.rates[method]}
        case "02_training":
            trained = {"hidden": [width], "epochs": profile.epochs, "snapshots": profile.snapshots, "seed": seed}
            return {**cuts, "sampler": method, **trained}
        case "03_backprop":
            trained = {"epochs": profile.epochs, "batch_size": profile.batch_size, "seed": seed}
            return {**data, "method": method, "hidden": [width], "copies": profile.copies, **trained}
        case "02c_ablation":
            return {**cuts, "hidden": [width], **profile.ablation.model_dump()}
        case "05a_curves":
            scaling = profile.scaling.model_dump(exclude={"widths", "rates", "resamples"})
            return {**cuts, **scaling, "method": method, "width": width, "rates": profile.scaling.rates[method]}
        case "05_scaling":
            return {"resamples": profile.scaling.resamples}
        case "05b_heads":
            return {**cuts, "copies": 1, **profile.heads.model_dump()}
        case "07_active_layers":
            return {**data, **profile.active.model_dump(exclude={"studies"}), **profile.active.studies[study].model_dump()}
        case "02b_samplers":
            return profile.samplers.model_dump()
        case "04_phase":
            return profile.phase.model_dump()
        case "04b_equilibrium":
            return profile.equilibrium.model_dump()
        case "04c_sizes":
            return {**data, **profile.sizes.model_dump()}
        case "04d_landscape":
            return {**data, **profile.landscape.model_dump()}
        case "06_grover":
            return {**data, **profile.grover.model_dump()}
    raise ValueError(f"a profile has nothing for the notebook {notebook}")


def _runs(profile: Profile) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every notebook that a profile has a say in, with what tells its runs apart; seeds matter to no check."""
    yield from ((notebook, {}) for notebook in _ONE_RUN)
    yield from (("01b_rates", {"method": method}) for method in profile.rates)
    yield from (("03_backprop", {"method": method}) for method in profile.rates if method != "gibbs")
    for method in profile.scaling.rates:
        yield from (("05a_curves", {"method": method, "hidden": width}) for width in profile.scaling.widths)
    yield from (("07_active_layers", {"study": study}) for study in profile.active.studies)
