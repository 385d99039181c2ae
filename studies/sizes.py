"""The same training in networks of growing size: does the change from glass to order sharpen?

Hidden and output layers grow in proportion, because at a fixed number of outputs there is no thermodynamic glass; the outputs grow by
copies of each class. Order is thermal, at temperatures in units of T_c(t), at which random couplings as strong as the network's would freeze:
so that growing weights alone do not count as order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qnn_core.data import Dataset
from qnn_core.history import log_spaced_steps
from qnn_core.landscape.overlaps import order_susceptibility, susceptibility
from qnn_core.landscape.tempering import parallel_tempering
from qnn_core.network import QNN
from qnn_core.rules import Rule, RuleName
from qnn_core.samplers.base import Sampler, derived_seed
from qnn_core.statistics import PERCENT, UNBOUNDED, UNKNOWN, Interval, mean_interval
from qnn_core.threads import one_thread_for_algebra
from qnn_core.training import Settings, TrainingRun, default_rate
from studies.equilibrium import glass_temperature, growth
from studies.plots import PAGE, band, label_panels, look, size_axis, small_legend
from studies.rises import PARTS, Sharpening, Verdict, at_rise, collapse, rise_times, spacing_at
from studies.stored import Arrays, Images, Labels, Study, stack_rows

SETTLED = 0.05
"""Order has settled if it changes by less while the time doubles for the last time."""
_WARMER = 0.7
"""In units of T_c: order is kept at the temperature of the ladder next to this one too, still where there can be a glass."""


def follow_size(
    data: Dataset, copies: int, hidden_per_output: float, sampler: Sampler, seed: int, *, drive: float, rule: RuleName, reads: int,
    warm_up: int, epochs: int, batch_size: int, moments: int, images: int, ladder: Float64[np.ndarray, " T"], sweeps: int, measurements: int,
) -> Arrays:  # fmt: skip
    """Train one network, hidden = hidden_per_output x outputs, and bring B = `images` test images to equilibrium at S moments of it.

    drive: of the new network. rule, reads, epochs, batch_size: as in `train`. warm_up: updates during which the rate grows evenly to the
    network's `default_rate`, so that the rise takes many updates at every size; then it is constant. moments: log-spaced. ladder:
    temperatures of the tempering in units of T_c(t); order is kept at two of them, see `kept`. sweeps, measurements: as in
    `parallel_tempering`.

    Returns layers, its spins; step (S,) and time (S,), the sum of the rates so far in units of the default; what `_order` gives at each moment,
    (S, 2, B); equilibrated, the fraction of moments that both starts agree on, (2,); train_error and test_error at the end; spin_updates.
    """
    outputs = data.num_classes * copies
    sizes = (data.num_pixels, round(hidden_per_output * outputs), data.num_classes)
    net = QNN(sizes, copies, seed, drive=drive, centre=data.x_train.mean(axis=0))
    full = Settings(epochs, reads, default_rate(net, data), batch_size, seed, Rule(rule), rest=0)
    rows = np.random.default_rng(seed).choice(len(data.x_test), size=images, replace=False)
    shown = data.x_test[rows], data.y_test[rows]
    with one_thread_for_algebra():
        run = TrainingRun(net, data, sampler, full, checkpoint=None)
        steps = log_spaced_steps(run.total, moments, first=max(1, warm_up // 20))
        found, time = [], [0.0]
        for step in range(run.total + 1):
            if step in steps:
                found.append(_order(run.trained, *shown, ladder, sweeps, measurements, derived_seed(seed, step)))
            if step < run.total:
                rate = min(1.0, (step + 1) / warm_up)
                time.append(time[-1] + rate)
                run.settings = replace(full, lr=rate * full.lr)
                run.step()
    order, history = stack_rows(found), run.history
    return {
        **order,
        "layers": np.array(net.layers),
        "step": np.array(steps),
        "time": np.array(time)[steps],
        "equilibrated": order["equilibrated"].mean(axis=0),
        "train_error": np.array(history.train_error[-1]),
        "test_error": np.array(history.test_error[-1]),
        "spin_updates": order["spin_updates"].sum() + history.spin_updates[-1],
    }


def kept(ladder: Float64[np.ndarray, " T"]) -> list[int]:
    """The places of the two temperatures of a ladder at which order is kept."""
    return [0, int(np.abs(ladder - _WARMER).argmin())]


def _order(
    net: QNN, x: Images, labels: Labels, ladder: Float64[np.ndarray, " T"], sweeps: int, measurements: int, seed: int
) -> Arrays:
    """Order of B images at the lowest temperature of the ladder and a second one, `kept`, (2, B).

    m, the overlap with the clamped state of the right answer, and q_ea, that of two replicas; chi_m and chi, the susceptibilities of both;
    q_variance, of the overlaps of pairs.
    """
    found = parallel_tempering(
        net.problem(x), glass_temperature(net) * ladder, sweeps, seed,
        measurements=measurements, strict=False, target=net.clamped(x, labels),
    )  # fmt: skip
    q, m = (values[:, :, kept(ladder)].astype(np.float64) for values in (found.overlaps["all"], found.alignment))
    spins = found.num_spins["all"]
    return {
        "m": m.mean(axis=(0, 3)).T,
        "chi_m": order_susceptibility(m, spins).mean(axis=0).T,
        "q_ea": q.mean(axis=(0, 3)).T,
        "q_variance": ((q**2).mean(axis=(0, 3)) - q.mean(axis=(0, 3)) ** 2).T,
        "chi": susceptibility(q, spins).mean(axis=0).T,
        "equilibrated": found.equilibrated[kept(ladder)],
        "spin_updates": np.array(found.spin_updates),
    }


def before_and_after(runs: Sequence[Arrays]) -> dict[str, Interval]:
    """Order at the lower temperature, and errors, of some runs of `follow_size`."""
    found = stack_rows(runs)
    m, q = (found[name][:, :, 0].mean(axis=2) for name in ("m", "q_ea"))
    errors = {f"{part} error, %": mean_interval(100 * found[f"{part}_error"], PERCENT) for part in ("train", "test")}
    ends = {"m untrained": m[:, 0], "m trained": m[:, -1], "q untrained": q[:, 0], "q trained": q[:, -1]}
    return {**{name: mean_interval(values) for name, values in ends.items()}, **errors}


@dataclass(frozen=True, eq=False)
class Sizes(Study):
    """Networks of K sizes, R runs each, followed by `follow_size` at S moments.

    layers, hidden and output spins. m, chi_m, q_ea, q_variance, chi: at two temperatures. temperature: these, in
    units of T_c(t).
    """

    layers: Int64[np.ndarray, "K R 2"]
    step: Int64[np.ndarray, " S"]
    time: Float64[np.ndarray, " S"]
    temperature: Float64[np.ndarray, " 2"]
    m: Float64[np.ndarray, "K R S 2 B"]
    chi_m: Float64[np.ndarray, "K R S 2 B"]
    q_ea: Float64[np.ndarray, "K R S 2 B"]
    q_variance: Float64[np.ndarray, "K R S 2 B"]
    chi: Float64[np.ndarray, "K R S 2 B"]
    equilibrated: Float64[np.ndarray, "K R 2"]
    train_error: Float64[np.ndarray, "K R"]
    test_error: Float64[np.ndarray, "K R"]
    spin_updates: Int64[np.ndarray, "K R"]

    @classmethod
    def of_runs(cls, sizes: Sequence[Sequence[Arrays]], ladder: Float64[np.ndarray, " T"]) -> Sizes:
        """The study made of what `follow_size` returns, by size and run, and of the ladder that it used."""
        stacked = stack_rows([stack_rows(runs) for runs in sizes])
        shared = {name: stacked.pop(name)[0, 0] for name in ("step", "time")}
        return cls(temperature=ladder[kept(ladder)], **shared, **stacked)

    @property
    def spins(self) -> Int64[np.ndarray, " K"]:
        """Spins of each size."""
        return self.layers[:, 0].sum(axis=1)

    def times(self, place: int, parts: Float64[np.ndarray, " L"] = PARTS) -> Float64[np.ndarray, "K R B L"]:
        """`rise_times` of m of every image at one of the temperatures."""
        m = np.moveaxis(self.m[:, :, :, place], 2, -1)
        return np.apply_along_axis(lambda order: rise_times(self.time, order, parts), -1, m)

    def offsets(self, place: int, parts: Float64[np.ndarray, " L"] = PARTS) -> Float64[np.ndarray, "K R L"]:
        """Decades from the middle of an image's rise to when each part is done: medians over images."""
        return _of_images(np.nanmedian, self.times(place, parts) - self.times(place, PARTS[2:3]))

    def middle(self, place: int = 0) -> Float64[np.ndarray, "K R"]:
        """When half of the rise is done, log10 of the time: median over images."""
        return _of_images(np.nanmedian, self.times(place, PARTS[2:3])[..., 0])

    def width(self, place: int = 0) -> Float64[np.ndarray, "K R"]:
        """Decades from a quarter of an image's rise to three quarters: median over images."""
        times = self.times(place)
        return _of_images(np.nanmedian, times[..., 3] - times[..., 1])

    def peak(self, place: int = 0) -> Float64[np.ndarray, "K R"]:
        """chi_m `at_rise`, mean over images."""
        m, chi = (np.moveaxis(values[:, :, :, place], 2, -1) for values in (self.m, self.chi_m))
        return _of_images(np.nanmean, np.vectorize(at_rise, signature="(s),(s)->()")(m, chi))

    def peaked(self, place: int = 0) -> Bool[np.ndarray, " K"]:
        """At which sizes chi_m is larger in the rise than in the untrained and in the trained network, means over runs."""
        ends = self.chi_m[:, :, [0, -1], place].mean(axis=(1, 3)).max(axis=1)
        return self.peak(place).mean(axis=1) > ends

    @property
    def unsettled(self) -> Float64[np.ndarray, "K R"]:
        """Change of m at the lower temperature while the time doubles for the last time, mean over images."""
        m = self.m[:, :, :, 0].mean(axis=-1)
        return m[:, :, -1] - m[:, :, int(np.abs(self.time - self.time[-1] / 2).argmin())]

    @property
    def resolved(self) -> Bool[np.ndarray, " K"]:
        """The sizes that are fitted: order has settled in all runs, and no part of a rise is done before the first moment."""
        apart = [np.delete(self.offsets(place), 2, axis=2) for place in (0, 1)]
        seen = np.all([(np.nan_to_num(one) != 0).all(axis=(1, 2)) for one in apart], axis=0)
        return seen & (self.unsettled < SETTLED).all(axis=1)

    @cached_property
    def sharpening(self) -> tuple[Sharpening, Sharpening] | None:
        """Fits to the sizes that are resolved, at each temperature; None where fewer than two are."""
        return (self._sharpening(0), self._sharpening(1)) if self.resolved.sum() > 1 else None

    def _sharpening(self, place: int) -> Sharpening:
        chosen, spins = self.resolved, self.spins.astype(np.float64)
        width, middle, peak = (values(place)[chosen] for values in (self.width, self.middle, self.peak))
        return Sharpening(
            width=growth(spins[chosen], width.T),
            peak=growth(spins[chosen], peak.T) if self.peaked(place)[chosen][-1] else None,
            untrained=growth(spins, self.chi[:, :, 0, place].mean(axis=2).T),
            middle=growth(spins[chosen], (10**middle).T),
            collapse=collapse(spins[chosen], np.delete(self.offsets(place), 2, axis=2)[chosen]),
            interpolated=float(np.mean(width < spacing_at(self.time, middle))),
        )

    @property
    def verdict(self) -> Verdict:
        """The word that both temperatures give; undecided where they differ, or where fewer than two sizes are resolved."""
        words = {fits.verdict for fits in self.sharpening or ()}
        return words.pop() if len(words) == 1 else "undecided"

    def arrays(self) -> Arrays:
        """What is stored; the exponents are those at the lower temperature."""
        fits = self.sharpening[0] if self.sharpening else None
        powers = {"narrowing": fits and fits.width, "growth": fits and fits.peak, "untrained": fits and fits.untrained}
        return {
            **super().arrays(),
            **{name: np.array(power or UNKNOWN) for name, power in powers.items()},
            "middle": np.stack([self.middle(0), self.middle(1)]),
            "width": np.stack([self.width(0), self.width(1)]),
            "spins": self.spins,
            "resolved": self.resolved,
            "verdict": np.array(self.verdict),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Each size: means over runs, at the lower temperature; nothing where a run has no such value."""
        m = self.m[:, :, :, 0].mean(axis=-1)
        values = {
            "m, untrained": m[:, :, 0],
            "m, trained": m[:, :, -1],
            "last change of m": self.unsettled,
            "middle, log10 time": self.middle(),
            "width, decades": self.width(),
            "chi_m in the rise": self.peak(),
            "chi_SG, untrained": self.chi[:, :, 0, 0].mean(axis=-1),
            "training error, %": 100 * self.train_error,
            "test error, %": 100 * self.test_error,
        }
        rows: list[dict[str, Any]] = []
        for row, spins in enumerate(self.spins):
            rows.append({"spins": int(spins), "fitted": bool(self.resolved[row])})
            for name, runs in values.items():
                bounds, known = PERCENT if "%" in name else UNBOUNDED, np.isfinite(runs[row]).all()
                rows[-1][name] = mean_interval(runs[row], bounds) if known else None
            rows[-1]["in equilibrium, %"] = 100 * float(self.equilibrated[row].mean())
        return rows

    def powers(self) -> dict[str, dict[str, Any]]:
        """Exponents and verdict at each temperature."""
        named = zip(self.temperature, self.sharpening or (), strict=False)
        return {f"T = {temperature:.2g} T_c": {**fits.rows(), "verdict": fits.verdict} for temperature, fits in named}

    def figure(self) -> Figure:
        """Order and its susceptibilities along training."""
        figure, ((right, replicas), (chi_m, chi)) = plt.subplots(2, 2, figsize=(PAGE, 4.6), sharex=True)
        for axis, name, label, title in (
            (right, "m", "$m$", "right answer"),
            (replicas, "q_ea", "$q$", "two replicas"),
            (chi_m, "chi_m", r"$\chi_m/N$", "fluctuations of $m$"),
            (chi, "chi", r"$\chi_{SG}/N$", "spin glass"),
        ):
            values = getattr(self, name)[:, :, 1:, 0].mean(axis=-1)
            for row, spins in enumerate(self.spins):
                band(axis, self.time[1:], values[row] / (spins if "chi" in name else 1), label=f"$N={spins}$", **look(row))
            axis.set(xscale="log", ylabel=label, title=title)
        for axis in (chi_m, chi):
            axis.set(yscale="log", xlabel="updates at full rate")
        small_legend(right)
        label_panels(figure.axes)
        return figure

    def figure_of_scaling(self) -> Figure:
        """Rises as they are and stretched; their width and the susceptibility in them against size."""
        figure, ((rise, stretched), (width, powers)) = plt.subplots(2, 2, figsize=(PAGE, 4.6))
        self.plot_rises(rise)
        rise.set(xlabel="decades from the middle", ylabel="part of the rise", title="rise")
        if self.sharpening:
            self.plot_rises(stretched, self.sharpening[0].collapse.exponent.value)
        stretched.set(xlabel=r"decades $\times N^b$", title="rise, rescaled")
        for place, temperature in enumerate(self.temperature):
            label = f"${temperature:.2g}\\,T_c$"
            for axis, values in ((width, self.width(place)), (powers, self.peak(place))):
                scatter = values.std(axis=1, ddof=1)
                axis.errorbar(self.spins, values.mean(axis=1), scatter, capsize=2, label=label, **look(place))
        for axis, title in ((width, "width, decades"), (powers, r"$\chi_m$ in the rise")):
            size_axis(axis, self.spins)
            axis.set(yscale="log", title=title)
            small_legend(axis)
        label_panels(figure.axes)
        return figure

    def plot_rises(self, axis: Axes, exponent: float = 0.0) -> None:
        """Parts of the rise at the lower temperature against when they are done, from the middle, times (N / geometric mean)^exponent.

        The curves are those that are fitted, and the marks stand at the `PARTS`.
        """
        parts = np.linspace(0.025, 1, 40)
        offsets = self.offsets(0, parts).mean(axis=1)
        stretch = (self.spins / np.exp(np.log(self.spins).mean())) ** exponent
        marks = [int(np.abs(parts - part).argmin()) for part in PARTS]
        for row in np.flatnonzero(self.resolved).tolist():
            style = {"label": f"$N={self.spins[row]}$", "markevery": marks, **look(row)}
            axis.plot(offsets[row] * stretch[row], parts, **style)
        if axis.lines:
            small_legend(axis)


def _of_images(mean: Callable[..., np.ndarray], values: Float64[np.ndarray, "K R B *rest"]) -> Float64[np.ndarray, "K R *rest"]:
    """A mean over the images whose order rises; NaN where none does."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN slice|Mean of empty slice", category=RuntimeWarning)
        return mean(values, axis=2)
