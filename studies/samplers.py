"""Does it matter who anneals? One small task trained with each sampler in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from qnn_core.data import Dataset
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN
from qnn_core.samplers import Sampler
from qnn_core.samplers.coherent import AnnealingUnitary, CoherentSampler, all_energies
from qnn_core.samplers.schedule import load_schedule
from qnn_core.statistics import PERCENT, mean_interval
from qnn_core.training import train
from studies.answers import ask
from studies.plots import METHOD_STYLE, PAGE, label_panels, step_axis
from studies.stored import Arrays, Networks, networks_of
from studies.tables import Table, compared, table
from studies.training import Run, end_of


@dataclass(frozen=True, eq=False)
class EachSampler:
    """Trainings with each of N samplers, from the same S seeds.

    runs: by sampler, one per seed. networks: of the first sampler's runs, by step. announced: what samplers that cost machine time said
    before they started.
    """

    seeds: tuple[int, ...]
    runs: Mapping[str, list[Run]]
    networks: Sequence[Networks]
    announced: str

    def arrays(self) -> Arrays:
        """One row a sampler and seed, to store."""
        every = [run for runs in self.runs.values() for run in runs]
        return {
            "sampler": np.repeat(list(self.runs), len(self.seeds)),
            "seed": np.tile(self.seeds, len(self.runs)),
            "step": np.array(every[0].history.step),
            "test_error": np.array([run.history.test_error for run in every]),
            "train_error": np.array([run.history.train_error for run in every]),
            "own_error": np.array([run.own_error for run in every]),
        }

    def table(self) -> Table:
        """Final test errors, their differences to the first sampler's, and the errors of each sampler's own answers."""
        rows = compared(end_of(self.runs, "error"), next(iter(self.runs)))
        own = {name: mean_interval(100 * errors, PERCENT) for name, errors in end_of(self.runs, "own_error").items()}
        return table({name: {**row, "own answer, %": own[name]} for name, row in rows.items()})

    def figure(self) -> Figure:
        """Test error along training, the mean over seeds, and the final error of every seed; open: of the sampler's own answers."""
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 3.1), width_ratios=(1.25, 1))
        final_errors, own_errors = (end_of(self.runs, name) for name in ("error", "own_error"))
        for number, (name, runs) in enumerate(self.runs.items()):
            first, errors = runs[0].history, np.mean([run.history.test_error for run in runs], axis=0)
            axes[0].plot(first.step, np.maximum(errors, 0.5 / first.num_test), **METHOD_STYLE[name], markevery=4)
            final = 100 * final_errors[name]
            points = {**METHOD_STYLE[name], "linestyle": "none", "markersize": 4, "alpha": 0.7}
            axes[1].plot(final, np.full(len(final), number), **points)
            axes[1].plot(final.mean(), number, "|", color="black", markersize=12)
            own = 100 * own_errors[name]
            axes[1].plot(own, np.full(len(own), number + 0.3), **{**points, "markerfacecolor": "none"})
        axes[0].set(yscale="log", ylabel="test error", title="along training")
        step_axis(axes[0])
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        axes[1].set_yticks(range(len(self.runs)), list(self.runs))
        axes[1].set(xlabel="final test error, %", ylim=(len(self.runs) - 0.5, -0.5), title="at the end, every seed")
        label_panels(axes)
        return figure


def train_with_each(
    samplers: Mapping[str, Sampler], data: Dataset, sizes: tuple[int, ...], seeds: Iterable[int], **options: Any
) -> EachSampler:
    """Train a network of `sizes` with every sampler and seed; options: of `train`, snapshots among them."""
    announced = StringIO()
    seeds, centre = tuple(seeds), data.x_train.mean(axis=0)
    runs: dict[str, list[Run]] = {name: [] for name in samplers}
    for (name, sampler), seed in product(samplers.items(), seeds):
        with redirect_stdout(announced):
            net = QNN(sizes, seed=seed, centre=centre)
            history = train(net, data, sampler, seed=seed, **options)
            runs[name].append(Run(history, float(ask(net, data, sampler, seed).wrong.mean())))
    first = next(iter(runs.values()))
    networks = [networks_of(QNN(sizes, centre=centre), run.history.snapshots) for run in first]
    return EachSampler(seeds, runs, networks, announced.getvalue())


def simulation_accuracy(samplers: Mapping[str, Sampler], problem: IsingProblem) -> dict[str, dict[str, float]]:
    """Rows for a table: for each coherent anneal among the samplers, what changes with twice as many time steps.

    That is the largest total variation distance, over the problems, between the distributions of reads; beside it the mean probability
    that a read is the ground state.
    """
    energies = all_energies(problem)
    rows = {}
    for name, sampler in samplers.items():
        if isinstance(sampler, CoherentSampler):
            schedule = load_schedule(sampler.schedule)
            unitaries = [
                AnnealingUnitary(energies, sampler.duration, steps, schedule) for steps in (sampler.steps, 2 * sampler.steps)
            ]
            coarse, fine = (np.abs(unitary.apply(unitary.start)) ** 2 for unitary in unitaries)
            ground = fine[np.arange(len(fine)), energies.argmin(axis=1)]
            variation = 0.5 * np.abs(coarse - fine).sum(axis=1).max()
            rows[name] = {"total variation": float(variation), "P(ground state)": float(ground.mean())}
    return rows
