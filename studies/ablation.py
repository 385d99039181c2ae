"""What helps and what does not: the same training with one setting changed, on the same images and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure
from tqdm import tqdm

from qnn_core.checkpoint import run_file
from qnn_core.data import Dataset
from qnn_core.history import History
from qnn_core.statistics import PERCENT, Interval, difference_interval, mean_interval
from studies.plots import PAGE, label_panels, legend_below
from studies.stored import Result
from studies.tables import Table, compared, table
from studies.training import Recipe

RECOMMENDED = "recommended"
EQUAL_READS = "deepest, equal reads"
"""The way in which more reads an update mean fewer updates."""
_WAYS: dict[str, dict[str, Any]] = {
    "deepest": {},
    "all heads": {"weighting": "uniform"},
    "all heads, as they come": {"weighting": "uniform", "rule": "as-read"},
}


def train_variants(
    variants: Mapping[Any, Recipe], data: Dataset, seeds: Sequence[int], folder: str, snapshots: int = 0, progress: bool = False
) -> dict[Any, list[History]]:
    """Train a network for each variant and seed; the histories, by the variant's name and in the order of seeds.

    folder: where finished runs are kept; one with equal settings is read from there and not trained again, so that a stopped study goes
    on where it was, and variants may share runs. Before the first is trained each makes one update, so that what cannot be done is found.
    """
    settings = {name: [asdict(recipe), repr(recipe.sampler), snapshots] for name, recipe in variants.items()}
    runs = [(name, seed, run_file(folder, [*settings[name], seed])) for name in variants for seed in seeds]
    for name in dict.fromkeys(name for name, _, path in runs if not path.exists()):
        _rehearse(variants[name], data, seeds[0])
    histories: dict[Any, list[History]] = {name: [] for name in variants}
    for name, seed, path in tqdm(runs, desc="networks", disable=not progress):
        histories[name].append(variants[name].train(data, seed, snapshots=snapshots, checkpoint=str(path)))
    return histories


def _rehearse(recipe: Recipe, data: Dataset, seed: int) -> None:
    batch = max(recipe.training["batch_size"], data.num_classes)
    recipe.varied(epochs=min(1, recipe.training["epochs"])).train(data.take(min(batch, len(data.y_train)), seed), seed)


def one_change_each(recipe: Recipe, rate: float) -> dict[str, Recipe]:
    """The recommended recipe and others, each with one setting changed; rate: of the recommended one."""
    margin, copies = recipe.training["margin"], recipe.network["copies"]
    sweeps = recipe.annealing.get("sweeps")
    annealing = {"sweeps / 4": {"sweeps": max(1, sweeps // 4)}, "sweeps x 4": {"sweeps": sweeps * 4}} if sweeps else {}
    changes: dict[str, dict[str, Any]] = {
        RECOMMENDED: {},
        "all heads": {"weighting": "uniform"},
        "reads as they come": {"rule": "as-read"},
        "all heads, as they come": {"weighting": "uniform", "rule": "as-read"},
        "no margin": {"margin": 0.0},
        "margin / 4": {"margin": margin / 4},
        "margin x 4": {"margin": margin * 4},
        "rate / 3": {"lr": rate / 3},
        "rate x 3": {"lr": rate * 3},
        "falling rate": {"schedule": "linear"},
        **annealing,
        "copies x 4" if copies < 4 else "1 copy": {"copies": 4 * copies if copies < 4 else 1},
        "glass x 3": {"glass": 3 * recipe.network["glass"]},
        "drive x 3": {"drive": 3 * recipe.network["drive"]},
    }
    return {name: recipe.varied(**changed) for name, changed in changes.items()}


def reads_tried(recipe: Recipe, tried: Sequence[int]) -> dict[tuple[str, int], Recipe]:
    """By way and reads of an update: three ways to cut, with the same number of updates, and one with the same number of reads in all."""
    total = recipe.training["epochs"] * recipe.training["reads"]
    equal_updates = {(way, reads): recipe.varied(**changes, reads=reads) for way, changes in _WAYS.items() for reads in tried}
    return equal_updates | {(EQUAL_READS, reads): recipe.varied(reads=reads, epochs=total // reads) for reads in tried}


def final_errors(histories: Mapping[Any, list[History]]) -> dict[Any, Float64[np.ndarray, " S"]]:
    """Error of the held-out images at the end, one a seed, fractions."""
    return {name: np.array([run.test_error[-1] for run in runs]) for name, runs in histories.items()}


@dataclass(frozen=True, eq=False)
class OneChange:
    """Trainings with one setting changed. histories: by variant, one a seed."""

    histories: Mapping[str, list[History]]

    def arrays(self) -> dict[str, np.ndarray]:
        """Final errors in per cent, (V, S), to store."""
        errors = final_errors(self.histories)
        return {"variant": np.array(list(errors)), "variant_error": 100 * np.array(list(errors.values()))}

    def table(self) -> Table:
        """Errors, their difference to the recommended settings', and how many reads still are heads."""
        rows = compared(final_errors(self.histories), RECOMMENDED, "validation error, %")
        heads = {name: np.mean([run.heads_per_read[-1] for run in runs]) for name, runs in self.histories.items()}
        return table({name: {**row, "reads that are heads": heads[name]} for name, row in rows.items()})

    def figure(self) -> Figure:
        """Differences with their intervals; coloured and filled where they exclude zero."""
        errors = {name: 100 * values for name, values in final_errors(self.histories).items()}
        recommended = errors.pop(RECOMMENDED)
        figure, axis = plt.subplots(figsize=(PAGE * 0.75, 0.24 * len(errors) + 0.7))
        for row, values in enumerate(errors.values()):
            gap = difference_interval(values, recommended)
            told = gap.low > 0 or gap.high < 0
            colour = "C0" if told else "0.6"
            axis.plot([gap.low, gap.high], [row, row], color=colour, linewidth=1.5)
            axis.plot(gap.value, row, "o", color=colour, markerfacecolor=None if told else "white")
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(errors)), list(errors))
        axis.invert_yaxis()
        axis.set_xscale("symlog", linthresh=1)
        axis.set(xlabel="validation error minus the recommended settings', percentage points")
        return figure


@dataclass(frozen=True, eq=False)
class BySampler:
    """Trainings with different samplers. histories: by sampler, one a seed."""

    histories: Mapping[str, list[History]]

    def arrays(self) -> dict[str, np.ndarray]:
        """Final errors in per cent, (N, S), to store."""
        errors = final_errors(self.histories)
        return {"sampler": np.array(list(errors)), "sampler_error": 100 * np.array(list(errors.values()))}

    def table(self) -> Table:
        """Errors, their difference to the first sampler's, and spin updates, where a sampler has such."""
        rows = compared(final_errors(self.histories), next(iter(self.histories)), "validation error, %")
        return table({name: {**row, "spin updates": self.histories[name][0].spin_updates[-1]} for name, row in rows.items()})


@dataclass(frozen=True, eq=False)
class ReadsTried:
    """Trainings with several numbers of reads. histories: by way and reads of an update, one a seed."""

    histories: Mapping[tuple[str, int], list[History]]

    @property
    def reads(self) -> list[int]:
        """Reads of an update that were tried."""
        return list(dict.fromkeys(reads for _, reads in self.histories))

    def arrays(self) -> dict[str, np.ndarray]:
        """Final errors in per cent, (W, R, S) over ways and reads, to store."""
        ways = list(dict.fromkeys(way for way, _ in self.histories))
        errors = final_errors(self.histories)
        stacked = 100 * np.array([[errors[way, reads] for reads in self.reads] for way in ways])
        return {"reads": np.array(self.reads), "way": np.array(ways), "reads_error": stacked}

    def table(self) -> Table:
        """Errors by way and reads, and what the reads found."""
        stored = self.arrays()
        rows = {
            f"{way}: validation error, %": {
                _told(reads): mean_interval(values, PERCENT) for reads, values in zip(self.reads, errors, strict=True)
            }
            for way, errors in zip(stored["way"], stored["reads_error"], strict=True)
        }
        for what, column in (("heads a read", "heads_per_read"), ("distinct heads an image", "distinct_heads")):
            runs = {reads: self.histories["all heads, as they come", reads] for reads in self.reads}
            rows[what] = {
                _told(reads): np.mean([np.mean(getattr(run, column)[1:]) for run in found]) for reads, found in runs.items()
            }
        return table(rows)

    def differences(self) -> Table:
        """What the most reads change, and what it changes to cut all heads; validation error, points."""
        stored = self.arrays()
        fewest, most = min(self.reads), max(self.reads)
        last = {way: errors[stored["reads"].argmax()] for way, errors in zip(stored["way"], stored["reads_error"], strict=True)}
        instead = f"{most} reads an update instead of {fewest}"
        return table(
            {
                f"{instead}, equal updates": {"points": more_reads(stored, "deepest")},
                f"{instead}, equal reads": {"points": more_reads(stored, EQUAL_READS)},
                f"all heads instead of the deepest, {most} reads": {
                    "points": difference_interval(last["all heads"], last["deepest"])
                },
            }
        )

    def figure(self) -> Figure:
        """Errors against reads, at equal updates and at equal reads."""
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 3.2), sharey=True)
        stored = self.arrays()
        for number, (way, errors) in enumerate(zip(stored["way"].tolist(), stored["reads_error"], strict=True)):
            means = [mean_interval(values, PERCENT) for values in errors]
            bars = [[mean.value - mean.low for mean in means], [mean.high - mean.value for mean in means]]
            aside = stored["reads"] * 1.08 ** (number % 3 - 1)
            style = {"fmt": ("o-", "s--", "^:", "D-.")[number], "color": f"C{number}", "capsize": 2, "label": way}
            axes[int(way == EQUAL_READS)].errorbar(aside, [mean.value for mean in means], bars, **style)
        for axis, title in zip(axes, ("equal updates", "equal reads"), strict=True):
            axis.set(xscale="log", xlabel="reads of an image in an update")
            axis.set_title(title)
            legend_below(axis)
        axes[0].set(yscale="log", ylabel="validation error, %")
        label_panels(axes)
        return figure


def _told(reads: int) -> str:
    return "1 read" if reads == 1 else f"{reads} reads"


def more_reads(study: Result | Mapping[str, np.ndarray], way: str) -> Interval:
    """Change of the validation error, in points, from the fewest to the most reads an update.

    study: with the arrays of `ReadsTried`. way: one of them, such as "deepest" or `EQUAL_READS`.
    """
    errors = study["reads_error"][study["way"].tolist().index(way)]
    return difference_interval(errors[study["reads"].argmax()], errors[study["reads"].argmin()])
