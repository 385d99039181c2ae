"""Scaling of the error with training effort, eps ~ t^(-alpha), fitted to counts of mistakes with error bars over whole runs.

The likelihood is binomial: each evaluation of a run is a count of mistakes out of a number of images. Points of one run are not
independent, so the error bar does not come from the likelihood but from a bootstrap over runs (seeds).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import minimize

from qnn_core.errors import InvalidInput
from qnn_core.statistics import Interval

MIN_DECADES = 1.5
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class PowerLawFit:
    """eps = prefactor * t^(-exponent) + offset, with t in the unit of the effort axis.

    low, high: 95 % percentile interval of the exponent over resampled runs. samples: the exponent in each resample, same
    resampling for the same seed and number of runs, so two methods can be compared in pairs. aicc: corrected Akaike criterion of
    the fit (Hurvich, Tsai, Biometrika 76, 297 (1989)), lower is better among fits of the same data. window: first and last effort.
    """

    exponent: float
    low: float
    high: float
    prefactor: float
    offset: float
    aicc: float
    window: tuple[float, float]
    samples: Float64[np.ndarray, " resamples"]

    @property
    def interval(self) -> Interval:
        """The exponent with its 95 % interval."""
        return Interval(self.exponent, self.low, self.high)

    def __call__(self, effort: np.ndarray) -> np.ndarray:
        return self.prefactor * np.asarray(effort, np.float64) ** -self.exponent + self.offset


def default_window(effort: Float64[np.ndarray, " T"], mistakes: Int64[np.ndarray, "S T"]) -> tuple[float, float]:
    """From where the mean error has fallen to half of its value at the first entry with positive effort, to the last entry."""
    mean = mistakes.mean(axis=0)
    positive = effort > 0
    start = mean[positive][0]
    fallen = positive & (mean <= start / 2)
    if not fallen.any():
        raise InvalidInput("mistakes", "an error that never halves", "a run that has learned something")
    return float(effort[fallen][0]), float(effort[-1])


def fit_power_law(
    effort: Float64[np.ndarray, " T"],
    mistakes: Int64[np.ndarray, "S _"],
    trials: int,
    *,
    window: tuple[float, float] | None = None,
    offset: bool = False,
    resamples: int = 200,
    seed: int = 0,
) -> PowerLawFit:
    """Fit the error of S runs against effort by maximum binomial likelihood.

    effort: increasing, any unit. mistakes: wrong answers out of `trials` for each run and effort. window: efforts to fit between,
    both included; by default `default_window`. offset: also fit a constant error that remains. resamples: of the runs.

    Raises InvalidInput for fewer than two runs or a window under a decade and a half, which cannot tell a power law from
    anything else.
    """
    effort = np.asarray(effort, np.float64)
    if mistakes.shape[1:] != effort.shape or len(mistakes) < 2:
        raise InvalidInput("mistakes", f"shape {mistakes.shape}", f"shape (runs, {len(effort)}) with at least two runs")
    if (np.diff(effort) <= 0).any():
        raise InvalidInput("effort", "not increasing", "efforts in rising order")
    if mistakes.min() < 0 or mistakes.max() > trials:
        raise InvalidInput("mistakes", f"{mistakes.min()} .. {mistakes.max()}", f"counts between 0 and trials = {trials}")
    first, last = window or default_window(effort, mistakes)
    if not 0 < first < last or np.log10(last / first) < MIN_DECADES:
        raise InvalidInput(
            "window", (first, last), f"at least {MIN_DECADES} decades of positive effort: less cannot show a power law"
        )
    inside = (effort >= first) & (effort <= last)
    used, counts = effort[inside], mistakes[:, inside]
    best = _maximise(used, counts.sum(axis=0), trials * len(counts), offset)
    random = np.random.default_rng(seed)
    draws = random.integers(len(counts), size=(resamples, len(counts)))
    samples = np.array(
        [_maximise(used, counts[draw].sum(axis=0), trials * len(counts), offset, best.start).exponent for draw in draws]
    )
    low, high = np.quantile(samples, [0.025, 0.975])
    parameters = 2 + offset
    aicc = 2 * parameters + 2 * best.cost + 2 * parameters * (parameters + 1) / max(1, len(used) - parameters - 1)
    return PowerLawFit(best.exponent, float(low), float(high), best.prefactor, best.offset, float(aicc), (first, last), samples)


def compare_fits(
    effort: Float64[np.ndarray, " T"], mistakes: Int64[np.ndarray, "S T"], trials: int, *, resamples: int, seed: int
) -> dict[str, PowerLawFit | str | None]:
    """Both models in the default window: "power" (no offset), "offset", and "refused", None or why they were not fitted."""
    try:
        fits = {
            name: fit_power_law(effort, mistakes, trials, offset=name == "offset", resamples=resamples, seed=seed)
            for name in ("power", "offset")
        }
    except InvalidInput as refusal:
        return {"power": None, "offset": None, "refused": str(refusal)}
    return {**fits, "refused": None}


@dataclass(frozen=True)
class _Optimum:
    exponent: float
    prefactor: float
    offset: float
    cost: float
    start: np.ndarray


def _maximise(effort: np.ndarray, counts: np.ndarray, trials: int, offset: bool, start: np.ndarray | None = None) -> _Optimum:
    centre = np.exp(np.log(effort).mean())
    logs = np.log(effort / centre)
    if start is None:
        rough = np.log((counts + 0.5) / (trials + 1))
        slope, level = np.polyfit(logs, rough, 1)
        start = np.array([-slope, level, *([np.log((counts[-1] + 0.5) / (trials + 1) / 2)] if offset else [])])

    def cost(parameters: np.ndarray) -> float:
        rate = np.exp(parameters[1] - parameters[0] * logs) + (np.exp(parameters[2]) if offset else 0.0)
        rate = np.clip(rate, _TINY, 1 - _TINY)
        return float(-(counts * np.log(rate) + (trials - counts) * np.log1p(-rate)).sum())

    found = minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-6, "maxiter": 4000})
    exponent, level = float(found.x[0]), float(found.x[1])
    return _Optimum(
        exponent,
        float(np.exp(level) * centre**exponent),
        float(np.exp(found.x[2])) if offset else 0.0,
        float(found.fun),
        found.x,
    )
