"""Scaling of the error with training effort, eps ~ t^(-alpha), with error bars over whole runs.

Mistakes are counts, so their likelihood is binomial; a loss is positive and its fluctuations are taken to be proportional to it (the quasi-
likelihood of a gamma law, McCullagh, Nelder, Generalized Linear Models, 1989). Points of one run are not independent, so the error bar does
not come from the likelihood but from a bootstrap over runs (seeds).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float64, Int64
from scipy import stats
from scipy.optimize import minimize
from scipy.special import xlogy

from qnn_core.errors import InvalidInput
from qnn_core.learning_curve import LearningCurve, Measure
from qnn_core.statistics import Interval

Model = Literal["power", "offset", "shifted", "stretched"]
MODELS: tuple[Model, ...] = get_args(Model)
"""A t^-alpha; A t^-alpha + eps_0; A (t + t_0)^-alpha; A exp(-k t^beta)."""

MIN_DECADES = 1.5
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Fit:
    """A model of the error against effort t, fitted to S runs.

    exponent: alpha, or beta of the stretched exponential. extra: eps_0, t_0, or k; 0 for the plain power law. low, high: 95 % interval
    of the exponent, from the spread over resampled runs and Student's t for their number. samples: the exponent in each resample,
    same resampling for the same seed and number of runs, so that two methods can be compared in pairs. runs: how many. dispersion:
    deviance per degree of freedom: of counts, far above 1 where the model is not what made them; of a loss, its mean square relative
    distance from the model. aicc: corrected Akaike criterion (Hurvich, Tsai, Biometrika 76, 297 (1989)), lower is better among fits of
    the same data; the size of the fluctuations is estimated with the model, since counts along a run scatter more than binomial ones. window:
    first and last effort.
    """

    model: Model
    exponent: float
    low: float
    high: float
    prefactor: float
    extra: float
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
        effort = np.asarray(effort, np.float64)
        if self.model == "stretched":
            return self.prefactor * np.exp(-self.extra * effort**self.exponent)
        shift, offset = (self.extra if self.model == name else 0.0 for name in ("shifted", "offset"))
        return self.prefactor * (effort + shift) ** -self.exponent + offset


def default_window(effort: Float64[np.ndarray, " T"], values: np.ndarray) -> tuple[float, float]:
    """From where the mean over runs of `values` (S, T) has fallen to half of the first at positive effort, to the last entry."""
    mean = values.mean(axis=0)
    known = (effort > 0) & np.isfinite(mean)
    fallen = known & (mean <= mean[known][0] / 2)
    if not fallen.any():
        raise InvalidInput("mistakes", "an error that never halves", "a run that has learned something")
    return float(effort[fallen][0]), float(effort[-1])


def fit_power_law(
    effort: Float64[np.ndarray, " T"],
    mistakes: Int64[np.ndarray, "S _"],
    trials: int | Int64[np.ndarray, " T"],
    *,
    window: tuple[float, float] | None = None,
    model: Model = "power",
    resamples: int = 200,
    seed: int = 0,
    min_decades: float = MIN_DECADES,
) -> Fit:
    """Fit the error of S runs against effort by maximum binomial likelihood.

    effort: rising, any unit; its unit does not change the exponent. mistakes: wrong answers out of `trials` for each run and effort.
    window: efforts to fit between, both included; by default `default_window`. resamples: of the runs; 0 for no error bar. min_decades: the
    shortest window that is not refused.

    Raises InvalidInput for fewer than two runs or a window under a decade and a half, which cannot tell a power law from
    anything else.
    """
    trials = np.broadcast_to(np.asarray(trials, np.int64), effort.shape)
    if mistakes.shape[1:] != effort.shape or len(mistakes) < 2:
        raise InvalidInput("mistakes", f"shape {mistakes.shape}", f"shape (runs, {len(effort)}) with at least two runs")
    if mistakes.min() < 0 or (mistakes > trials).any():
        raise InvalidInput("mistakes", f"{mistakes.min()} .. {mistakes.max()}", f"counts between 0 and trials = {trials.max()}")
    usable = trials > 0
    counts, out_of = mistakes[:, usable], trials[usable]

    def at(rows: np.ndarray, inside: np.ndarray) -> _Counts:
        return _Counts(counts[rows][:, inside].sum(axis=0), out_of[inside] * len(rows))

    window = window or default_window(effort[usable], counts / out_of)
    return _fit(effort[usable], len(mistakes), at, window, model, resamples, seed, min_decades)


def fit_loss(
    effort: Float64[np.ndarray, " T"],
    loss: Float64[np.ndarray, "S T"],
    *,
    window: tuple[float, float] | None = None,
    model: Model = "power",
    resamples: int = 200,
    seed: int = 0,
    min_decades: float = MIN_DECADES,
) -> Fit:
    """The same for a positive loss of S runs."""
    if len(loss) < 2 or not (np.isfinite(loss).all() and (loss > 0).all()):
        raise InvalidInput("loss", f"shape {loss.shape}, least {loss.min():.3g}", "positive finite numbers of at least two runs")

    def at(rows: np.ndarray, inside: np.ndarray) -> _Levels:
        return _Levels(loss[rows][:, inside].mean(axis=0))

    return _fit(effort, len(loss), at, window or default_window(effort, loss), model, resamples, seed, min_decades)


def fit_curve(
    curve: LearningCurve,
    measure: Measure,
    window: tuple[float, float],
    *,
    axis: str = "epochs",
    model: Model = "power",
    resamples: int = 200,
    seed: int = 0,
    min_decades: float = MIN_DECADES,
) -> Fit:
    """One measure of a learning curve fitted against "epochs" or "cuts"."""
    options = {"window": window, "model": model, "resamples": resamples, "seed": seed, "min_decades": min_decades}
    trials = curve.trials(measure)
    if trials is None:
        return fit_loss(curve.effort(axis), curve.loss, **options)  # type: ignore[arg-type]
    return fit_power_law(curve.effort(axis), getattr(curve, measure), trials, **options)  # type: ignore[arg-type]


def common_window(
    curves: Sequence[LearningCurve], measure: Measure = "train", axis: str = "epochs", until: float = 0.0
) -> tuple[float, float]:
    """The part of the effort axis in which every curve has halved, so that all are fitted over the same.

    until: the window ends where the first of the curves falls to this. It may be empty or short: fits then refuse it.
    """
    windows = []
    for curve in curves:
        effort, values = curve.effort(axis), curve.values(measure)
        first, last = default_window(effort, values)
        low = (values.mean(axis=0) <= until) & (effort >= first)
        windows.append((first, float(effort[low][0]) if low.any() else last))
    return max(first for first, _ in windows), min(last for _, last in windows)


def scan_windows(
    first: LearningCurve, second: LearningCurve, measure: Measure, window: tuple[float, float], *, resamples: int, seed: int
) -> dict[str, Float64[np.ndarray, ...]]:
    """Difference of the two exponents against epochs in every window of a decade or more between a few points of a window.

    Returns start, end (W,) of each, and difference (W, 3): value and 95 % interval.
    """
    points = np.geomspace(*window, 5)
    rows = []
    for start in points:
        for end in points[points >= start * 10 * (1 - 1e-9)]:
            fits = [
                fit_curve(curve, measure, (start, end), resamples=resamples, seed=seed, min_decades=0.99)
                for curve in (first, second)
            ]
            difference = paired_difference(*fits)
            rows.append((start, end, difference.value, difference.low, difference.high))
    columns = np.array(rows).reshape(len(rows), 5)
    return {"start": columns[:, 0], "end": columns[:, 1], "difference": columns[:, 2:]}


def local_exponent(
    effort: Float64[np.ndarray, " T"], fit: Callable[[tuple[float, float]], Fit], centres: Float64[np.ndarray, " C"]
) -> Float64[np.ndarray, "C 3"]:
    """-d ln(eps) / d ln(t) over a decade around each of some centres, with its 95 % interval; NaN beyond the data or where `fit` refuses.

    fit: what fits a window of effort, allowing it to be a decade. For a power law the exponent is the same everywhere.
    """
    reach = 10**0.5
    rows = []
    for centre in centres:
        window = (float(centre / reach), float(centre * reach))
        if ((effort >= window[0]) & (effort <= window[1])).sum() < 4 or effort[-1] < 0.99 * window[1]:
            rows.append((np.nan, np.nan, np.nan))
            continue
        try:
            found = fit(window)
        except InvalidInput:
            rows.append((np.nan, np.nan, np.nan))
        else:
            rows.append((found.exponent, found.low, found.high))
    return np.array(rows).reshape(len(centres), 3)


def effort_to_reach(
    effort: Float64[np.ndarray, " T"], values: Float64[np.ndarray, "S T"], level: float
) -> Float64[np.ndarray, " S"]:
    """For each run the first effort at which its error is at most `level`; NaN where it never is."""
    reached = values <= level
    return np.where(reached.any(axis=1), effort[reached.argmax(axis=1)], np.nan)


def paired_difference(first: Fit, second: Fit) -> Interval:
    """Difference of exponents with its 95 % interval over the common resamples of runs."""
    return _bootstrap_interval(first.exponent - second.exponent, first.samples - second.samples, first.runs)


def _bootstrap_interval(value: float, samples: np.ndarray, runs: int) -> Interval:
    """95 % interval from bootstrap samples over few runs.

    The bootstrap's spread is too narrow by sqrt((runs - 1) / runs), and its percentiles ignore how uncertain the spread of a few
    runs is; both are mended as for a mean of gaussian numbers, where the interval is then exact (Student's t).
    """
    half = stats.t.ppf(0.975, runs - 1) * samples.std() * np.sqrt(runs / (runs - 1)) if len(samples) else np.nan
    return Interval(value, value - float(half), value + float(half))


@dataclass(frozen=True)
class _Counts:
    """Mistakes out of a number of trials at each effort, summed over runs: binomial.

    logs: rough logarithms of the error, to start from. cost: minus the log-likelihood in units of `scale`, and its derivative by the rate.
    deviance: twice the log-likelihood ratio of the data's own rates to the model's.
    """

    counts: np.ndarray
    trials: np.ndarray

    @property
    def logs(self) -> np.ndarray:
        return np.log((self.counts + 0.5) / (self.trials + 1))

    @property
    def scale(self) -> float:
        return float(self.trials.sum())

    def cost(self, rate: np.ndarray) -> tuple[float, np.ndarray]:
        bounded = np.clip(rate, _TINY, 1 - _TINY)
        hit, missed = self.counts / self.scale, (self.trials - self.counts) / self.scale
        slope = np.where(rate == bounded, missed / (1 - bounded) - hit / bounded, 0.0)
        return float(-(hit * np.log(bounded) + missed * np.log1p(-bounded)).sum()), slope

    def deviance(self, rate: np.ndarray) -> float:
        counts, trials, bounded = self.counts, self.trials, np.clip(rate, _TINY, 1 - _TINY)
        missed = trials - counts
        return float(2 * (xlogy(counts, counts / trials / bounded) + xlogy(missed, missed / trials / (1 - bounded))).sum())


@dataclass(frozen=True)
class _Levels:
    """A positive quantity at each effort, mean over runs, with fluctuations in proportion to it; the same methods."""

    levels: np.ndarray

    @property
    def logs(self) -> np.ndarray:
        return np.log(self.levels)

    @property
    def scale(self) -> float:
        return float(len(self.levels))

    def cost(self, rate: np.ndarray) -> tuple[float, np.ndarray]:
        bounded = np.maximum(rate, _TINY)
        ratio = self.levels / bounded
        return float((np.log(bounded) + ratio).mean()), (1 - ratio) / bounded / self.scale

    def deviance(self, rate: np.ndarray) -> float:
        ratio = self.levels / np.maximum(rate, _TINY)
        return float(2 * (ratio - 1 - np.log(ratio)).sum())


_Data = _Counts | _Levels


def _fit(
    effort: np.ndarray,
    runs: int,
    data_of: Callable[[np.ndarray, np.ndarray], _Data],
    window: tuple[float, float],
    model: Model,
    resamples: int,
    seed: int,
    min_decades: float,
) -> Fit:
    if (np.diff(effort) < 0).any():
        raise InvalidInput("effort", "falling", "efforts in rising order")
    if model not in MODELS:
        raise InvalidInput("model", model, f"one of {', '.join(MODELS)}")
    first, last = window
    if not 0 < first < last or np.log10(last / first) < min_decades:
        raise InvalidInput(
            "window", (first, last), f"at least {min_decades} decades of positive effort: less cannot show a power law"
        )
    inside = (effort >= first) & (effort <= last)
    used = effort[inside]
    data = data_of(np.arange(runs), inside)
    best = _maximise(model, used, data)
    draws = np.random.default_rng(seed).integers(runs, size=(resamples, runs))
    samples = np.array([_maximise(model, used, data_of(draw, inside), best.parameters).exponent for draw in draws])
    interval = _bootstrap_interval(best.exponent, samples, runs)
    free, deviance = len(best.parameters), data.deviance(best.rate)
    return Fit(
        model,
        best.exponent,
        interval.low,
        interval.high,
        best.prefactor,
        best.extra,
        _aicc(deviance, len(used), free + 1),
        (first, last),
        samples,
        runs,
        deviance / max(1, len(used) - free),
    )


def _aicc(deviance: float, points: int, free: int) -> float:
    """free: parameters of the model, and the size of the fluctuations, which is estimated as in least squares."""
    return points * float(np.log(max(deviance, _TINY) / points)) + 2 * free + 2 * free * (free + 1) / max(1, points - free - 1)


@dataclass(frozen=True)
class _Optimum:
    exponent: float
    prefactor: float
    extra: float
    parameters: np.ndarray
    rate: np.ndarray


# Each model's rate and its derivatives by the parameters, which are such that any real value is allowed. t is in units of its
# geometric mean, so that the parameters are nearly independent.


def _power(t: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rate = np.exp(parameters[1] - parameters[0] * np.log(t))
    return rate, np.stack([-np.log(t) * rate, rate])


def _offset(t: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rate, slopes = _power(t, parameters)
    constant = np.full(len(t), np.exp(parameters[2]))
    return rate + constant, np.stack([*slopes, constant])


def _shifted(t: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shift = np.exp(parameters[2])
    rate, slopes = _power(t + shift, parameters)
    return rate, np.stack([*slopes, -parameters[0] * rate * shift / (t + shift)])


def _stretched(t: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    fallen = np.exp(parameters[2]) * t ** parameters[0]
    rate = np.exp(parameters[1] - fallen)
    return rate, np.stack([-np.log(t) * fallen * rate, rate, -fallen * rate])


_RATES: dict[Model, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "power": _power,
    "offset": _offset,
    "shifted": _shifted,
    "stretched": _stretched,
}


def _cost(parameters: np.ndarray, model: Model, t: np.ndarray, data: _Data) -> tuple[float, np.ndarray]:
    """What is minimised, and its derivatives by the parameters."""
    rate, slopes = _RATES[model](t, parameters)
    value, pull = data.cost(rate)
    return value, slopes @ pull


def _maximise(model: Model, effort: np.ndarray, data: _Data, start: np.ndarray | None = None) -> _Optimum:
    centre = float(np.exp(np.log(effort).mean()))
    t = effort / centre
    if start is None:
        slope, level = np.polyfit(np.log(t), data.logs, 1)
        extra = {"power": [], "offset": [data.logs[-1] - np.log(2)], "shifted": [np.log(t[0] / 2)], "stretched": [0.0]}[model]
        start = np.array([0.5, level + 1, 0.0]) if model == "stretched" else np.array([-slope, level, *extra])

    # Parameters far outside, where numbers overflow, stand for a constant that is 0 or a shift that is none.
    bounds = np.array([(-20.0, 20.0), (-40.0, 20.0), (-30.0, 10.0)][: len(start)])
    found = minimize(
        _cost,
        np.clip(start, bounds[:, 0], bounds[:, 1]),
        args=(model, t, data),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    exponent, level, *rest = (float(value) for value in found.x)
    extra_value = float(np.exp(rest[0])) if rest else 0.0
    prefactor = float(np.exp(level))
    if model == "stretched":
        extra_value *= centre**-exponent
    else:
        prefactor *= centre**exponent
        extra_value *= centre if model == "shifted" else 1.0
    return _Optimum(exponent, prefactor, extra_value, found.x, _RATES[model](t, found.x)[0])
