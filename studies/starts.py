"""Is the untrained network a spin glass, and does it remain one with an image? Many such networks in thermal equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import matplotlib.pyplot as plt
import numpy as np
import scipy
from jaxtyping import Bool, Float32, Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qnn_core.ising import IsingProblem
from qnn_core.landscape.overlaps import binder, binder_error, susceptibility
from qnn_core.landscape.replicas import glass_line
from qnn_core.landscape.tempering import parallel_tempering
from qnn_core.network import QNN
from qnn_core.samplers.base import derived_seed
from qnn_core.statistics import Interval, percentile_interval, resampled
from studies.plots import PAGE, error_bars, label_panels, look, size_axis, small_legend
from studies.stored import Arrays, Images, Study, stack_rows

_BINS = 41


@dataclass(frozen=True, eq=False)
class Starts(Study):
    """Equilibrium of untrained networks of K sizes, S of each, with an image at D drives and at T temperatures in units of T_c.

    hidden, outputs: spins. drive: the first is 0, no image; trained: the place of the one that training starts from. field: standard
    deviation of the image's field on the hidden spins at a drive of 1, mean over images. chi: spin-glass susceptibility. spread: variance
    over pairs of replicas of their overlap. second, fourth: moments of the overlap without an image. identity: the energy over what gaussian
    couplings and fields demand, 1 in equilibrium, with its standard error over samples. overlaps: P(q) of each network of the largest size
    at the lowest temperature, over equal bins from -1 to 1.
    """

    prefix: ClassVar[str] = "start_"
    hidden: Int64[np.ndarray, " K"]
    outputs: Int64[np.ndarray, " K"]
    drive: Float64[np.ndarray, " D"]
    trained: Int64[np.ndarray, ""]
    temperature: Float64[np.ndarray, " T"]
    field: Float64[np.ndarray, ""]
    chi: Float64[np.ndarray, "K S D T"]
    spread: Float64[np.ndarray, "K S D T"]
    second: Float64[np.ndarray, "K S T"]
    fourth: Float64[np.ndarray, "K S T"]
    identity: Float64[np.ndarray, "K D T"]
    identity_error: Float64[np.ndarray, "K D T"]
    overlaps: Float64[np.ndarray, "S D bins"]
    equilibrated: Bool[np.ndarray, "K S T"]
    acceptance: Float64[np.ndarray, "K S T1"]
    spin_updates: Int64[np.ndarray, "K S"]

    @property
    def spins(self) -> Int64[np.ndarray, " K"]:
        """Spins of each size."""
        return self.hidden + self.outputs

    @property
    def line(self) -> Float64[np.ndarray, " D"]:
        """`glass_line` of each drive."""
        ratio = float(self.hidden[-1] / self.outputs[-1])
        return np.array([glass_line(ratio, float(self.field * drive)) for drive in self.drive])

    def exponent(self, drive: int, temperature: int = 0) -> Interval:
        """x of chi ~ N^x at the places of a drive and a temperature: 1 in a glass, 0 where spins are uncorrelated, 1/3 at T_c without a field.

        The slope through the logarithms of the means over networks; the interval is from resampling the networks of each size.
        """
        chi, logs = self.chi[:, :, drive, temperature], np.log(self.spins)
        draws = [resampled(chi.shape[1], 1000, size) for size in range(len(chi))]
        means = np.stack([values[rows].mean(axis=1) for values, rows in zip(chi, draws, strict=True)])
        slopes = np.polyfit(logs, np.log(means), 1)[0]
        return percentile_interval(np.polyfit(logs, np.log(chi.mean(axis=1)), 1)[0], slopes)

    def arrays(self) -> Arrays:
        """What is stored; `glass_exponent` is that at the drive of the training."""
        exponents = np.array([self.exponent(place) for place in range(len(self.drive))])
        derived = {"start_spins": self.spins, "start_line": self.line, "start_exponent": exponents}
        powers = {"glass_exponent": exponents[self.trained], "glass_exponent_no_image": exponents[0]}
        return super().arrays() | derived | powers

    def rows(self) -> list[dict[str, float | Interval]]:
        """For each drive: where theory has the glass, the exponents at the lowest temperature and above T_c, and how much networks differ."""
        hot = len(self.temperature) - 1
        relative = self.spread.std(axis=1, ddof=1) / self.spread.mean(axis=1)
        cold, hottest = (f"{self.temperature[place]:.2g} T_c" for place in (0, hot))
        return [
            {
                "drive": float(drive),
                "field, T_c": float(self.field * drive),
                "glass below, T_c": float(self.line[place]),
                f"x at {cold}": self.exponent(place),
                f"x at {hottest}": self.exponent(place, hot),
                f"scatter of var q at {cold}, {self.spins[0]} spins": float(relative[0, place, 0]),
                f"{self.spins[-1]} spins": float(relative[-1, place, 0]),
            }
            for place, drive in enumerate(self.drive)
        ]

    def evidence(self) -> list[dict[str, float]]:
        """The evidence that equilibrium was reached, for each size."""
        off = np.abs((self.identity - 1) / self.identity_error).max(axis=(1, 2))
        return [
            {
                "spins": int(spins),
                "in equilibrium (hot and cold starts agree), %": 100 * float(self.equilibrated[place].mean()),
                "lowest exchange rate": float(self.acceptance[place].mean(axis=0).min()),
                "deviation from the energy identity, standard errors": float(off[place]),
            }
            for place, spins in enumerate(self.spins)
        ]

    def plot_chi(self, axis: Axes, drive: int) -> None:
        """The susceptibility against temperature, one curve a size, and where theory ends the glass."""
        for number, spins in enumerate(self.spins):
            chi = self.chi[number, :, drive]
            label = f"$N={spins}$"
            axis.errorbar(self.temperature, chi.mean(axis=0), scipy.stats.sem(chi), capsize=2, label=label, **look(number))
        axis.axvline(self.line[drive], color="0.5", linewidth=0.8)
        axis.set(xscale="log", yscale="log", xlabel="temperature $T/T_c$", ylabel=r"$\chi_{SG}$")
        axis.set_ylim(0.8, 1.5 * float(self.chi.mean(axis=1).max()))

    def plot_growth(self, axis: Axes) -> None:
        """The susceptibility against size: at the lowest temperature without an image and with one, and at the highest with one."""
        hot, cold = f"${self.temperature[-1]:.1f}\\,T_c$", f"${self.temperature[0]:.1f}\\,T_c$"
        shown = int(self.trained)
        curves = ((0, 0, f"no image, {cold}"), (shown, 0, f"image, {cold}"), (shown, -1, f"image, {hot}"))
        for number, (place, temperature, label) in enumerate(curves):
            chi = self.chi[:, :, place, temperature]
            axis.errorbar(self.spins, chi.mean(axis=1), scipy.stats.sem(chi, axis=1), capsize=2, label=label, **look(number))
        size_axis(axis, self.spins)
        axis.set(yscale="log", ylabel=r"$\chi_{SG}$")

    def plot_exponents(self, axis: Axes) -> None:
        """The exponent against temperature, one curve a drive; the marks below are where theory ends the glass."""
        for number, drive in enumerate(self.drive):
            found = [self.exponent(number, place) for place in range(len(self.temperature))]
            label = f"drive {drive:g}" if drive else "no image"
            error_bars(axis, self.temperature, np.array(found), label=label, **look(number))
            axis.plot(self.line[number], -0.25, marker="|", markersize=9, color=f"C{number}")
        axis.axhline(0, color="0.5", linewidth=0.8)
        axis.set(xscale="log", xlabel="temperature $T/T_c$", ylabel=r"$x$ of $\chi_{SG}\sim N^x$")

    def plot_overlaps(self, axis: Axes, drive: int) -> None:
        """P(q) of six networks of the largest size at the lowest temperature, and the mean of all."""
        middles, single = (np.arange(_BINS) + 0.5) * 2 / _BINS - 1, self.overlaps[:6, drive]
        axis.plot(middles, single.T, color="0.6", linewidth=0.7)
        axis.plot(middles, self.overlaps[:, drive].mean(axis=0), color="C0", linewidth=1.8)
        axis.set(xlabel="overlap $q$", ylabel="$P(q)$", xlim=(-1, 1), ylim=(0, 1.05 * single.max()))

    def figure(self) -> Figure:
        """Binder's cumulant, susceptibilities without an image and with one, exponents, and P(q) of single networks."""
        shown = int(self.trained)
        figure, ((cumulant, free, seen), (exponents, alone, with_image)) = plt.subplots(2, 3, figsize=(PAGE, 4.8))
        for number, spins in enumerate(self.spins):
            second, fourth = self.second[number], self.fourth[number]
            values = binder(second.mean(axis=0), fourth.mean(axis=0))
            style = {"capsize": 2, "label": f"$N={spins}$", **look(number)}
            cumulant.errorbar(self.temperature, values, binder_error(second, fourth), **style)
        cumulant.axvline(1, color="0.5", linewidth=0.8)
        cumulant.set(xscale="log", xlabel="temperature $T/T_c$", ylabel="Binder cumulant $g$", title="no image: Binder cumulant")
        self.plot_chi(free, 0)
        free.set(title="no image: susceptibility")
        self.plot_chi(seen, shown)
        seen.set(title=f"image, drive {self.drive[shown]:g}")
        self.plot_exponents(exponents)
        exponents.set(title="growth with size")
        for axis, place, title in ((alone, 0, "no image"), (with_image, shown, "with an image")):
            self.plot_overlaps(axis, place)
            axis.set(title=f"{title}, {self.temperature[0]:.1f} $T_c$")
        for axis in (cumulant, exponents):
            small_legend(axis)
        label_panels(figure.axes)
        return figure


def untrained_starts(
    copies: Sequence[int], hidden_per_output: float, classes: int, x: Images, centre: Float32[np.ndarray, " D"] | None,
    drives: Sequence[float], trained: float, temperatures: Float64[np.ndarray, " T"], sweeps: int, measurements: int, seed: int,
) -> Starts:  # fmt: skip
    """Parallel tempering of a new network for each of S images and each size; hidden = hidden_per_output x classes x copies.

    drives, trained: some drives, and that of the training. temperatures: in units of T_c, rising. centre: of the networks. sweeps,
    measurements: as in `parallel_tempering`. seed: of networks and moves.
    """
    drive = np.array(sorted({0.0, *drives, trained}))
    sizes = [(round(hidden_per_output * classes * number), number) for number in copies]
    rows = []
    for hidden, number in sizes:
        samples = [
            _one_start(QNN((x.shape[1], hidden, classes), number, derived_seed(seed, number, row) >> 31, centre=centre), image,
                       drive, temperatures, sweeps, measurements, derived_seed(seed, number, row, 1))
            for row, image in enumerate(x)
        ]  # fmt: skip
        rows.append(stack_rows(samples))
    stacked = stack_rows(rows)
    energy, expected = stacked.pop("energy"), stacked.pop("expected")
    ratio = energy.mean(axis=1) / expected.mean(axis=1)
    # Of a ratio of means: the scatter of numerator minus ratio times denominator.
    residual = scipy.stats.sem(energy - ratio[:, None] * expected, axis=1)
    return Starts(
        hidden=np.array([hidden for hidden, _ in sizes]),
        outputs=classes * np.array(copies),
        drive=drive,
        trained=np.asarray(np.searchsorted(drive, trained)),
        temperature=temperatures,
        identity=ratio,
        identity_error=residual / np.abs(expected.mean(axis=1)),
        **{**stacked, "overlaps": stacked["overlaps"][-1], "field": np.asarray(stacked["field"].mean())},
    )


def _one_start(
    net: QNN, image: Float32[np.ndarray, " D"], drive: Float64[np.ndarray, " drives"], temperatures: Float64[np.ndarray, " T"],
    sweeps: int, measurements: int, seed: int,
) -> Arrays:  # fmt: skip
    shown = net.problem(image[None])
    hidden, outputs = shown.layers
    problem = IsingProblem(shown.layers, drive[:, None].astype(np.float32) * shown.fields, shown.couplings)
    found = parallel_tempering(problem, temperatures, sweeps, seed, measurements=measurements, strict=False)
    q = found.overlaps["all"].astype(np.float64)
    q_hidden = found.overlaps["0"].astype(np.float64)
    product = q_hidden * found.overlaps["1"]
    field = np.sqrt(np.mean(net.measured(image[None]).astype(np.float64) ** 2))
    coupled = np.sqrt(hidden * outputs) * (1 - product.mean(axis=(0, 3)))
    driven = hidden * (field * drive[:, None]) ** 2 * (1 - q_hidden.mean(axis=(0, 3)))
    bins = np.linspace(-1, 1, _BINS + 1)
    return {
        "field": np.asarray(field),
        "chi": susceptibility(q, hidden + outputs).mean(axis=0),
        "spread": (q**2).mean(axis=(0, 3)) - q.mean(axis=(0, 3)) ** 2,
        "second": (q[:, 0] ** 2).mean(axis=(0, 2)),
        "fourth": (q[:, 0] ** 4).mean(axis=(0, 2)),
        "energy": found.energies.mean(axis=(0, 3), dtype=np.float64),
        "expected": -(coupled + driven) / temperatures,
        "overlaps": np.stack([np.histogram(values, bins, density=True)[0] for values in q[:, :, 0].swapaxes(0, 1)]),
        "equilibrated": found.equilibrated,
        "acceptance": found.acceptance,
        "spin_updates": np.array(found.spin_updates),
    }
