"""Scaling of the error with training effort, eps ~ t^(-alpha), fitted to counts of mistakes with error bars over whole runs.

The likelihood is binomial: each evaluation of a run is a count of mistakes out of a number of images. Points of one run are not
independent, so the error bar does not come from the likelihood but from a bootstrap over runs (seeds).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy import stats
from scipy.optimize import minimize
from scipy.special import xlogy

from qnn_core.errors import InvalidInput
from qnn_core.results import Result, stack
from qnn_core.statistics import Interval

MIN_DECADES = 1.5
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class PowerLawFit:
    """eps = prefactor * t^(-exponent) + offset, with t in the unit of the effort axis.

    low, high: 95 % interval of the exponent, from the spread over resampled runs and Student's t for their number. samples: the
    exponent in each resample, same resampling for the same seed and number of runs, so two methods can be compared in pairs. runs:
    how many. dispersion: deviance of the summed counts per degree of freedom; far above 1, the model is not what made the counts.
    aicc: corrected Akaike criterion of the fit (Hurvich, Tsai, Biometrika 76, 297 (1989)), lower is better among fits of the same
    data. window: first and last effort.
    """

    exponent: float
    low: float
    high: float
    prefactor: float
    offset: float
    aicc: float
    window: tuple[float, float]
    samples: Float64[np.ndarray, " resamples"]
    runs: int
    dispersion: float

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
    min_decades: float = MIN_DECADES,
) -> PowerLawFit:
    """Fit the error of S runs against effort by maximum binomial likelihood.

    effort: increasing, any unit. mistakes: wrong answers out of `trials` for each run and effort. window: efforts to fit between,
    both included; by default `default_window`. offset: also fit a constant error that remains. resamples: of the runs.
    min_decades: the shortest window that is not refused.

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
    if not 0 < first < last or np.log10(last / first) < min_decades:
        raise InvalidInput(
            "window", (first, last), f"at least {min_decades} decades of positive effort: less cannot show a power law"
        )
    inside = (effort >= first) & (effort <= last)
    used, counts = effort[inside], mistakes[:, inside]
    best = _maximise(used, counts.sum(axis=0), trials * len(counts), offset)
    random = np.random.default_rng(seed)
    draws = random.integers(len(counts), size=(resamples, len(counts)))
    samples = np.array(
        [_maximise(used, counts[draw].sum(axis=0), trials * len(counts), offset, best.start).exponent for draw in draws]
    )
    interval = _bootstrap_interval(best.exponent, samples, len(counts))
    parameters = 2 + offset
    aicc = 2 * parameters + 2 * best.cost + 2 * parameters * (parameters + 1) / max(1, len(used) - parameters - 1)
    return PowerLawFit(
        best.exponent,
        interval.low,
        interval.high,
        best.prefactor,
        best.offset,
        float(aicc),
        (first, last),
        samples,
        len(counts),
        _deviance(counts.sum(axis=0), trials * len(counts), best.rate) / max(1, len(used) - parameters),
    )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both models fitted to one kind of error of one method.

    method, width, measure: what was fitted, measure "train" or "test". effort (T,), error (S, T): the data, errors out of `trials`
    images. power, offset: the fits without and with a constant error, None where they were refused; refused: why, or empty.
    """

    method: str
    width: int
    measure: str
    effort: Float64[np.ndarray, " T"]
    error: Float64[np.ndarray, "S T"]
    trials: int
    power: PowerLawFit | None
    offset: PowerLawFit | None
    refused: str

    @property
    def better(self) -> PowerLawFit | None:
        """The fit with the lower AICc."""
        if self.power is None or self.offset is None:
            return None
        return self.power if self.power.aicc <= self.offset.aicc else self.offset


def compare_fits(
    method: str,
    width: int,
    measure: str,
    runs: list[Result],
    *,
    window: tuple[float, float] | None,
    resamples: int,
    seed: int,
) -> Comparison:
    """Fit the error of several runs of one method and width against epochs, without and with an offset."""
    effort, mistakes = runs[0]["epoch"], stack(runs, f"{measure}_mistakes")
    trials = int(runs[0][f"num_{measure}"])
    power = shifted = None
    refused = ""
    try:
        power, shifted = (
            fit_power_law(effort, mistakes, trials, window=window, offset=offset, resamples=resamples, seed=seed)
            for offset in (False, True)
        )
    except InvalidInput as refusal:
        refused = str(refusal)
    return Comparison(method, width, measure, effort, mistakes / trials, trials, power, shifted, refused)


def common_window(groups: list[list[Result]], measure: str = "train") -> tuple[float, float]:
    """The part of the effort axis in which every group of runs has halved its error, so that all are fitted over the same."""
    windows = [default_window(runs[0]["epoch"], stack(runs, f"{measure}_mistakes")) for runs in groups]
    return max(first for first, _ in windows), min(last for _, last in windows)


def scan_windows(
    first: list[Result], second: list[Result], window: tuple[float, float], *, resamples: int, seed: int
) -> dict[str, Float64[np.ndarray, ...]]:
    """Difference of the two exponents of the training error as the window shrinks to a decade.

    Returns start (W,) of each window, all ending alike, and difference (W, 3): value and 95 % interval.
    """
    epoch = first[0]["epoch"]
    starts = epoch[(epoch >= window[0]) & (epoch <= window[1] / 10)]
    starts = starts[np.unique(np.linspace(0, len(starts) - 1, 8).round().astype(int))] if len(starts) else starts
    rows = []
    for start in starts:
        fits = [
            fit_power_law(
                epoch,
                stack(runs, "train_mistakes"),
                int(runs[0]["num_train"]),
                window=(float(start), window[1]),
                resamples=resamples,
                seed=seed,
                min_decades=1.0,
            )
            for runs in (first, second)
        ]
        difference = paired_difference(*fits)
        rows.append((difference.value, difference.low, difference.high))
    return {"start": np.array(starts), "difference": np.array(rows).reshape(len(starts), 3)}


def paired_difference(first: PowerLawFit, second: PowerLawFit) -> Interval:
    """Difference of exponents with its 95 % interval over the common resamples of runs."""
    return _bootstrap_interval(first.exponent - second.exponent, first.samples - second.samples, first.runs)


def comparison_arrays(comparisons: list[Comparison]) -> dict[str, np.ndarray]:
    """What is stored of F comparisons on one effort axis: columns (F,), window (F, 2), effort (T,), mean error (F, T)."""
    arrays: dict[str, np.ndarray] = {
        name: np.array([getattr(comparison, name) for comparison in comparisons]) for name in ("method", "width", "measure")
    }
    arrays["epoch"] = comparisons[0].effort
    arrays["error"] = np.stack([comparison.error.mean(axis=0) for comparison in comparisons])
    for model in ("power", "offset"):
        fits = [getattr(comparison, model) for comparison in comparisons]
        for name in ("exponent", "low", "high", "prefactor", "offset", "aicc", "dispersion"):
            arrays[f"{model}_{name}"] = np.array([np.nan if fit is None else getattr(fit, name) for fit in fits])
        arrays[f"{model}_window"] = np.array([(np.nan, np.nan) if fit is None else fit.window for fit in fits])
    return arrays


def _bootstrap_interval(value: float, samples: np.ndarray, runs: int) -> Interval:
    """95 % interval from bootstrap samples over few runs.

    The bootstrap's spread is too narrow by sqrt((runs - 1) / runs), and its percentiles ignore how uncertain the spread of a few
    runs is; both are mended as for a mean of gaussian numbers, where the interval is then exact (Student's t).
    """
    half = stats.t.ppf(0.975, runs - 1) * samples.std() * np.sqrt(runs / (runs - 1))
    return Interval(value, value - float(half), value + float(half))


def _deviance(counts: np.ndarray, trials: int, rate: np.ndarray) -> float:
    """Twice the log-likelihood ratio of the counts' own rates to the model's."""
    return float(2 * (xlogy(counts, counts / trials / rate) + xlogy(trials - counts, (1 - counts / trials) / (1 - rate))).sum())


@dataclass(frozen=True)
class _Optimum:
    exponent: float
    prefactor: float
    offset: float
    cost: float
    start: np.ndarray
    rate: np.ndarray


def _maximise(effort: np.ndarray, counts: np.ndarray, trials: int, offset: bool, start: np.ndarray | None = None) -> _Optimum:
    centre = np.exp(np.log(effort).mean())
    logs = np.log(effort / centre)
    if start is None:
        rough = np.log((counts + 0.5) / (trials + 1))
        slope, level = np.polyfit(logs, rough, 1)
        start = np.array([-slope, level, *([np.log((counts[-1] + 0.5) / (trials + 1) / 2)] if offset else [])])

    def rate_of(parameters: np.ndarray) -> np.ndarray:
        rate = np.exp(parameters[1] - parameters[0] * logs) + (np.exp(parameters[2]) if offset else 0.0)
        return np.clip(rate, _TINY, 1 - _TINY)

    def cost(parameters: np.ndarray) -> float:
        rate = rate_of(parameters)
        return float(-(counts * np.log(rate) + (trials - counts) * np.log1p(-rate)).sum())

    found = minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-6, "maxiter": 4000})
    exponent, level = float(found.x[0]), float(found.x[1])
    return _Optimum(
        exponent,
        float(np.exp(level) * centre**exponent),
        float(np.exp(found.x[2])) if offset else 0.0,
        float(found.fun),
        found.x,
        rate_of(found.x),
    )
