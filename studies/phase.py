"""From spin glass to order: the landscape along training, in the states that an annealer finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qnn_core.landscape.minima import count_minima, estimate_minima
from qnn_core.landscape.overlaps import order_parameters, overlap, overlap_bins
from qnn_core.landscape.spectrum import spectrum
from qnn_core.limits import MAX_OUTPUTS
from qnn_core.network import QNN
from qnn_core.samplers.base import Sampler, derived_seed
from qnn_core.samplers.descent import quench
from qnn_core.statistics import FRACTION, UNBOUNDED, Interval, bootstrap_interval, mean_interval
from studies.plots import PAGE, band, label_panels, look, small_legend, step_axis
from studies.stored import Arrays, Images, Labels, Networks, stack_rows

_OVERLAP, _COUNT = (-np.inf, 1.0), (1.0, np.inf)
MEASURES = {
    "m": ("m, all spins", _OVERLAP),
    "m_output": ("m, outputs", _OVERLAP),
    "q_ea": ("q_EA, all spins", _OVERLAP),
    "q_hidden": ("q_EA, hidden", _OVERLAP),
    "q_output": ("q_EA, outputs", _OVERLAP),
    "q_variance": ("variance of q", _OVERLAP),
    "chi": ("chi_SG", UNBOUNDED),
    "minima": ("minima of an image, exact", _COUNT),
    "minima_estimate": ("minima, estimate from the reads", _COUNT),
    "coverage": ("coverage", FRACTION),
    "distinct": ("distinct reads, quenched", _COUNT),
    "distinct_raw": ("distinct reads, before the descent", _COUNT),
    "gap": ("energy gap, wrong - right", UNBOUNDED),
}
"""What is measured of each image: its name in words and its bounds."""


def follow(networks: Networks, x: Images, labels: Labels, sampler: Sampler, num_reads: int, seed: int) -> Arrays:
    """Order parameters of B images in the S networks of one training run, by step, from `num_reads` quenched reads of each.

    Returns step (S,); bins, edges of the histograms; and for each image, (S, B): m, mean overlap of a read with the clamped state of the
    right answer, and m_output, that of the outputs; q_ea, q_variance, chi, distinct over all spins;
    distinct_raw, the same before the descent; q_hidden and q_output, the q_ea of the first hidden and of the output layer;
    minima, exact numbers, or -1 where the outputs are too many to enumerate or there are several hidden layers; minima_estimate and
    coverage, what the reads say about them; gap, energy of the best wrong class minus that of the right one, by their clamped states.
    overlap_density: (S, bins), P(q) pooled over images, its integral over q being 1. overlap_images: (S, B, bins), of each image.
    energies: (S, R), of the reads of the first image above the deepest of them. outliers, largest: (S, layers), of each weight matrix, how
    many singular values exceed the Marchenko-Pastur edge, and the largest in units of the edge. spin_updates: (S,), spent on the reads.
    seed: of the reads.
    """
    rows = []
    for step, net in networks.items():
        problem = net.problem(x)
        raw = sampler.sample(problem, num_reads, derived_seed(seed, step))
        reads = quench(problem, raw)
        order, estimate = order_parameters(reads), estimate_minima(reads)
        columns = problem.layer_slices
        agrees = reads.spins * net.clamped(x, labels)[:, None]
        enumerable = len(problem.layers) == 2 and problem.layers[1] <= MAX_OUTPUTS
        bins = overlap_bins(problem.num_spins)
        density = np.stack([np.histogram(values, bins=bins, density=True)[0] for values in overlap(reads)])
        singular = spectrum(net)
        row: Arrays = {
            "step": np.array(step),
            "bins": bins,
            "m": agrees.mean(axis=(1, 2)),
            "m_output": agrees[..., columns[-1]].mean(axis=(1, 2)),
            "q_ea": order.q_ea,
            "q_variance": order.q_variance,
            "chi": order.chi,
            "distinct": order.distinct,
            "distinct_raw": order_parameters(raw).distinct,
            "q_hidden": overlap(reads, columns[0]).mean(axis=1),
            "q_output": overlap(reads, columns[-1]).mean(axis=1),
            "minima": count_minima(problem) if enumerable else np.full(len(x), -1),
            "minima_estimate": estimate.number,
            "coverage": estimate.coverage,
            "gap": _gaps(net, x, labels),
            "overlap_density": density.mean(axis=0),
            "overlap_images": density,
            "energies": raw.energies[0] - reads.energies[0].min(),
            "outliers": np.array([(values > 1).sum() for values in singular]),
            "largest": np.array([values[0] for values in singular]),
            "spin_updates": np.array(raw.info["spin_updates"]),
        }
        rows.append(row)
    stacked = stack_rows(rows)
    return {**stacked, "bins": stacked["bins"][0]}


def _gaps(net: QNN, x: Images, labels: Labels) -> Float64[np.ndarray, " B"]:
    energies = net.class_energies(x).astype(np.float64)
    right = np.take_along_axis(energies, labels[:, None], axis=1)[:, 0]
    np.put_along_axis(energies, labels[:, None], np.inf, axis=1)
    return energies.min(axis=1) - right


@dataclass(frozen=True, eq=False)
class Passage:
    """What `follow` finds along R training runs of the same steps.

    arrays: by the names that `follow` gives; step (S,) and bins, the others with a new first axis, the run's, (R, S, ..).
    """

    arrays: Arrays

    @classmethod
    def of_runs(cls, runs: Sequence[Arrays]) -> Passage:
        """The passage made of what `follow` returns for each run."""
        return cls({**stack_rows(runs), "step": runs[0]["step"], "bins": runs[0]["bins"]})

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    @property
    def exact(self) -> bool:
        """Whether all minima were counted."""
        return bool((self["minima"] >= 0).all())

    @property
    def num_reads(self) -> int:
        """Reads of each image."""
        return self["energies"].shape[-1]

    @property
    def moments(self) -> dict[str, int]:
        """Places of the first network, the middle one and the last, by what they are called."""
        steps = self["step"]
        return {f"{steps[place]:,} updates": place for place in (0, len(steps) // 2, len(steps) - 1)}

    def of_images(self, name: str) -> Float64[np.ndarray, "R S"]:
        """Means over images of one of `MEASURES`."""
        return self[name].mean(axis=2)

    def interval(self, name: str, place: int) -> Interval:
        """Mean of one of `MEASURES` over runs and images in one network, by its place."""
        low, high = MEASURES[name][1]
        high = self.num_reads if name.startswith("distinct") else high
        return bootstrap_interval(self[name][:, place], 0, bounds=(low, high))

    def rows(self, names: Iterable[str] = MEASURES) -> dict[str, dict[str, Interval]]:
        """Some of `MEASURES`, or all, at the three `moments`."""
        chosen = [name for name in names if name != "minima" or self.exact]
        return {
            MEASURES[name][0]: {moment: self.interval(name, place) for moment, place in self.moments.items()} for name in chosen
        }

    def structure(self) -> dict[str, dict[str, Interval | float]]:
        """Singular values of each weight matrix W at the three `moments`: the largest, and how many lie above the edge."""
        rows: dict[str, dict[str, Interval | float]] = {}
        for layer in range(self["largest"].shape[2]):
            largest, outliers = self["largest"][:, :, layer], self["outliers"][:, :, layer]
            places = self.moments.items()
            rows[f"largest singular value, W{layer}"] = {moment: mean_interval(largest[:, place]) for moment, place in places}
            rows[f"values above the edge, W{layer}"] = {moment: float(outliers[:, place].mean()) for moment, place in places}
        return rows

    def plot_overlaps(self, axis: Axes) -> None:
        """P(q), pooled over images and runs, at the three `moments`."""
        bins = self["bins"]
        for number, (moment, place) in enumerate(self.moments.items()):
            density = self["overlap_density"][:, place].mean(axis=0)
            axis.plot((bins[1:] + bins[:-1]) / 2, density, label=moment, **{**look(number), "marker": ""})
        axis.set(yscale="log", xlabel="overlap $q$ of two reads", ylabel="$P(q)$")
        axis.set_ylim(1e-3, 15 * axis.dataLim.y1)
        small_legend(axis)

    def plot_order(self, axis: Axes) -> None:
        """Overlap of reads with the right answer, m, and with each other, q_EA."""
        for number, (name, label) in enumerate((("m", "$m$, answer"), ("q_ea", "$q$, reads"))):
            band(axis, self["step"], self.of_images(name), label=label, **look(number))
        axis.set(ylabel="overlap", ylim=(min(0, axis.get_ylim()[0]), 1.02))
        step_axis(axis)
        small_legend(axis, loc="lower right")

    def plot_minima(self, axis: Axes) -> None:
        """Minima of an image, where they were counted, and different reads."""
        read = f"in {self.num_reads} reads"
        for number, (name, label) in enumerate({"distinct": read, **({"minima": "all"} if self.exact else {})}.items()):
            band(axis, self["step"], self.of_images(name), label=label, **look(number))
        axis.set(yscale="log", ylabel="minima of an image" if self.exact else f"minima {read}")
        step_axis(axis)
        if self.exact:
            axis.set_ylim(bottom=axis.get_ylim()[0] / 10)
            small_legend(axis, loc="lower left")

    def figure(self) -> Figure:
        """Overlaps, order, minima; energies of the first image's reads, susceptibility, singular values."""
        figure, ((overlaps, order, minima), (energies, chi, singular)) = plt.subplots(2, 3, figsize=(PAGE, 4.8))
        self.plot_overlaps(overlaps)
        self.plot_order(order)
        self.plot_minima(minima)
        for number, (moment, place) in enumerate(self.moments.items()):
            style = {name: look(number)[name] for name in ("color", "linestyle")}
            energies.hist(self["energies"][0, place], bins=25, histtype="step", label=moment, **style)
        energies.set(xlabel="energy above the deepest", ylabel="reads of one image")
        band(chi, self["step"], self.of_images("chi"), **look(0))
        chi.set(yscale="log", ylabel=r"$\chi_{SG}$")
        for layer in range(self["largest"].shape[2]):
            band(singular, self["step"], self["largest"][:, :, layer], label=f"$W_{layer}$", **look(layer))
        singular.axhline(1, color="0.5", linewidth=0.8)
        singular.set(ylabel="largest singular value / edge")
        small_legend(energies)
        small_legend(singular)
        step_axis(chi)
        step_axis(singular)
        titles = ("overlaps", "order", "minima", "energies of one image", "susceptibility", "couplings")
        for axis, title in zip(figure.axes, titles, strict=True):
            axis.set_title(title)
        label_panels(figure.axes)
        return figure

    def figure_of_images(self) -> Figure:
        """P(q) of each image of the first run, the least ordered image lowest, at the three `moments`; dark is frequent."""
        figure, _ = plt.subplots(1, len(self.moments), figsize=(PAGE, 2.3), sharey=True)
        for axis, (moment, place) in zip(figure.axes, self.moments.items(), strict=True):
            order = np.argsort(self["q_ea"][0, place])
            density = np.log10(self["overlap_images"][0, place][order] + 1e-3)
            axis.pcolormesh(self["bins"], np.arange(len(order) + 1), density, cmap="gray_r", rasterized=True)
            axis.set(xlabel="overlap $q$", xlim=(-1, 1.02), title=moment)
        figure.axes[0].set(ylabel="test images, by $q_{EA}$")
        label_panels(figure.axes)
        return figure
