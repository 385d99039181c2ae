"""The same training in networks of growing size: does the change from glass to order sharpen?

Hidden and output layers grow in proportion, because at a fixed number of outputs there is no thermodynamic glass; the outputs grow by
copies of each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64
from scipy import stats

from qnn_core.data import Dataset
from qnn_core.landscape.overlaps import order_parameters
from qnn_core.network import QNN
from qnn_core.samplers.base import Sampler, derived_seed
from qnn_core.statistics import Interval, mean_interval
from qnn_core.training import default_rate, train
from studies.equilibrium import growth
from studies.phase import quench


def follow_size(
    data: Dataset,
    copies: int,
    hidden_per_output: float,
    sampler: Sampler,
    seed: int,
    *,
    completed: bool,
    slowness: float,
    images: int,
    reads: int,
    epochs: int,
    batch_size: int,
    snapshots: int,
) -> dict[str, np.ndarray]:
    """Train one network, hidden = hidden_per_output x outputs, and follow the order of the reads of `images` test images.

    completed: as in `train`. slowness: the rate is constant, the network's `default_rate` divided by this, so that the rise takes many
    updates at every size. Returns step (S,) and q_ea, q_variance, chi, means over images, (S,); test_error, of the trained network;
    spin_updates, spent by training and by the reads.
    """
    outputs = data.num_classes * copies
    net = QNN((data.num_pixels, round(hidden_per_output * outputs), data.num_classes), copies=copies, seed=seed)
    history = train(
        net,
        data,
        sampler,
        lr=default_rate(net, data) / slowness,
        schedule="constant",
        completed=completed,
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
    return {"step": np.array(list(history.snapshots)), **means, **ends}


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


def verdict(
    narrowing: Interval, peak: Interval | None, collapsed: Collapse, interpolated: float
) -> Literal["transition", "crossover", "undecided"]:
    """What a change is called whose width goes as N^narrowing and whose susceptibility has a peak at the rise that goes as N^peak.

    peak: None where there is no such peak. interpolated: the part of the widths that are smaller than the spacing of the looks; if it is more
    than half, nothing is decided. Transition: the width shrinks, the peak grows, both with 95 % confidence, and the curves
    collapse. Crossover: the peak is known to shrink, or the width to shrink more slowly than N^(-1/4), by which it would halve from the
    smallest to the largest of sizes that are a factor of 16 apart. Undecided: anything else.
    """
    if interpolated > 0.5:
        return "undecided"
    if narrowing.high < 0 and peak is not None and peak.low > 0 and collapsed.holds:
        return "transition"
    if (peak is not None and peak.high < 0) or narrowing.low > -0.25:
        return "crossover"
    return "undecided"
