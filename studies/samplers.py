"""Does it matter who anneals? One small task trained with each sampler in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64, Int64
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


@dataclass(frozen=True, eq=False)
class EachSampler:
    """Trainings with each of N samplers, from the same S seeds.

    step: (T,). train_error, test_error: by sampler (S, T). own_error: by sampler (S,), of the sampler's own answers to the test images at
    the end. networks: of the first sampler's runs, by step. announced: what samplers that cost machine time said before they started.
    """

    seeds: tuple[int, ...]
    num_test: int
    step: Int64[np.ndarray, " T"]
    train_error: Mapping[str, Float64[np.ndarray, "S T"]]
    test_error: Mapping[str, Float64[np.ndarray, "S T"]]
    own_error: Mapping[str, Float64[np.ndarray, " S"]]
    networks: Sequence[Networks]
    announced: str

    def arrays(self) -> Arrays:
        """One row a sampler and seed, to store."""
        return {
            "sampler": np.repeat(list(self.test_error), len(self.seeds)),
            "seed": np.tile(self.seeds, len(self.test_error)),
            "step": self.step,
            "test_error": np.concatenate(list(self.test_error.values())),
            "train_error": np.concatenate(list(self.train_error.values())),
            "own_error": np.concatenate(list(self.own_error.values())),
        }

    def table(self) -> Table:
        """Final test errors, their differences to the first sampler's, and the errors of each sampler's own answers."""
        final = {name: errors[:, -1] for name, errors in self.test_error.items()}
        rows = compared(final, next(iter(final)))
        own = {name: mean_interval(100 * errors, PERCENT) for name, errors in self.own_error.items()}
        return table({name: {**row, "own answer, %": own[name]} for name, row in rows.items()})

    def figure(self) -> Figure:
        """Test error along training, the mean over seeds, and the final error of every seed; open: of the sampler's own answers."""
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 3.1), width_ratios=(1.25, 1))
        for number, (name, errors) in enumerate(self.test_error.items()):
            axes[0].plot(self.step, np.maximum(errors.mean(axis=0), 0.5 / self.num_test), **METHOD_STYLE[name], markevery=4)
            final = 100 * errors[:, -1]
            points = {**METHOD_STYLE[name], "linestyle": "none", "markersize": 4, "alpha": 0.7}
            axes[1].plot(final, np.full(len(final), number), **points)
            axes[1].plot(final.mean(), number, "|", color="black", markersize=12)
            own = 100 * self.own_error[name]
            axes[1].plot(own, np.full(len(own), number + 0.3), **{**points, "markerfacecolor": "none"})
        axes[0].set(yscale="log", ylabel="test error")
        step_axis(axes[0])
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        axes[1].set_yticks(range(len(self.test_error)), list(self.test_error))
        axes[1].set(xlabel="final test error, %", ylim=(len(self.test_error) - 0.5, -0.5))
        axes[0].set_title("along training")
        axes[1].set_title("at the end, every seed")
        label_panels(axes)
        return figure


def train_with_each(
    samplers: Mapping[str, Sampler], data: Dataset, sizes: tuple[int, ...], seeds: Iterable[int], **options: Any
) -> EachSampler:
    """Train a network of `sizes` with every sampler and seed; options: of `train`, snapshots among them."""
    announced = StringIO()
    seeds, centre = tuple(seeds), data.x_train.mean(axis=0)
    runs, own = {}, {}
    for name, sampler in samplers.items():
        for seed in seeds:
            with redirect_stdout(announced):
                net = QNN(sizes, seed=seed, centre=centre)
                runs[name, seed] = train(net, data, sampler, seed=seed, **options)
                own[name, seed] = ask(net, data, sampler, seed).wrong.mean()
    first = next(iter(samplers))
    networks = [networks_of(QNN(sizes, centre=centre), runs[first, seed].snapshots) for seed in seeds]
    train_error, test_error = (
        {name: np.array([getattr(runs[name, seed], part) for seed in seeds]) for name in samplers}
        for part in ("train_error", "test_error")
    )
    own_error = {name: np.array([own[name, seed] for seed in seeds], np.float64) for name in samplers}
    step = np.array(runs[first, seeds[0]].step)
    errors = (train_error, test_error, own_error)
    return EachSampler(seeds, len(data.y_test), step, *errors, networks, announced.getvalue())


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
