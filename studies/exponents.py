"""Exponents of every way of training, on every axis and measure, over common windows, and their differences to the annealer's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from qnn_core.errors import InvalidInput
from qnn_core.powerlaw import MODELS, Fit, Model, default_window, effort_to_reach, local_exponent, paired_difference
from qnn_core.samplers import SAMPLERS
from qnn_core.statistics import Interval, of_largest_size
from studies.curves import MEASURES, CurveStudy, LearningCurve, Measure
from studies.stored import Arrays
from studies.tables import shown

AXES = ("epochs", "cuts")
"""Passes over the training images, and images whose gradient was used. All other effort is proportional to one of these."""

ERROR_BARS: dict[Measure, tuple[Model, ...]] = {"test": ("power", "offset")}
"""Models fitted with an error bar, where it is not the power law alone: the test error has a plateau."""

LEVELS = (0.1, 0.02, 0.01)
"""Training errors to which the effort is counted."""

_NUMBERS = ("exponent", "low", "high", "prefactor", "extra", "aicc", "dispersion")


def study_exponents(studies: Sequence[CurveStudy], *, plateau: float, resamples: int, seed: int) -> Arrays:
    """The arrays of `fit_all`, which explains the arguments, for all learning curves; and, for the training error of the largest size:

    local_<method> (C, 3), local exponents at local_centres (C,); rate_<method> (K, 3), rate over the chosen one, exponent and dispersion;
    `scan_*`, of `scan_windows` for gibbs and mlp; `cost_<method>_*`, of `cost_to_reach` for each of `levels`; `curve_<method>_*`, the curves.
    """
    options: dict[str, Any] = {"resamples": resamples, "seed": seed}
    curves = [curve for study in studies for curve in study.curves]
    arrays = fit_all(curves, plateau=plateau, **options)
    curves = largest(curves)
    centres = np.geomspace(0.3, max(curve.epoch[-1] for curve in curves) / 10**0.5, 8)
    arrays |= {"local_centres": centres, "levels": np.array(LEVELS)}
    main = of_largest_size(arrays["width"], arrays["images"]) & (arrays["measure"] == "train") & (arrays["axis"] == "epochs")
    fitted = main & np.isfinite(arrays["window"]).all(axis=1)
    for curve in curves:
        arrays |= {f"curve_{curve.method}_{name}": getattr(curve, name) for name in ("epoch", "train", "loss")}
        arrays[f"curve_{curve.method}_images"] = np.array(curve.num_train)
        local = partial(curve.fit, "train", min_decades=0.99, **options)
        arrays[f"local_{curve.method}"] = local_exponent(curve.epoch, local, centres)
    for study in (study for study in studies if study.parameters["width"] == curves[0].width):
        method = study.parameters["method"]
        costs = [cost_to_reach(study, level) for level in LEVELS]
        arrays |= {f"cost_{method}_{name}": np.array([cost[name] for cost in costs]) for name in costs[0]}
        for row in np.flatnonzero(fitted & (arrays["method"] == method)):
            fits = [curve.fit("train", tuple(arrays["window"][row]), **options) for curve in study.by_rate]
            ratios = study.result["rates"] / study.result["chosen"]
            arrays[f"rate_{method}"] = np.array(
                [(ratio, fit.exponent, fit.dispersion) for ratio, fit in zip(ratios, fits, strict=True)]
            )
    pair = [curve for name in ("gibbs", "mlp") for curve in curves if curve.method == name and name in arrays["method"][fitted]]
    scan = {"start": np.empty(0), "end": np.empty(0), "difference": np.empty((0, 3))}
    if len(pair) == 2:
        scan = scan_windows(pair[0], pair[1], tuple(arrays["window"][fitted][0]), **options)
    return {**arrays, **{f"scan_{name}": values for name, values in scan.items()}}


def largest(curves: Sequence[LearningCurve]) -> list[LearningCurve]:
    """The curves of the largest size."""
    chosen = of_largest_size(np.array([curve.width for curve in curves]), np.array([curve.images for curve in curves]))
    return [curve for curve, of_it in zip(curves, chosen, strict=True) if of_it]


def fit_all(curves: Sequence[LearningCurve], *, plateau: float, resamples: int, seed: int) -> Arrays:
    """Fit every curve; those of one width and number of images, on one axis and measure, over the same window.

    plateau: training error at which its window ends. resamples, seed: of the bootstrap over runs.

    Returns, of F fits, method, width, images, measure, axis, window (F, 2), refused, the reason why there is none, or empty, best, the model
    with the lowest AICc, and for the `models` the numbers of each `Fit`, (F, models), NaN where refused. Of D differences, exponent of the
    annealer minus that of another way of training, wherever both have an error bar: difference (D, 3), the value and its ends, and
    difference_<name> with width, images, measure, axis, model, other and window.
    """
    rows: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    sizes = sorted({(curve.width, curve.images) for curve in curves})
    for (width, images), axis, measure in product(sizes, AXES, MEASURES):
        known = {"width": width, "images": images, "measure": measure, "axis": axis}
        barred = ERROR_BARS.get(measure, ("power",))
        group = [curve for curve in curves if (curve.width, curve.images) == (width, images)]
        group = [curve for curve in group if np.isfinite(curve.values(measure)).any()]
        fits: dict[str, dict[Model, Fit]] = {}
        for curve in group:
            window, refused = (np.nan, np.nan), ""
            try:
                window = common_window(group, measure, axis, plateau)
                fits[curve.method] = {
                    model: curve.fit(measure, window, axis, model=model, resamples=resamples * (model in barred), seed=seed)
                    for model in MODELS
                }
            except InvalidInput as refusal:
                window, refused = (np.nan, np.nan), str(refusal)
            of_models = fits.get(curve.method, {})
            best = min(of_models, key=lambda model: of_models[model].aicc, default="")
            numbers = {name: [getattr(of_models.get(model), name, np.nan) for model in MODELS] for name in _NUMBERS}
            rows.append({"method": curve.method, **known, "window": window, "refused": refused, "best": best, **numbers})
        for annealer, other in product(fits, fits):
            for model, fit in fits[annealer].items() if annealer in SAMPLERS and other not in SAMPLERS else ():
                if len(fit.samples):
                    interval = np.array(paired_difference(fit, fits[other][model]))
                    found.append({**known, "model": model, "other": other, "window": fit.window, "interval": interval})
    arrays = {"models": np.array(MODELS), **{name: np.array([row[name] for row in rows]) for name in rows[0]}}
    for name in ("width", "images", "measure", "axis", "model", "other", "window"):
        kind = np.int64 if name in ("width", "images") else None
        arrays[f"difference_{name}"] = np.array([one[name] for one in found], kind)
    return {**arrays, "difference": np.array([one["interval"] for one in found]).reshape(-1, 3)}


def fit_rows(arrays: Arrays) -> Iterable[dict[str, Any]]:
    """The fits of `fit_all` that were made, a row for all methods: exponent and deviance / dof of the power law; model of lowest AICc."""
    made, rows = np.flatnonzero(arrays["refused"] == ""), dict[str, dict[str, Any]]()
    sizes = [name for name in ("width", "images") if len(set(arrays[name][made].tolist())) > 1]
    for row in made:
        known = {name: arrays[name][row] for name in (*sizes, "measure", "axis")} | {"window": arrays["window"][row].tolist()}
        exponent = Interval(*(arrays[name][row, 0] for name in ("exponent", "low", "high")))
        told = f"{exponent}; {shown(arrays['dispersion'][row, 0])}; {arrays['best'][row]}"
        rows.setdefault(str(known), known)[str(arrays["method"][row])] = told
    return rows.values()


def refusals(arrays: Arrays) -> str:
    """Which fits of `fit_all` were refused and what they lack, one sentence for each lack; empty if none was refused."""
    lacking: dict[str, dict[str, None]] = {}
    for row in np.flatnonzero(arrays["refused"] != ""):
        curve = (
            f"{arrays['measure'][row]} by {arrays['axis'][row]}, {arrays['images'][row]:,} images of width {arrays['width'][row]}"
        )
        lacking.setdefault(str(arrays["refused"][row]).partition("expected ")[2].rstrip("."), {})[curve] = None
    return " ".join(f"Refused, because fits need {why}: {'; '.join(curves)}." for why, curves in lacking.items())


def difference_rows(arrays: Arrays) -> Iterator[dict[str, Any]]:
    """The differences of `fit_all` at the largest size, and of all sizes how many are significantly positive and negative."""
    names = ("measure", "axis", "model", "other")
    kinds = list(zip(*(arrays[f"difference_{name}"].tolist() for name in names), strict=True))
    for row in np.flatnonzero(of_largest_size(arrays["difference_width"], arrays["difference_images"])):
        alike = arrays["difference"][[kind == kinds[row] for kind in kinds]]
        counts = {
            "sizes": len(alike),
            "above 0": int((alike[:, 1] > 0).sum()),
            "below 0": int((alike[:, 2] < 0).sum()),
        }
        yield {**dict(zip(names, kinds[row], strict=True)), "difference": Interval(*arrays["difference"][row].tolist()), **counts}


def common_window(curves: Sequence[LearningCurve], measure: Measure, axis: str, plateau: float) -> tuple[float, float]:
    """The part of the effort axis in which every curve has halved, so that all are fitted over the same.

    plateau: the window ends where the first of the training errors falls to this. It may be empty or short: fits then refuse it.
    """
    windows, until = [], plateau if measure == "train" else 0.0
    for curve in curves:
        effort, values = curve.effort(axis), curve.values(measure)
        first, last = default_window(effort, values)
        low = (values.mean(axis=0) <= until) & (effort >= first)
        windows.append((first, float(effort[low][0]) if low.any() else last))
    return max(first for first, _ in windows), min(last for _, last in windows)


def scan_windows(
    first: LearningCurve, second: LearningCurve, window: tuple[float, float], *, resamples: int, seed: int
) -> Arrays:
    """Difference of the two training errors' exponents in every window of a decade or more of epochs between a few points of a window.

    Returns start, end (W,) of each, and difference (W, 3): value and 95 % interval; all empty where one of them cannot be fitted.
    """
    points = np.geomspace(*window, 5)
    windows = [(start, end) for start, end in product(points, points) if end >= start * 10 * (1 - 1e-9)]
    options: dict[str, Any] = {"resamples": resamples, "seed": seed, "min_decades": 0.99}
    try:
        found = [paired_difference(*(curve.fit("train", one, **options) for curve in (first, second))) for one in windows]
    except InvalidInput:
        windows, found = [], []
    start, end = np.array(windows).reshape(-1, 2).T
    return {"start": start, "end": end, "difference": np.array(found).reshape(-1, 3)}


def cost_to_reach(study: CurveStudy, level: float) -> dict[str, float]:
    """Effort on every axis to bring the training error of a study's largest set to `level`, mean over the runs that reach it.

    reached: the fraction of runs that do. epochs, cuts, and the axes of `cost_of_an_epoch`; NaN where no run reaches it.
    """
    curve = max(study.curves, key=lambda curve: curve.images)
    spent = {axis: effort_to_reach(curve.effort(axis), curve.values("train"), level) for axis in AXES}
    reached = np.isfinite(spent["epochs"])
    means = {axis: float(efforts[reached].mean()) if reached.any() else np.nan for axis, efforts in spent.items()}
    each = {axis: amount * means["epochs"] for axis, amount in study.epoch_cost.items()}
    return {"reached": float(reached.mean()), **means, **each}
