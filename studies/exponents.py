"""Exponents of every way of training, on every axis and measure, over common windows, and their differences to the annealer's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from qnn_core.errors import InvalidInput
from qnn_core.learning_curve import MEASURES, LearningCurve, Measure
from qnn_core.powerlaw import MIN_DECADES, MODELS, Fit, Model, common_window, effort_to_reach, fit_curve, paired_difference
from qnn_core.samplers import SAMPLERS
from qnn_core.statistics import Interval, of_largest_size
from studies.curves import cost_of_an_epoch, curves_of
from studies.stored import Result

AXES = ("epochs", "cuts")
"""Passes over the training images, and images whose gradient was used. All other effort is proportional to one of these."""

ERROR_BARS: dict[Measure, tuple[Model, ...]] = {"test": ("power", "offset")}
"""Models fitted with an error bar, where it is not the power law alone: the test error has a plateau."""

_SHORT_DECADES = 1.0
"""Least window on the axis of cuts, and of heads: cuts get rare as the error falls, and heads are counted only between two looks."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """All models fitted to one measure of one learning curve on one axis; refused: why there are none, or empty."""

    curve: LearningCurve
    measure: Measure
    axis: str
    fits: dict[Model, Fit]
    refused: str

    @property
    def method(self) -> str:
        return self.curve.method

    @property
    def width(self) -> int:
        return self.curve.width

    @property
    def images(self) -> int:
        return self.curve.images

    @property
    def best(self) -> Model | None:
        """The model with the lowest AICc."""
        return min(self.fits.items(), key=lambda fitted: fitted[1].aicc)[0] if self.fits else None


@dataclass(frozen=True)
class Difference:
    """Exponent of the annealer minus that of another way of training, paired by seed, over the window common to all."""

    width: int
    images: int
    measure: Measure
    axis: str
    model: Model
    other: str
    interval: Interval
    window: tuple[float, float]


Sized = TypeVar("Sized", LearningCurve, Fitted, Difference)


def fit_all(
    curves: Sequence[LearningCurve],
    *,
    axes: Sequence[str] = AXES,
    measures: Sequence[Measure] = MEASURES,
    plateau: float,
    resamples: int,
    seed: int,
) -> list[Fitted]:
    """Fit every curve; those of one width and number of images, on one axis and measure, over the same window.

    plateau: of the training error, at which its window ends.
    """
    rows: list[Fitted] = []
    for size in sorted({(curve.width, curve.images) for curve in curves}):
        together = [curve for curve in curves if (curve.width, curve.images) == size]
        for axis in axes:
            for measure in measures:
                known = [curve for curve in together if np.isfinite(curve.values(measure)).any()]
                until = plateau if measure == "train" else 0.0
                rows += _fit_group(known, measure, axis, until, resamples, seed)
    return rows


def _fit_group(curves: list[LearningCurve], measure: Measure, axis: str, until: float, resamples: int, seed: int) -> list[Fitted]:
    try:
        window = common_window(curves, measure, axis, until) if curves else (0.0, 0.0)
    except InvalidInput as refusal:
        return [Fitted(curve, measure, axis, {}, str(refusal)) for curve in curves]
    short = axis == "cuts" or measure == "heads"
    options = {"axis": axis, "seed": seed, "min_decades": _SHORT_DECADES if short else MIN_DECADES}
    rows = []
    for curve in curves:
        fits: dict[Model, Fit] = {}
        refused = ""
        for model in MODELS:
            samples = resamples if model in ERROR_BARS.get(measure, ("power",)) else 0
            try:
                fits[model] = fit_curve(curve, measure, window, model=model, resamples=samples, **options)  # type: ignore[arg-type]
            except InvalidInput as refusal:
                refused = str(refusal)
        rows.append(Fitted(curve, measure, axis, fits, refused))
    return rows


def differences(rows: Sequence[Fitted]) -> list[Difference]:
    """Annealer minus each other way of training, wherever both were fitted with an error bar."""
    found = []
    for row in rows:
        for other in rows:
            same = (row.width, row.images, row.measure, row.axis) == (other.width, other.images, other.measure, other.axis)
            if not same or row.method not in SAMPLERS or other.method in SAMPLERS:
                continue
            for model in (model for model in row.fits if len(row.fits[model].samples) and model in other.fits):
                interval = paired_difference(row.fits[model], other.fits[model])
                where = (row.width, row.images, row.measure, row.axis, model, other.method)
                found.append(Difference(*where, interval, row.fits[model].window))
    return found


def tabulated(rows: Sequence[Fitted], found: Sequence[Difference]) -> dict[str, np.ndarray]:
    """What is stored: a column a name. F rows of fits, with (F, models) for each number of a fit, NaN where refused; D differences."""
    arrays: dict[str, np.ndarray] = {
        name: np.array([getattr(row, name) for row in rows]) for name in ("method", "width", "images", "measure", "axis")
    }
    arrays |= {"best": np.array([row.best or "" for row in rows]), "models": np.array(MODELS)}
    for name in ("exponent", "low", "high", "prefactor", "extra", "aicc", "dispersion"):
        arrays[name] = np.array([[getattr(row.fits.get(model), name, np.nan) for model in MODELS] for row in rows], np.float64)
    arrays["window"] = np.array([next(iter(row.fits.values())).window if row.fits else (np.nan, np.nan) for row in rows])
    for name in ("width", "images", "measure", "axis", "model", "other", "window"):
        arrays[f"difference_{name}"] = np.array([getattr(one, name) for one in found])
    intervals = [(one.interval.value, one.interval.low, one.interval.high) for one in found]
    arrays["difference"] = np.array(intervals).reshape(len(found), 3)
    return arrays


def largest(rows: Sequence[Sized]) -> list[Sized]:
    """Those of the largest size."""
    chosen = of_largest_size(np.array([row.width for row in rows]), np.array([row.images for row in rows]))
    return [row for row, of_it in zip(rows, chosen, strict=True) if of_it]


def cost_to_reach(result: Result, level: float) -> dict[str, float]:
    """Effort on every axis to bring the training error of a study's largest set to `level`, mean over the runs that reach it.

    reached: the fraction of runs that do. epochs, cuts, and the axes of `cost_of_an_epoch`; NaN where no run reaches it.
    """
    curve = max(curves_of(result), key=lambda curve: curve.images)
    spent = {axis: effort_to_reach(curve.effort(axis), curve.values("train"), level) for axis in AXES}
    reached = np.isfinite(spent["epochs"])
    means = {axis: float(efforts[reached].mean()) if reached.any() else np.nan for axis, efforts in spent.items()}
    settings: Any = SimpleNamespace(**result.provenance["parameters"])
    epoch = cost_of_an_epoch(settings, int(result["pixels"]), int(result["classes"]), curve.images)
    return {"reached": float(reached.mean()), **means, **{axis: each * means["epochs"] for axis, each in epoch.items()}}
