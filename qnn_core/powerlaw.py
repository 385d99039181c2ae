"""Scaling of the error with training effort, eps ~ t^(-alpha), with error bars over whole runs.

Mistakes are counts, so their likelihood is binomial; a loss is positive and its fluctuations are taken to be proportional to it (the quasi-
likelihood of a gamma law, McCullagh, Nelder, Generalized Linear Models, 1989). Points of one run are not independent, so the error bar does
not come from the likelihood but from a bootstrap over runs (seeds).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import scipy
from jaxtyping import Float64, Int64
from scipy.special import xlogy

from qnn_core.errors import InvalidInput, check, check_choice
from qnn_core.statistics import UNKNOWN, Interval, few_runs_interval, resampled

Model = Literal["power", "offset", "shifted", "stretched"]
MODELS: tuple[Model, ...] = get_args(Model)
"""A t^-alpha; A t^-alpha + eps_0; A (t + t_0)^-alpha; A exp(-k t^beta)."""

MIN_DECADES = 1.5
"""Less cannot tell a power law from anything else."""

_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Fit:
    """A model of the error against effort t, fitted to some runs.

    interval: the exponent, alpha or beta of the stretched exponential, with its 95 % interval from the spread over resampled runs.
    extra: eps_0, t_0, or k; 0 for the plain power law. aicc: corrected Akaike criterion (Hurvich, Tsai, Biometrika 76, 297 (1989)), lower is
    better among fits of the same data; the size of the fluctuations is estimated with the model, since counts along a run scatter more
    than binomial ones. window: first and last effort. samples: the exponent in each resample; resampling is the same for the same seed and
    number of runs, so that two methods can be compared in pairs. dispersion: deviance per degree of freedom: of counts, far above 1
    where the model is not what made them; of a loss, its mean square relative distance from the model.
    """

    model: Model
    interval: Interval
    prefactor: float
    extra: float
    aicc: float
    window: tuple[float, float]
    samples: Float64[np.ndarray, " resamples"]
    runs: int
    dispersion: float

    @property
    def exponent(self) -> float:
        return self.interval.value

    @property
    def low(self) -> float:
        return self.interval.low

    @property
    def high(self) -> float:
        return self.interval.high


def model_curve(model: Model, effort: np.ndarray, exponent: float, prefactor: float, extra: float) -> np.ndarray:
    """The error of a model at some efforts; the numbers are those of a `Fit`."""
    effort = np.asarray(effort, np.float64)
    if model == "stretched":
        return prefactor * np.exp(-extra * effort**exponent)
    shift, offset = (extra if model == name else 0.0 for name in ("shifted", "offset"))
    return prefactor * (effort + shift) ** -exponent + offset


def default_window(effort: Float64[np.ndarray, " T"], values: np.ndarray) -> tuple[float, float]:
    """From where the mean over runs of `values` (S, T) has fallen to half of the first at positive effort, to the last entry."""
    mean = values.mean(axis=0)
    known = (effort > 0) & np.isfinite(mean)
    fallen = known & (mean <= mean[known][0] / 2)
    check(fallen.any(), "values", "an error that never halves", "a run that has learned something")
    return float(effort[fallen][0]), float(effort[-1])


def fit_power_law(
    effort: Float64[np.ndarray, " T"],
    values: Int64[np.ndarray, "S _"] | Float64[np.ndarray, "S _"],
    trials: int | Int64[np.ndarray, " T"] | None = None,
    *,
    window: tuple[float, float] | None = None,
    model: Model = "power",
    resamples: int = 200,
    seed: int = 0,
    min_decades: float = MIN_DECADES,
) -> Fit:
    """Fit the error of S runs against effort by maximum likelihood.

    effort: rising, any unit; its unit does not change the exponent. values: wrong answers out of `trials` for each run and effort; without
    trials, a positive loss. window: efforts to fit between, both included; by default `default_window`. resamples: of the runs; 0 for
    no error bar. min_decades: the shortest window that is not refused.

    Raises InvalidInput for fewer than two runs, values that are no counts or losses, and windows that are too short.
    """
    fits = values.shape[1:] == effort.shape and len(values) >= 2
    check(fits, "values", f"shape {values.shape}", f"shape (runs, {len(effort)}) with at least two runs")
    check((np.diff(effort) >= 0).all(), "effort", "falling", "efforts in rising order")
    check_choice("model", model, MODELS)
    out_of = np.broadcast_to(np.asarray(1 if trials is None else trials, np.int64), effort.shape)
    if trials is None:
        positive = np.isfinite(values).all() and (values > 0).all()
        check(positive, "values", f"a loss down to {values.min():.3g}", "positive finite numbers")
    else:
        possible = values.min() >= 0 and (values <= out_of).all()
        check(possible, "values", f"{values.min()} .. {values.max()}", f"counts between 0 and trials = {out_of.max()}")
    usable = out_of > 0
    first, last = window or default_window(effort[usable], values[:, usable] / out_of[usable])
    fits = 0 < first < last and np.log10(last / first) >= min_decades
    check(fits, "window", (first, last), f"at least {min_decades} decades of positive effort")
    inside = usable & (effort >= first) & (effort <= last)
    values, out_of = values[:, inside], out_of[inside]
    centre = float(np.exp(np.log(effort[inside]).mean()))
    t = effort[inside] / centre
    runs = len(values)

    def data_of(rows: np.ndarray) -> _Data:
        return _Levels(values[rows].mean(axis=0)) if trials is None else _Counts(values[rows].sum(axis=0), out_of * len(rows))

    data = data_of(np.arange(runs))
    found = _minimise(model, t, data, _start(model, t, data))
    samples = np.array([_minimise(model, t, data_of(rows), found)[0] for rows in resampled(runs, resamples, seed)], np.float64)
    free, deviance = len(found), data.deviance(_RATES[model](t, found)[0])
    return Fit(
        model,
        _exponent_interval(float(found[0]), samples, runs),
        *_in_units_of_effort(model, found, centre),
        _aicc(deviance, len(t), free + 1),
        (first, last),
        samples,
        runs,
        deviance / max(1, len(t) - free),
    )


def local_exponent(
    effort: Float64[np.ndarray, " T"], fit: Callable[[tuple[float, float]], Fit], centres: Float64[np.ndarray, " C"]
) -> Float64[np.ndarray, "C 3"]:
    """-d ln(eps) / d ln(t) over a decade around each of some centres, with its 95 % interval; NaN beyond the data or where `fit` refuses.

    fit: what fits a window of effort, allowing it to be a decade. For a power law the exponent is the same everywhere.
    """

    def around(centre: float) -> Interval:
        window = (centre / 10**0.5, centre * 10**0.5)
        if ((effort >= window[0]) & (effort <= window[1])).sum() < 4 or effort[-1] < 0.99 * window[1]:
            return UNKNOWN
        try:
            return fit(window).interval
        except InvalidInput:
            return UNKNOWN

    return np.array([around(centre) for centre in centres.tolist()]).reshape(len(centres), 3)


def effort_to_reach(
    effort: Float64[np.ndarray, " T"], values: Float64[np.ndarray, "S T"], level: float
) -> Float64[np.ndarray, " S"]:
    """For each run the first effort at which its error is at most `level`; NaN where it never is."""
    reached = values <= level
    return np.where(reached.any(axis=1), effort[reached.argmax(axis=1)], np.nan)


def paired_difference(first: Fit, second: Fit) -> Interval:
    """Difference of exponents with its 95 % interval over the common resamples of runs."""
    return _exponent_interval(first.exponent - second.exponent, first.samples - second.samples, first.runs)


def _exponent_interval(value: float, samples: np.ndarray, runs: int) -> Interval:
    return few_runs_interval(value, samples.std() if len(samples) else np.nan, runs)


@dataclass(frozen=True)
class _Counts:
    """Mistakes out of a number of trials at each effort, summed over runs: binomial.

    logs: rough logarithms of the error, to start from. cost: minus the log-likelihood of a trial, and its derivative by the rate.
    deviance: twice the log-likelihood ratio of the data's own rates to the model's.
    """

    counts: np.ndarray
    trials: np.ndarray

    @property
    def logs(self) -> np.ndarray:
        return np.log((self.counts + 0.5) / (self.trials + 1))

    def cost(self, rate: np.ndarray) -> tuple[float, np.ndarray]:
        scale, bounded = float(self.trials.sum()), np.clip(rate, _TINY, 1 - _TINY)
        hit, missed = self.counts / scale, (self.trials - self.counts) / scale
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

    def cost(self, rate: np.ndarray) -> tuple[float, np.ndarray]:
        bounded = np.maximum(rate, _TINY)
        ratio = self.levels / bounded
        return float((np.log(bounded) + ratio).mean()), (1 - ratio) / bounded / len(self.levels)

    def deviance(self, rate: np.ndarray) -> float:
        ratio = self.levels / np.maximum(rate, _TINY)
        return float(2 * (ratio - 1 - np.log(ratio)).sum())


_Data = _Counts | _Levels


def _aicc(deviance: float, points: int, free: int) -> float:
    """free: parameters of the model, and the size of the fluctuations, which is estimated as in least squares."""
    return points * float(np.log(max(deviance, _TINY) / points)) + 2 * free + 2 * free * (free + 1) / max(1, points - free - 1)


# Each model's rate and its derivatives by the parameters, which are such that any real value is allowed: the exponent, the logarithm of the
# prefactor and that of the extra. t is in units of its geometric mean, so that the parameters are nearly independent.


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


def _in_units_of_effort(model: Model, parameters: np.ndarray, centre: float) -> tuple[float, float]:
    """Prefactor and extra for t in its own unit, from those for t in units of `centre`."""
    exponent, level, *rest = (float(value) for value in parameters)
    prefactor, extra = float(np.exp(level)), float(np.exp(rest[0])) if rest else 0.0
    if model == "stretched":
        return prefactor, extra * centre**-exponent
    return prefactor * centre**exponent, extra * (centre if model == "shifted" else 1.0)


def _start(model: Model, t: np.ndarray, data: _Data) -> np.ndarray:
    """Parameters to start from."""
    slope, level = np.polyfit(np.log(t), data.logs, 1)
    if model == "stretched":
        return np.array([0.5, level + 1, 0.0])
    extra = {"power": [], "offset": [data.logs[-1] - np.log(2)], "shifted": [np.log(t[0] / 2)]}[model]
    return np.array([-slope, level, *extra])


def _cost(parameters: np.ndarray, model: Model, t: np.ndarray, data: _Data) -> tuple[float, np.ndarray]:
    """What is minimised, and its derivatives by the parameters."""
    rate, slopes = _RATES[model](t, parameters)
    value, pull = data.cost(rate)
    return value, slopes @ pull


def _minimise(model: Model, t: np.ndarray, data: _Data, start: np.ndarray) -> np.ndarray:
    """The parameters of least cost."""
    # Parameters far outside, where numbers overflow, stand for a constant that is 0 or a shift that is none.
    bounds = np.array([(-20.0, 20.0), (-40.0, 20.0), (-30.0, 10.0)][: len(start)])
    inside = np.clip(start, bounds[:, 0], bounds[:, 1])
    options = {"ftol": 1e-15, "gtol": 1e-10}
    given: Any = {"args": (model, t, data), "jac": True, "method": "L-BFGS-B", "bounds": bounds, "options": options}
    return scipy.optimize.minimize(_cost, inside, **given).x
