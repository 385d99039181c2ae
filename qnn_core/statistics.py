"""Error bars for means over seeds, and numbers written with as many digits as their error bar supports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64
from scipy import stats

from qnn_core.errors import InvalidInput


@dataclass(frozen=True)
class Interval:
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


UNBOUNDED = (-np.inf, np.inf)
FRACTION = (0.0, 1.0)
PERCENT = (0.0, 100.0)
"""Bounds of errors and other parts of a whole."""


def mean_interval(values: np.ndarray, bounds: tuple[float, float] = UNBOUNDED) -> Interval:
    """Mean of independent values (one a seed) with Student's t interval of 95 %; at least two values are needed.

    bounds: what the quantity cannot exceed; the interval ends there.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise InvalidInput("values", values, "at least two finite numbers, one a seed, to give an error bar")
    if values.min() < bounds[0] - 1e-6 or values.max() > bounds[1] + 1e-6:
        raise InvalidInput("values", values, f"numbers from {bounds[0]:g} to {bounds[1]:g}, the bounds given")
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    mean = float(values.mean())
    return _within(bounds, mean, float(half))


def difference_interval(values: np.ndarray, others: np.ndarray) -> Interval:
    """Mean of paired differences (same seed in the same place) with Student's t interval."""
    return mean_interval(np.asarray(values, np.float64) - np.asarray(others, np.float64))


def bootstrap_interval(values: np.ndarray, seed: int, resamples: int = 1000, bounds: tuple[float, float] = UNBOUNDED) -> Interval:
    """Mean over S runs and B images, values (S, B), with an interval from resampling whole runs, then images within the resample.

    The images are the same for all runs, so they are drawn once for each resample. The bootstrap's standard error is widened by
    sqrt(S / (S - 1)) and Student's t with S - 1 degrees of freedom, because few runs spread less than they would if there were many.
    bounds: what the quantity cannot exceed; the interval ends there.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or min(values.shape) < 2 or not np.isfinite(values).all():
        raise InvalidInput(
            "values", f"shape {values.shape}", "finite numbers of at least two runs and two images, to give an error bar"
        )
    random = np.random.default_rng(seed)
    runs, images = values.shape
    chosen_runs = random.integers(0, runs, (resamples, runs))
    chosen_images = random.integers(0, images, (resamples, images))
    means = np.array([values[rows][:, columns].mean() for rows, columns in zip(chosen_runs, chosen_images, strict=True)])
    half = float(stats.t.ppf(0.975, runs - 1) * means.std(ddof=1) * np.sqrt(runs / (runs - 1)))
    mean = float(values.mean())
    return _within(bounds, mean, half)


def _within(bounds: tuple[float, float], mean: float, half: float) -> Interval:
    """mean +- half, ended where the quantity ends."""
    return Interval(mean, max(bounds[0], mean - half), min(bounds[1], mean + half))


def of_largest_size(width: Int64[np.ndarray, " F"], images: Int64[np.ndarray, " F"]) -> Bool[np.ndarray, " F"]:
    """Which rows of a study are of its largest width and, at it, of the largest training set."""
    widest = width == width.max(initial=0)
    return widest & (images == images[widest].max(initial=0))
