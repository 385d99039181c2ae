"""What helps and what does not: the same training with one setting changed, on the same images with the same seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from qnn_core.checkpoint import run_file
from qnn_core.data import Dataset
from qnn_core.samplers import get_sampler
from qnn_core.statistics import PERCENT, Interval, difference_interval, mean_interval
from studies.answers import ask
from studies.plots import PAGE, error_bars, label_panels, legend_below
from studies.stored import Arrays, Result
from studies.tables import Table, compared, table
from studies.training import Recipe, Run, end_of

RECOMMENDED = "recommended"
DEFAULTS: dict[str, Any] = {
    "schedule": "constant", "averaged": True, "weighting": "deepest", "nudge": 8.0, "evaluations": 1, "asked": 0,
}  # fmt: skip
"""Options of `train` that a recipe has here beside those of a notebook's parameters."""
EQUAL_READS = "deepest, equal reads"
"""The way in which more reads per update mean fewer updates."""
_WAYS: dict[str, dict[str, Any]] = {"deepest": {}, "all heads": {"weighting": "uniform"}}
_ASKED = 1000
"""Images that the annealer itself answers at the end of a run, at most."""


def train_variants(
    variants: Mapping[Any, Recipe], data: Dataset, seeds: Sequence[int], folder: str, snapshots: int = 0, progress: bool = False
) -> dict[Any, list[Run]]:
    """Train a network for each variant and seed; the runs, by the variant's name and in the order of seeds.

    folder: where finished runs are stored. A run with equal settings is read from there, so that a stopped study continues where it left
    off, and variants may share runs. First each variant makes one update, so that impossible settings are found before any long run.
    """
    settings = {name: [asdict(recipe), repr(recipe.sampler), snapshots] for name, recipe in variants.items()}
    runs = [(name, seed, run_file(folder, [*settings[name], seed])) for name in variants for seed in seeds]
    for recipe in {name: variants[name] for name, _, path in runs if not path.exists()}.values():
        batch = max(recipe.training["batch_size"], data.num_classes)
        one_batch = data.take(min(batch, len(data.y_train)), seeds[0])
        recipe.varied(epochs=min(1, recipe.training["epochs"])).train(one_batch, seeds[0])
    found: dict[Any, list[Run]] = {name: [] for name in variants}
    for name, seed, path in tqdm(runs, desc="networks", disable=not progress):
        recipe, net = variants[name], variants[name].untrained(data, seed)
        history = recipe.train(data, seed, net, snapshots=snapshots, checkpoint=str(path))
        cold = {option: value for option, value in recipe.annealing.items() if option != "beta"}
        own = ask(net, data, get_sampler(recipe.method, **cold), seed, _ASKED)
        found[name].append(Run(history, float(own.wrong.mean())))
    return found


def one_change_each(recipe: Recipe, rate: float) -> dict[str, Recipe]:
    """The recommended recipe, and others with one setting changed or with another rule and its settings; rate: the recommended one."""
    margin, copies, sweeps = (recipe.training["margin"], recipe.network["copies"], recipe.annealing.get("sweeps"))
    changes: dict[str, dict[str, Any]] = {
        RECOMMENDED: {},
        "heads as read": {"rule": "as-read"},
        "completed heads": {"rule": "completed"},
        "equilibrium propagation": {"rule": "equilibrium", "lr": 3 * rate},
        "Boltzmann machine, cold": {"rule": "boltzmann", "lr": 3 * rate},
        "all heads": {"weighting": "uniform"},
        "no margin": {"margin": 0.0},
        "margin / 4": {"margin": margin / 4},
        "margin x 4": {"margin": margin * 4},
        "rate / 3": {"lr": rate / 3},
        "rate x 3": {"lr": rate * 3},
        "last weights, not averaged": {"averaged": False},
        "last weights, falling rate": {"averaged": False, "schedule": "linear"},
        **({"sweeps / 4": {"sweeps": max(1, sweeps // 4)}, "sweeps x 4": {"sweeps": sweeps * 4}} if sweeps else {}),
        "copies x 4" if copies < 4 else "1 copy": {"copies": 4 * copies if copies < 4 else 1},
    }
    variants = {name: recipe.varied(**changed) for name, changed in changes.items()}
    variants["pixels not centred"] = replace(recipe, centred=False)
    if sweeps:
        ends = {"reads end at beta 5": (recipe, 5.0), "Boltzmann machine, beta 3": (variants["Boltzmann machine, cold"], 3.0)}
        for name, (warm, beta) in ends.items():
            variants[name] = replace(warm, annealing={**recipe.annealing, "beta": (0.1, beta)})
    return variants


def reads_tried(recipe: Recipe, tried: Sequence[int]) -> dict[tuple[str, int], Recipe]:
    """By way and reads per update: some ways to cut, with equally many updates, and one with equally many reads in total."""
    total = recipe.training["epochs"] * recipe.training["reads"]
    equal_updates = {(way, reads): recipe.varied(**changes, reads=reads) for way, changes in _WAYS.items() for reads in tried}
    return equal_updates | {(EQUAL_READS, reads): recipe.varied(reads=reads, epochs=total // reads) for reads in tried}


@dataclass(frozen=True, eq=False)
class Trainings:
    """Trainings with one thing varied. runs: by its name, one per seed."""

    runs: Mapping[str, list[Run]]
    varied: ClassVar[str]

    def arrays(self) -> Arrays:
        """Final errors of the network and of the annealer itself in per cent, (V, S), to store."""
        errors = {name: 100 * np.array(list(end_of(self.runs, name).values())) for name in ("error", "own_error")}
        return {self.varied: np.array(list(self.runs)), **{f"{self.varied}_{name}": values for name, values in errors.items()}}


class OneChange(Trainings):
    """Trainings with one setting changed."""

    varied = "variant"

    def table(self) -> Table:
        """Errors and their differences to the recommended settings'."""
        rows = compared(end_of(self.runs, "error"), RECOMMENDED, "network, %")
        for name, own in compared(end_of(self.runs, "own_error"), RECOMMENDED, "annealer's own answer, %").items():
            rows[name] |= {what.replace("minus", "own minus"): value for what, value in own.items()}
        return table(rows)

    def figure(self) -> Figure:
        """Differences with their intervals; coloured and filled where they exclude zero."""
        parts = {"network": end_of(self.runs, "error"), "annealer's own answer": end_of(self.runs, "own_error")}
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 0.22 * len(self.runs) + 0.7), sharey=True)
        for axis, (title, errors) in zip(axes, parts.items(), strict=True):
            recommended = errors.pop(RECOMMENDED)
            for row, values in enumerate(errors.values()):
                gap = difference_interval(100 * values, 100 * recommended)
                told = gap.low > 0 or gap.high < 0
                colour = "C0" if told else "0.6"
                axis.plot([gap.low, gap.high], [row, row], color=colour, linewidth=1.5)
                axis.plot(gap.value, row, "o", color=colour, markerfacecolor=None if told else "white")
            axis.axvline(0, color="black", linewidth=0.8)
            axis.set_xscale("symlog", linthresh=1)
            axis.set(xlabel="error minus recommended, points", title=title)
            axis.set_yticks(range(len(errors)), list(errors))
        axes[0].invert_yaxis()
        label_panels(axes)
        return figure


class BySampler(Trainings):
    """Trainings with different samplers."""

    varied = "sampler"

    def table(self) -> Table:
        """Errors, their difference to the first sampler's, own answers' errors, and spin updates, where a sampler has such."""
        rows = compared(end_of(self.runs, "error"), next(iter(self.runs)), "network, %")
        for name, errors in end_of(self.runs, "own_error").items():
            rows[name]["its own answer, %"] = mean_interval(100 * errors, PERCENT)
            rows[name]["spin updates"] = self.runs[name][0].history.spin_updates[-1]
        return table(rows)


@dataclass(frozen=True, eq=False)
class ReadsTried:
    """Trainings with several numbers of reads. runs: by way and reads of an update, one per seed."""

    runs: Mapping[tuple[str, int], list[Run]]

    @property
    def reads(self) -> list[int]:
        """Reads of an update that were tried."""
        return list(dict.fromkeys(reads for _, reads in self.runs))

    def arrays(self) -> Arrays:
        """Final errors in per cent, (W, R, S) over ways and reads, to store."""
        ways = list(dict.fromkeys(way for way, _ in self.runs))
        stored = {"reads": np.array(self.reads), "way": np.array(ways)}
        for name in ("error", "own_error"):
            errors = end_of(self.runs, name)
            stored[f"reads_{name}"] = 100 * np.array([[errors[way, reads] for reads in self.reads] for way in ways])
        return stored

    def table(self) -> Table:
        """Errors by way and reads, and what the reads found."""
        rows: dict[str, dict[str, Any]] = defaultdict(dict)
        for whose, name in (("network", "error"), ("own answer", "own_error")):
            for (way, reads), errors in end_of(self.runs, name).items():
                rows[f"{way}: {whose}, %"][_told(reads)] = mean_interval(100 * errors, PERCENT)
        for what, column in (("heads per read", "heads_per_read"), ("distinct heads per image", "distinct_heads")):
            for reads in self.reads:
                found = [np.mean(getattr(run.history, column)[1:]) for run in self.runs["deepest", reads]]
                rows[what][_told(reads)] = np.mean(found)
        return table(rows)

    def differences(self) -> Table:
        """How the validation error changes, in points, with the most reads, and when all heads are cut."""
        stored, most = self.arrays(), max(self.reads)
        errors, instead = end_of(self.runs, "error"), f"{most} reads per update instead of {min(self.reads)}"
        points = {
            f"{instead}, equal updates": more_reads(stored, "deepest"),
            f"{instead}, equal reads": more_reads(stored, EQUAL_READS),
            f"all heads instead of the deepest, {most} reads": difference_interval(
                100 * errors["all heads", most], 100 * errors["deepest", most]
            ),
        }
        return table({name: {"points": change} for name, change in points.items()})

    def figure(self) -> Figure:
        """Errors against reads, at equal updates and at equal reads."""
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 3.2), sharey=True)
        stored = self.arrays()
        for number, (way, errors) in enumerate(zip(stored["way"].tolist(), stored["reads_error"], strict=True)):
            means = np.array([mean_interval(values, PERCENT) for values in errors])
            aside, axis = stored["reads"] * 1.08 ** (number % 3 - 1), axes[int(way == EQUAL_READS)]
            error_bars(axis, aside, means, fmt=("o-", "s--", "^:")[number], color=f"C{number}", label=way)
        for axis, title in zip(axes, ("equal updates", "equal reads"), strict=True):
            axis.set(xscale="log", xlabel="reads of an image in an update", title=title)
            legend_below(axis)
        axes[0].set(yscale="log", ylabel="validation error, %")
        label_panels(axes)
        return figure


def _told(reads: int) -> str:
    return "1 read" if reads == 1 else f"{reads} reads"


def more_reads(study: Result | Arrays, way: str) -> Interval:
    """Change of the validation error, in points, from the fewest to the most reads per update.

    study: with the arrays of `ReadsTried`. way: one of them, such as "deepest" or `EQUAL_READS`.
    """
    errors = study["reads_error"][study["way"].tolist().index(way)]
    return difference_interval(errors[study["reads"].argmax()], errors[study["reads"].argmin()])
