"""The same training in networks of growing size: does the change from glass to order sharpen?

Hidden and output layers grow in proportion, because at a fixed number of outputs there is no thermodynamic glass; the outputs grow by
copies of each class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from qnn_core.data import Dataset
from qnn_core.landscape.minima import quench
from qnn_core.landscape.overlaps import order_parameters
from qnn_core.network import QNN
from qnn_core.rules import RuleName
from qnn_core.samplers.base import Sampler, derived_seed
from qnn_core.statistics import PERCENT, UNBOUNDED, Interval, mean_interval
from qnn_core.training import default_rate, train
from studies.equilibrium import growth
from studies.plots import PAGE, band, label_panels, look, small_legend, step_axis
from studies.stored import stack_rows

PARTS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
"""Of a rise, whose times are fitted: its middle is the third, its width the time between the second and the fourth."""


def follow_size(
    data: Dataset,
    copies: int,
    hidden_per_output: float,
    sampler: Sampler,
    seed: int,
    *,
    rule: RuleName,
    slowness: float,
    images: int,
    reads: int,
    epochs: int,
    batch_size: int,
    snapshots: int,
) -> dict[str, np.ndarray]:
    """Train one network, hidden = hidden_per_output x outputs, and follow the order of the reads of `images` test images.

    rule: as in `train`. slowness: the rate is constant, the network's `default_rate` divided by this, so that the rise takes many
    updates at every size. Returns layers, its spins; step (S,); q_ea, q_variance, chi, means over images, (S,); test_error, of the trained
    network; spin_updates, spent by training and by the reads.
    """
    outputs = data.num_classes * copies
    net = QNN((data.num_pixels, round(hidden_per_output * outputs), data.num_classes), copies=copies, seed=seed)
    history = train(
        net,
        data,
        sampler,
        lr=default_rate(net, data) / slowness,
        schedule="constant",
        rule=rule,
        reads=10,
        averaged=False,
        evaluation_images=None,
        asked=0,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        snapshots=snapshots,
    )
    rows = np.random.default_rng(seed).choice(len(data.x_test), size=images, replace=False)
    orders = []
    spent = history.spin_updates[-1]
    for step, parameters in history.snapshots.items():
        net.set_parameters(parameters)
        problem = net.problem(data.x_test[rows])
        found = sampler.sample(problem, reads, derived_seed(seed, step))
        spent += found.info["spin_updates"]
        orders.append(order_parameters(quench(problem, found)))
    means = {name: np.array([getattr(order, name).mean() for order in orders]) for name in ("q_ea", "q_variance", "chi")}
    ends = {"test_error": np.array(history.test_error[-1]), "spin_updates": np.array(spent)}
    return {"layers": np.array(net.layers), "step": np.array(list(history.snapshots)), **means, **ends}


def before_and_after(runs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Interval]:
    """Order and error of some runs of `follow_size`."""
    order = stack_rows(runs)["q_ea"]
    error = 100 * stack_rows(runs)["test_error"]
    ends = {"order before training": mean_interval(order[:, 0]), "after": mean_interval(order[:, -1])}
    return {**ends, "test error, %": mean_interval(error, PERCENT)}


def rise_times(
    step: np.ndarray, order: Float64[np.ndarray, " S"], parts: Float64[np.ndarray, " L"], target: float
) -> Float64[np.ndarray, " L"]:
    """When given parts of the rise to `target` are first done, log10 of the number of updates; NaN where they never are.

    order: at each of the rising numbers of updates, the untrained network first, which is taken to be at one update.
    """
    time = np.log10(np.maximum(step, 1))
    done = _done(order, target)
    return np.where(parts <= done[-1], np.interp(parts, done, time), np.nan)


def _done(order: Float64[np.ndarray, " S"], target: float) -> Float64[np.ndarray, " S"]:
    """The part of the rise to `target` that is done; where the order falls back, the highest so far."""
    return np.maximum.accumulate((order - order[0]) / (target - order[0]))


def spacing_at(step: Int64[np.ndarray, " S"], middle: Float64[np.ndarray, "*batch"]) -> Float64[np.ndarray, "*batch"]:
    """Decades between the two trained networks around the middle of each rise; narrower widths are made by interpolation."""
    time = np.log10(step[1:])
    return np.diff(time)[np.searchsorted(time[1:-1], middle)]


def peak_at_rise(order: Float64[np.ndarray, " S"], chi: Float64[np.ndarray, " S"], target: float) -> float:
    """The largest susceptibility while a tenth to nine tenths of the rise to `target` are done; NaN if it is larger before or at the end.

    A susceptibility that is largest in the untrained network belongs to its disorder, and not to the change.
    """
    done = _done(order, target)
    during = chi[(done >= 0.1) & (done <= 0.9)]
    return float(during.max()) if during.size and during.max() > max(chi[0], chi[-1]) else np.nan


def size_exponent(spins: Float64[np.ndarray, " K"], values: Float64[np.ndarray, "K R"]) -> Interval:
    """Power of N with which values of K sizes and R runs each grow: the slope of each run's straight line through the logarithms."""
    return growth(spins, values.T)


@dataclass(frozen=True)
class Collapse:
    """Rises of networks of several sizes, laid on one another: log10(t / t_half) stretched by N^exponent.

    exponent: positive where the rise narrows with size. unscaled, misfit: how far curves of different sizes lie apart, before and after
    stretching, as a variance in units of what the scatter of the runs explains: 1 for a perfect collapse. allowed: what it exceeds in one of 20
    perfect ones (F distribution).
    """

    exponent: Interval
    unscaled: float
    misfit: float
    allowed: float

    @property
    def holds(self) -> bool:
        return self.misfit < self.allowed


def collapse(spins: Float64[np.ndarray, " K"], times: Float64[np.ndarray, "K R L"]) -> Collapse:
    """The best collapse of the rises of K sizes and R runs each.

    times: log10 of the time at which each of L parts of the rise is done, less that of its half; none may be 0. They are to shrink as
    N^-exponent, all by the same exponent, which is fitted to each run by least squares in the logarithms.
    """
    sizes, runs, levels = times.shape
    logs = np.log(spins / np.exp(np.log(spins).mean()))
    widths = np.log(np.abs(times)).transpose(1, 2, 0).reshape(-1, sizes)
    exponents = -np.polyfit(logs, widths.T, 1)[0].reshape(runs, levels).mean(axis=1)
    exponent = mean_interval(exponents)

    def apart(power: float) -> float:
        stretched = times * np.exp(power * logs)[:, None, None]
        between = stretched.mean(axis=1).var(axis=0, ddof=1).sum()
        return float(between / (stretched.var(axis=1, ddof=1).mean(axis=0).sum() / runs))

    allowed = float(stats.f.ppf(0.95, sizes - 1, sizes * (runs - 1)))
    return Collapse(exponent, apart(0.0), apart(exponent.value), allowed)


@dataclass(frozen=True)
class Sharpening:
    """How a rise changes with size: powers of N of its width, its middle, the susceptibility's peak at it and in untrained networks.

    peak: None where a run has no such peak. untrained: 1 in a glass, 0 for independent spins. middle: of the number of updates.
    interpolated: the part of the widths that are smaller than `spacing_at` their middle.
    """

    width: Interval
    peak: Interval | None
    untrained: Interval
    middle: Interval
    collapse: Collapse
    interpolated: float

    @property
    def verdict(self) -> Literal["transition", "crossover", "undecided"]:
        """Transition: the width shrinks, the peak grows, both with 95 % confidence, and the curves collapse.

        Crossover: the peak is known to shrink, or the width to shrink more slowly than N^(-1/4), by which it would halve from the smallest to
        the largest of sizes that are a factor of 16 apart. Undecided: anything else, and where more than half of the widths are interpolated.
        """
        if self.interpolated > 0.5:
            return "undecided"
        if self.width.high < 0 and self.peak is not None and self.peak.low > 0 and self.collapse.holds:
            return "transition"
        if (self.peak is not None and self.peak.high < 0) or self.width.low > -0.25:
            return "crossover"
        return "undecided"

    def rows(self) -> dict[str, Interval | None]:
        """The exponents x of N^x, and b of the collapse."""
        return {
            "width of the rise": self.width,
            "susceptibility at the rise": self.peak,
            "untrained susceptibility (a glass: 1; independent spins: 0)": self.untrained,
            "middle of the rise": self.middle,
            "collapse, b": self.collapse.exponent,
        }


@dataclass(frozen=True, eq=False)
class Sizes:
    """Networks of K sizes, R runs each, followed by `follow_size` along S steps.

    hidden, outputs: spins of the two layers, (K,). q_ea, q_variance, chi: (K, R, S), means over images. test_error: (K, R). target: order at
    which the rise counts as done. spin_updates: (K, R).
    """

    hidden: Int64[np.ndarray, " K"]
    outputs: Int64[np.ndarray, " K"]
    step: Int64[np.ndarray, " S"]
    q_ea: Float64[np.ndarray, "K R S"]
    q_variance: Float64[np.ndarray, "K R S"]
    chi: Float64[np.ndarray, "K R S"]
    test_error: Float64[np.ndarray, "K R"]
    target: float
    spin_updates: Int64[np.ndarray, "K R"]

    @classmethod
    def of_runs(cls, sizes: Sequence[Sequence[Mapping[str, np.ndarray]]], target: float) -> Sizes:
        """From what `follow_size` gave, by size and run."""
        stacked = stack_rows([stack_rows(runs) for runs in sizes])
        hidden, outputs = stacked.pop("layers")[:, 0].T
        return cls(hidden=hidden, outputs=outputs, target=target, **{**stacked, "step": stacked["step"][0, 0]})

    @property
    def spins(self) -> Int64[np.ndarray, " K"]:
        """Of each size."""
        return self.hidden + self.outputs

    def times(self, parts: Float64[np.ndarray, " L"] = PARTS) -> Float64[np.ndarray, "K R L"]:
        """`rise_times` of every run."""
        return np.array([[rise_times(self.step, run, parts, self.target) for run in runs] for runs in self.q_ea])

    @property
    def middle(self) -> Float64[np.ndarray, "K R"]:
        """When half of the rise is done, log10 of the number of updates."""
        return self.times()[..., 2]

    @property
    def width(self) -> Float64[np.ndarray, "K R"]:
        """Decades from a quarter of the rise to three quarters."""
        return self.times()[..., 3] - self.times()[..., 1]

    @property
    def offsets(self) -> Float64[np.ndarray, "K R L"]:
        """Decades from the middle to the other `PARTS`."""
        return np.delete(self.times(), 2, axis=2) - self.middle[..., None]

    @property
    def peak(self) -> Float64[np.ndarray, "K R"]:
        """`peak_at_rise` of every run."""
        pairs = zip(self.q_ea, self.chi, strict=True)
        return np.array([[peak_at_rise(*run, self.target) for run in zip(*of_size, strict=True)] for of_size in pairs])

    @property
    def resolved(self) -> Bool[np.ndarray, " K"]:
        """The sizes that are fitted: all runs reach the target, and not within the first update."""
        return (np.nan_to_num(self.offsets) != 0).all(axis=(1, 2))

    @cached_property
    def sharpening(self) -> Sharpening:
        """Fits to the sizes that are resolved."""
        chosen, spins = self.resolved, self.spins.astype(np.float64)
        width, middle, peak = self.width[chosen], self.middle[chosen], self.peak[chosen]
        return Sharpening(
            width=size_exponent(spins[chosen], width),
            peak=size_exponent(spins[chosen], peak) if np.isfinite(peak).all() else None,
            untrained=size_exponent(spins, self.chi[:, :, 0]),
            middle=size_exponent(spins[chosen], 10**middle),
            collapse=collapse(spins[chosen], self.offsets[chosen]),
            interpolated=float(np.mean(width < spacing_at(self.step, middle))),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored."""
        fits, measured = self.sharpening, ("step", "q_ea", "q_variance", "chi", "test_error")
        powers = {"narrowing": fits.width, "growth": fits.peak or Interval(*[np.nan] * 3), "untrained": fits.untrained}
        return {
            **{name: getattr(self, name) for name in (*measured, "spins", "middle", "width", "resolved")},
            **{name: np.array([power.value, power.low, power.high]) for name, power in powers.items()},
            "collapse": np.array([fits.collapse.exponent.value, fits.collapse.misfit, fits.collapse.allowed]),
            "verdict": np.array(fits.verdict),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Each size: means over runs, nothing where a run has no such value."""
        values: dict[str, tuple[np.ndarray, tuple[float, float]]] = {
            "middle, log10 updates": (self.middle, UNBOUNDED),
            "width, decades": (self.width, UNBOUNDED),
            "order, largest": (self.q_ea.max(axis=2), (-np.inf, 1)),
            "order, last": (self.q_ea[:, :, -1], (-np.inf, 1)),
            "chi_SG, untrained": (self.chi[:, :, 0], UNBOUNDED),
            "chi_SG at the rise": (self.peak, UNBOUNDED),
            "test error, %": (100 * self.test_error, PERCENT),
        }
        sizes = zip(self.spins, self.hidden, self.outputs, self.resolved, strict=True)
        return [
            {"spins": spins, "hidden": hidden, "outputs": outputs, "in the fits": resolved}
            | {
                name: mean_interval(runs[row], bounds) if np.isfinite(runs[row]).all() else None
                for name, (runs, bounds) in values.items()
            }
            for row, (spins, hidden, outputs, resolved) in enumerate(sizes)
        ]

    def figure(self) -> Figure:
        """Order, susceptibility and variance along training; the rises as they are and stretched; width and untrained susceptibility."""
        figure, ((order, chi, variance), (rise, stretched, powers)) = plt.subplots(2, 3, figsize=(PAGE, 4.8))
        plot_sizes(order, self.spins, self.step, self.q_ea)
        order.axhline(self.target, color="0.6", linewidth=0.8)
        order.set(ylabel="$q_{EA}$")
        plot_sizes(chi, self.spins, self.step, self.chi / self.spins[:, None, None])
        chi.set(ylabel=r"$\chi_{SG}/N$", yscale="log")
        plot_sizes(variance, self.spins, self.step, self.q_variance)
        variance.set(ylabel="variance of $q$")
        self.plot_rises(rise)
        rise.set(xlabel="decades from the middle", ylabel="part of the rise done")
        small_legend(rise)
        self.plot_rises(stretched, self.sharpening.collapse.exponent.value)
        stretched.set(xlabel=r"decades from the middle $\times N^b$", ylabel="part of the rise done")
        for runs, spins, label, style in (
            (self.width[self.resolved], self.spins[self.resolved], "width, decades", {"fmt": "o-", "color": "0.2"}),
            (self.chi[:, :, 0] / self.spins[:, None], self.spins, r"untrained $\chi_{SG}/N$", {"fmt": "s--", "color": "0.5"}),
        ):
            powers.errorbar(spins, runs.mean(axis=1), runs.std(axis=1, ddof=1), capsize=2, label=label, **style)
        powers.set(xscale="log", yscale="log", xlabel="spins $N$")
        powers.set_xticks(self.spins, list(map(str, self.spins)), minor=False)
        powers.minorticks_off()
        small_legend(powers)
        label_panels(figure.axes)
        return figure

    def plot_rises(self, axis: Axes, exponent: float = 0.0) -> None:
        """Parts of the rise against the mean time at which they are done, from the middle, times (N / geometric mean)^exponent.

        The curves are those that are fitted, and the marks stand at the `PARTS`.
        """
        parts = np.linspace(0.025, 1, 40)
        offsets = self.times(parts).mean(axis=1) - self.middle.mean(axis=1, keepdims=True)
        stretch = (self.spins / np.exp(np.log(self.spins).mean())) ** exponent
        marks = [int(np.abs(parts - part).argmin()) for part in PARTS]
        for row in np.flatnonzero(self.resolved).tolist():
            style = {"label": f"$N={self.spins[row]}$", "markevery": marks, **look(row)}
            axis.plot(offsets[row] * stretch[row], parts, **style)


def plot_sizes(
    axis: Axes, spins: Int64[np.ndarray, " K"], step: Int64[np.ndarray, " S"], values: Float64[np.ndarray, "K R S"]
) -> None:
    """Values of each size along training."""
    for row, number in enumerate(spins):
        band(axis, step, values[row], label=f"$N={number}$", **look(row))
    step_axis(axis)
