"""Error bars for means over seeds and for anything that can be resampled, and numbers written with as many digits as these support."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Int64

from qnn_core.errors import check


class Interval(NamedTuple):
    """An estimate with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """The value and interval to two significant digits of the interval's half width."""
        half = (self.high - self.low) / 2
        rounding = 1e-12 * abs(self.value)
        digits = 3 if not half > rounding or not np.isfinite(half) else max(0, 1 - int(np.floor(np.log10(half))))
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


UNKNOWN = Interval(np.nan, np.nan, np.nan)
"""Stands for what could not be estimated."""
UNBOUNDED = (-np.inf, np.inf)
FRACTION = (0.0, 1.0)
PERCENT = (0.0, 100.0)
"""Bounds of errors and other parts of a whole."""


def mean_interval(values: np.ndarray, bounds: tuple[float, float] = UNBOUNDED) -> Interval:
    """Mean of independent values (one per seed) with Student's t interval of 95 %; at least two values are needed.

    bounds: what the quantity cannot exceed; the interval ends there.
    """
    values = np.asarray(values, np.float64)
    fits = values.ndim == 1 and len(values) >= 2 and np.isfinite(values).all()
    check(fits, "values", values, "at least two finite numbers, one per seed, to give an error bar")
    fits = bounds[0] - 1e-6 <= values.min() and values.max() <= bounds[1] + 1e-6
    check(fits, "values", values, f"numbers from {bounds[0]:g} to {bounds[1]:g}, the bounds given")
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values)
    return _within(bounds, float(values.mean()), float(half))


def proportion_interval(count: int, total: int) -> Interval:
    """A fraction of independent trials with Wilson's interval of 95 %."""
    low, high = scipy.stats.binomtest(count, total).proportion_ci(method="wilson")
    return Interval(count / total, float(low), float(high))


def difference_interval(values: np.ndarray, others: np.ndarray) -> Interval:
    """Mean of paired differences (same seed in the same place) with Student's t interval."""
    return mean_interval(np.asarray(values, np.float64) - np.asarray(others, np.float64))


def ratio_interval(values: np.ndarray, others: np.ndarray) -> Interval:
    """Geometric mean of paired ratios with Student's t interval of their logarithms."""
    return Interval(*(10**end for end in difference_interval(np.log10(values), np.log10(others))))


def resampled(count: int, resamples: int, seed: int | np.random.Generator) -> Int64[np.ndarray, "resamples count"]:
    """The rows of every bootstrap resample: `count` rows drawn with replacement; equal seeds draw alike, so that methods can be paired."""
    return np.random.default_rng(seed).integers(count, size=(resamples, count))


def percentile_interval(value: float, samples: np.ndarray) -> Interval:
    """`value` with the middle 95 % of its bootstrap samples, which are to come from many independent rows."""
    low, high = np.quantile(samples, [0.025, 0.975])
    return Interval(float(value), float(low), float(high))


def few_runs_interval(value: float, spread: float, runs: int, bounds: tuple[float, float] = UNBOUNDED) -> Interval:
    """`value` with an interval from the standard deviation `spread` of its bootstrap samples over few runs.

    That spread is too narrow by sqrt((runs - 1) / runs), and percentiles ignore how uncertain the spread of a few runs is. Both are
    corrected as for a mean of gaussian numbers, where the interval is then exact (Student's t).
    """
    half = scipy.stats.t.ppf(0.975, runs - 1) * spread * np.sqrt(runs / (runs - 1))
    return _within(bounds, value, float(half))


def bootstrap_interval(values: np.ndarray, seed: int, resamples: int = 1000, bounds: tuple[float, float] = UNBOUNDED) -> Interval:
    """Mean over S runs and B images, values (S, B), with an interval from resampling whole runs, then images within the resample.

    The images are the same for all runs, so they are drawn once for each resample. bounds: what the quantity cannot exceed; the interval ends
    there.
    """
    values = np.asarray(values, np.float64)
    fits = values.ndim == 2 and min(values.shape) >= 2 and np.isfinite(values).all()
    check(fits, "values", f"shape {values.shape}", "finite numbers of at least two runs and two images, to give an error bar")
    random = np.random.default_rng(seed)
    runs, images = (resampled(count, resamples, random) for count in values.shape)
    means = np.array([values[rows][:, columns].mean() for rows, columns in zip(runs, images, strict=True)])
    return few_runs_interval(float(values.mean()), means.std(ddof=1), len(values), bounds)


def _within(bounds: tuple[float, float], mean: float, half: float) -> Interval:
    """mean +- half, ended where the quantity ends."""
    return Interval(mean, float(np.clip(mean - half, *bounds)), float(np.clip(mean + half, *bounds)))


def of_largest_size(width: Int64[np.ndarray, " F"], images: Int64[np.ndarray, " F"]) -> Bool[np.ndarray, " F"]:
    """Which rows of a study are of its largest width and, at it, of the largest training set."""
    widest = width == width.max(initial=0)
    return widest & (images == images[widest].max(initial=0))
