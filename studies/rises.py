"""How sharply a quantity rises, and what becomes of the rise as networks grow: fits, a collapse, and a rule for the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from jaxtyping import Float64

from qnn_core.statistics import Interval, mean_interval

Verdict = Literal["transition", "crossover", "undecided"]

PARTS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
"""Of a rise, whose times are fitted: its middle is the third, its width the time between the second and the fourth."""
RISEN = 2 / 3
"""The rise is from the untrained network's order to this part of the last one's; the slow approach to it is no part of the change."""
_LEAST_RISE = 0.1


def part_done(order: Float64[np.ndarray, " S"]) -> Float64[np.ndarray, " S"]:
    """The part of the rise that is done, the highest so far where the order falls back; NaN for an image whose order hardly rises."""
    rise = RISEN * order[-1] - order[0]
    return np.maximum.accumulate((order - order[0]) / rise) if rise > _LEAST_RISE else np.full(len(order), np.nan)


def rise_times(
    time: Float64[np.ndarray, " S"], order: Float64[np.ndarray, " S"], parts: Float64[np.ndarray, " L"] = PARTS
) -> Float64[np.ndarray, " L"]:
    """When given parts of the rise are first done, log10 of the time; NaN for an image whose order hardly rises.

    order: at each of the rising times, the untrained network first, which is taken to be at the first time after it.
    """
    done = part_done(order)
    return np.interp(parts, done, np.log10(np.maximum(time, time[1]))) if np.isfinite(done).all() else np.full(len(parts), np.nan)


def spacing_at(time: Float64[np.ndarray, " S"], middle: Float64[np.ndarray, "*batch"]) -> Float64[np.ndarray, "*batch"]:
    """Decades between the two trained networks around the middle of each rise; narrower widths are made by interpolation."""
    logs = np.log10(time[1:])
    return np.diff(logs)[np.searchsorted(logs[1:-1], middle)]


def at_rise(order: Float64[np.ndarray, " S"], chi: Float64[np.ndarray, " S"]) -> float:
    """Mean of a susceptibility over the middle half of the rise, or where it is nearest to half done; NaN where there is no rise."""
    done = part_done(order)
    if not np.isfinite(done).all():
        return np.nan
    during = (done >= 0.25) & (done <= 0.75)
    return float(chi[during].mean() if during.any() else chi[np.abs(done - 0.5).argmin()])


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

    allowed = float(scipy.stats.f.ppf(0.95, sizes - 1, sizes * (runs - 1)))
    return Collapse(exponent, apart(0.0), apart(exponent.value), allowed)


@dataclass(frozen=True)
class Sharpening:
    """How a rise changes with size, at one temperature: powers of N of its width, its middle, the susceptibility of the order towards the
    right answer in it, and the spin-glass susceptibility of untrained networks.

    peak: None where at the largest size the susceptibility is no larger in the rise than before and after it. untrained: 1 in a glass, 0 for
    independent spins. interpolated: the part of the widths that are smaller than `spacing_at` their middle.
    """

    width: Interval
    peak: Interval | None
    untrained: Interval
    middle: Interval
    collapse: Collapse
    interpolated: float

    @property
    def verdict(self) -> Verdict:
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
            "susceptibility of m in the rise": self.peak,
            "untrained chi_SG (a glass: 1)": self.untrained,
            "middle of the rise": self.middle,
            "collapse, b": self.collapse.exponent,
        }
