"""How training changes annealed reads: those of one image, and the annealer's own answers to all images."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from qnn_core.answers import own_answers
from qnn_core.data import Dataset
from qnn_core.errors import check
from qnn_core.landscape.view import landscape
from qnn_core.samplers import Sampler
from studies.answers import READS
from studies.plots import COLUMN, RIGHT, WRONG, label_panels, step_axis
from studies.stored import Networks, Study
from studies.tables import Table, table

_LEFT = (0.8, 0.5, 0.1)
"""A moment is shown for the start, for the end, and for each of these: where the annealer's own error is nearest to it."""
_BINS = 45
_BEYOND = 0.005
"""At most this part of the reads of a moment lies above the axis. A triangle stands for these, with their number."""


@dataclass(frozen=True, eq=False)
class Descent(Study):
    """A network along training, after T numbers of updates.

    step: updates. wrong, off_code: of all test images, the fraction whose deepest read answers wrongly, and whose deepest read is not exactly
    the code of the right class. moments: M of the steps. energy: of R reads of one image at these, above the right answer, that is the
    clamped state. read_wrong: which of these reads answer wrongly.
    """

    step: Int64[np.ndarray, " T"]
    wrong: Float64[np.ndarray, " T"]
    off_code: Float64[np.ndarray, " T"]
    moments: Int64[np.ndarray, " M"]
    energy: Float64[np.ndarray, "M R"]
    read_wrong: Bool[np.ndarray, "M R"]

    def table(self) -> Table:
        """The reads at each moment: how many are right, and how many are wrong and deeper than the right answer."""
        return table(
            {
                f"{step:,} updates": {
                    "reads": len(energy),
                    "right": int((~wrong).sum()),
                    "wrong, below the right answer": int((wrong & (energy < 0)).sum()),
                    "wrong, above it": int((wrong & (energy >= 0)).sum()),
                    "lowest energy above it": float(energy.min()),
                    "all test images: own answer wrong": f"{self.wrong[self.step == step][0]:.1%}",
                }
                for step, energy, wrong in zip(self.moments.tolist(), self.energy, self.read_wrong, strict=True)
            }
        )

    def figure(self) -> Figure:
        """The reads of the image at each moment as a spectrum of energies, and below it the fractions of all test images."""
        figure, axes = plt.subplots(2, 1, figsize=(COLUMN, 4.3), height_ratios=(1.5, 1))
        self._plot_spectra(axes[0])
        self._plot_answers(axes[1])
        label_panels(axes)
        figure.suptitle("Training raises the wrong states\nuntil the right answer is the deepest", fontsize="medium")
        return figure

    def _plot_spectra(self, axis: Axes) -> None:
        top = np.quantile(self.energy, 1 - _BEYOND, axis=1, method="lower").max()
        edges = np.linspace(self.energy.min() - 0.5, top + 0.5, _BINS + 1)
        height, most, above = edges[1] - edges[0], self.energy.shape[1], edges[-1] + 0.05 * np.ptp(edges)
        for place, (energy, wrong) in enumerate(zip(self.energy, self.read_wrong, strict=True)):
            for chosen, side, style in ((wrong, -1, WRONG), (~wrong, 1, RIGHT)):
                counts = np.histogram(energy[chosen], edges)[0]
                # The square root keeps single reads visible beside two hundred.
                widths = side * 0.5 * np.sqrt(counts / most)
                axis.barh(edges[:-1][counts > 0], widths[counts > 0], height, place, align="edge", **style)
                if beyond := int((energy[chosen] > edges[-1]).sum()):
                    axis.scatter(place + 0.08 * side, above, 16, marker="^", **style)
                    axis.text(place + 0.2 * side, above, str(beyond), fontsize="small", ha="center", va="center")
            told = f"{(~wrong).mean():.0%}"
            axis.text(place, 1.0, told, transform=axis.get_xaxis_transform(), ha="center", va="top")
        axis.axhline(0, color="black", linewidth=0.7, zorder=0)
        axis.set_xticks(range(len(self.moments)), [f"{step:,}" for step in self.moments])
        axis.set(xlim=(-0.55, len(self.moments) - 0.45), ylim=(edges[0], edges[-1] + 0.22 * np.ptp(edges)))
        axis.set(xlabel="updates", ylabel="energy above right answer", title="reads of one image, % right")
        handles = [Patch(label=label, **style) for style, label in ((WRONG, "wrong"), (RIGHT, "right"))]
        axis.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0.9))

    def _plot_answers(self, axis: Axes) -> None:
        axis.plot(self.step, 100 * (1 - self.wrong), "o-", clip_on=False, color=RIGHT["facecolor"], label="right")
        exact = 100 * (1 - self.off_code)
        axis.plot(self.step, exact, "s--", clip_on=False, color="0.35", markerfacecolor="white", label="exactly its code")
        for step in self.moments:
            axis.axvline(step, color="0.7", linewidth=0.6, linestyle=":", zorder=0)
        step_axis(axis)
        axis.set(ylim=(0, 103), xlim=(-0.2, 1.15 * self.step[-1]))
        axis.set(ylabel="% of test images", title="deepest of ten reads, every test image")
        axis.legend(loc="lower right")


def follow(networks: Networks, data: Dataset, sampler: Sampler, image: int, num_reads: int, seed: int) -> Descent:
    """Read one test image `num_reads` times, and every test image `READS` times, in each network.

    networks: by the number of updates, in rising order. image: its place in the test set. seed: of the reads.
    """
    most = len(data.y_test) - 1
    check(0 <= image <= most, "image", image, f"at most {most}: the test images of {data.name} count from 0")
    answers = [own_answers(net, data.x_test, data.y_test, sampler, READS, seed) for net in networks.values()]
    step, wrong = np.array(list(networks)), np.array([answer.wrong.mean() for answer in answers])
    between = [int(np.abs(wrong[1:-1] - level).argmin()) + 1 for level in _LEFT] if len(step) > 2 else []
    moments = step[sorted({0, *between, len(step) - 1})]
    x, label = data.x_test[image : image + 1], data.y_test[image : image + 1]
    nets = [networks[moment] for moment in moments.tolist()]
    views = [landscape(net, x, label, sampler.sample(net.problem(x), num_reads, seed)) for net in nets]
    return Descent(
        step,
        wrong,
        np.array([1 - answer.exact.mean() for answer in answers]),
        moments,
        np.array([view.energy for view in views]),
        np.array([view.wrong for view in views]),
    )
