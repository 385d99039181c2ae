"""Exponents under every plausible choice of what an abstract leaves open: a cloud of pairs, backpropagation's and the annealer's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import scipy
from jaxtyping import Bool, Float64, Shaped

from qnn_core.errors import Diverged, InvalidInput
from qnn_core.powerlaw import Fit, Model, paired_difference
from qnn_core.statistics import FRACTION, few_runs_interval
from studies.choices import WEIGHTS, Choices, Learned, Setting
from studies.curves import Measure
from studies.exponents import AXES, common_window
from studies.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT
from studies.stored import Arrays

MEASURES: dict[str, tuple[Measure, Model]] = {
    "training error": ("train", "power"),
    "loss": ("loss", "power"),
    "test error": ("test", "power"),
    "test error, plateau fitted": ("test", "offset"),
    "heads": ("heads", "power"),
    "own answers": ("test", "power"),
}
"""What is fitted, and with which law. The last two are the annealer's alone: images with a head stand beside backpropagation's training error,
the annealer's own wrong answers to test images beside its test error.
"""
FACTORS = {
    "rule": "learning rule", "optimiser": "optimiser", "weights": "weights measured", "rate": "rate", "measure": "measure", "axis": "axis",
    "width": "width", "images": "training images", "network": "network of backprop",
}  # fmt: skip
"""What is chosen, in words."""
WIDEST = 0.5
"""Largest half width of an interval of an exponent that still says something. Wider ones are counted, and left out of the cloud."""


_PAPER = {"backprop": BACKPROP_EXPONENT, "annealer": ANNEALER_EXPONENT}


def fit_cloud(learned: Learned, choices: Choices, *, plateau: float, resamples: int, seed: int) -> Arrays:
    """The pair of exponents of every choice over its common window, and what the cloud of them says.

    Returns, of all C choices, the FACTORS, each (C,); backprop, annealer, difference (C, 3), exponents with their intervals; refused (C,), why
    there is none, or empty; known (C,), whether both intervals are no wider than WIDEST to each side; reached (C,), whether both hold
    the paper's exponents. Of the K known ones fraction_above (3,), the part where the annealer's exponent is the larger, its interval
    from resampled seeds; in_hull, whether the paper's pair lies within their convex hull; share_<what> (F,), see `main_effects`, of
    difference, backprop and annealer, with `factors`; largest_factor, of the difference.
    """

    @cache
    def fit(key: tuple[Setting, str, str], measure: Measure, model: Model, axis: str, window: tuple[float, float]) -> Fit:
        curve = learned[key]
        assert curve is not None
        return curve.fit(measure, window, axis, model=model, resamples=resamples, seed=seed)

    rows, above = [], []
    order = (choices.rules, choices.optimisers, WEIGHTS, choices.rates, MEASURES, AXES, choices.sizes, choices.networks)
    for choice in product(*order):
        rule, optimiser, weights, rate, name, axis, size, network = choice
        measure, model = MEASURES[name]
        keys = [
            (Setting(maker, optimiser, *size, rate), weights, "own" if name == "own answers" else "network")
            for maker in (rule, network)
        ]
        row: dict[str, Any] = {**dict(zip(FACTORS, (*choice[:6], *size, network), strict=True)), "refused": ""}
        row |= dict.fromkeys(("backprop", "annealer", "difference"), (np.nan,) * 3)
        try:
            pair = [curve for key in keys if (curve := learned[key]) is not None]
            if len(pair) < 2:
                raise Diverged("A run diverged.")
            window = common_window(pair, measure, axis, plateau)
            annealer, backprop = (fit(key, measure, model, axis, window) for key in keys)
            row |= {"backprop": backprop.interval, "annealer": annealer.interval}
            row["difference"] = paired_difference(annealer, backprop)
            above.append(np.array([annealer.exponent > backprop.exponent, *(annealer.samples > backprop.samples)]))
        except (InvalidInput, Diverged) as refusal:
            row["refused"] = str(refusal)
        rows.append(row)
    arrays = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    halves = [(arrays[name][:, 2] - arrays[name][:, 1]) / 2 for name in ("backprop", "annealer")]
    arrays["known"] = np.max(halves, axis=0) <= WIDEST
    return arrays | _said_by(arrays, np.array(above), max((len(curve.train) for curve in learned.values() if curve), default=0))


def _said_by(arrays: Arrays, above: Bool[np.ndarray, ...], runs: int) -> Arrays:
    known = arrays["known"]
    backprop, annealer = (arrays[name][:, 0][known] for name in ("backprop", "annealer"))
    held = [(arrays[name][:, 1] <= level) & (arrays[name][:, 2] >= level) for name, level in _PAPER.items()]
    said = {
        "reached": known & held[0] & held[1],
        "in_hull": np.array(in_hull((BACKPROP_EXPONENT, ANNEALER_EXPONENT), backprop, annealer)),
    }
    parts = above[known[arrays["refused"] == ""]].mean(axis=0) if known.any() else np.full(2, np.nan)
    said["fraction_above"] = np.array(few_runs_interval(float(parts[0]), float(parts[1:].std()), runs, FRACTION))
    factors = {name: arrays[name][known] for name in FACTORS}
    for name in ("difference", *_PAPER):
        said[f"share_{name}"] = np.array([*main_effects(arrays[name][:, 0][known], factors).values()])
    names = np.array(list(FACTORS))
    return {**said, "factors": names, "largest_factor": np.array(names[said["share_difference"].argmax()])}


def main_effects(values: Float64[np.ndarray, " K"], factors: Mapping[str, Shaped[np.ndarray, " K"]]) -> dict[str, float]:
    """Share of the variance of values that each factor explains, all others given; 0 where nothing varies.

    It is by how much the residual sum of squares of a model of main effects grows without the factor, over the total sum of squares (type II of
    an analysis of variance). In a complete design the shares are those between the means of a factor's levels, and add up to less
    than 1 by the share of interactions and of chance.
    """
    total = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    columns = {name: (levels[:, None] == np.unique(levels)[1:]).astype(np.float64) for name, levels in factors.items()}

    def left(names: Iterable[str]) -> float:
        design = np.hstack([np.ones((len(values), 1)), *(columns[name] for name in names)])
        return float(((values - design @ np.linalg.lstsq(design, values, rcond=None)[0]) ** 2).sum())

    if not total > 0:
        return dict.fromkeys(factors, 0.0)
    return {name: max(0.0, left(factors.keys() - {name}) - left(factors)) / total for name in factors}


def in_hull(point: tuple[float, float], x: Float64[np.ndarray, " K"], y: Float64[np.ndarray, " K"]) -> bool:
    """Whether a point lies in the convex hull of others; in none where they span no area."""
    try:
        return bool(scipy.spatial.Delaunay(np.stack([x, y], axis=1)).find_simplex(point) >= 0)
    except (scipy.spatial.QhullError, ValueError):
        return False


def by_level(arrays: Arrays) -> Iterator[dict[str, Any]]:
    """A row for every level of every factor: its choices, those that are known, and what these say."""
    for factor in FACTORS:
        for level in np.unique(arrays[factor]):
            of_it = arrays[factor] == level
            known = of_it & arrays["known"]
            backprop, annealer, difference = (arrays[name][known] for name in ("backprop", "annealer", "difference"))
            medians = [float(np.median(values[:, 0])) if len(values) else np.nan for values in (backprop, annealer)]
            counts = (int(of_it.sum()), int((arrays["refused"][of_it] != "").sum()), int(known.sum()))
            yield {
                "choice": factor, "level": level, "choices, refused, known": counts, "median backprop, annealer": medians,
                "annealer larger, %": 100 * float((difference[:, 0] > 0).mean()) if known.any() else np.nan,
                "significantly larger, smaller": (int((difference[:, 1] > 0).sum()), int((difference[:, 2] < 0).sum())),
                "contains the paper's pair": int(arrays["reached"][of_it].sum()),
            }  # fmt: skip
