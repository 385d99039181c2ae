"""Pictures of learning curves, exponents, weights of heads and searches: what notebooks 5 to 6 and figure 4 share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes

from qnn_core.learning_curve import MEASURES
from qnn_core.powerlaw import MODELS
from qnn_core.statistics import Interval, of_largest_size
from studies.exponents import AXES, Difference
from studies.hazards import SEARCHES, expected_exponent
from studies.head_distribution import WeightLaw
from studies.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT
from studies.plots import METHOD_STYLE, SEARCH_STYLE
from studies.stored import Result


def plot_power_laws(axis: Axes, fits: Result, measure: str = "train") -> None:
    """Mean training error, or loss, against epochs at the largest size, each method with its power law over the common window."""
    size = of_largest_size(fits["width"], fits["images"])
    for row in np.flatnonzero(size & (fits["measure"] == measure) & (fits["axis"] == "epochs")):
        method = str(fits["method"][row])
        style = METHOD_STYLE[method]
        epoch, values = fits[f"curve_{method}_epoch"], fits[f"curve_{method}_{measure}"].mean(axis=0)
        if measure == "train":
            values = values / fits[f"curve_{method}_images"]
        seen = (epoch > 0) & (values > 0)
        axis.plot(epoch[seen], values[seen], **{**style, "linestyle": "none", "alpha": 0.7})
        if np.isfinite(fits["window"][row]).all():
            window = np.geomspace(*fits["window"][row])
            law = fits["prefactor"][row, 0] * window ** -fits["exponent"][row, 0]
            axis.plot(window, law, color="black", linestyle=style["linestyle"], linewidth=0.9)
    axis.set(xscale="log", yscale="log", xlabel="epochs")


def plot_exponents(axis: Axes, fits: Result) -> None:
    """Exponents of power laws at the largest size with their intervals, by measure and axis; the paper's numbers as lines."""
    shown = [
        ("train", "epochs", "train"),
        ("train", "cuts", "train\nby cuts"),
        ("test", "epochs", "test"),
        ("heads", "epochs", "heads"),
        ("loss", "epochs", "loss"),
    ]
    size, methods = of_largest_size(fits["width"], fits["images"]), list(METHOD_STYLE)
    for row in np.flatnonzero(size):
        place = next((n for n, (m, a, _) in enumerate(shown) if (m, a) == (fits["measure"][row], fits["axis"][row])), None)
        value, low, high = (fits[name][row, 0] for name in ("exponent", "low", "high"))
        if place is None or not np.isfinite(value):
            continue
        style = METHOD_STYLE[str(fits["method"][row])]
        across = place + 0.24 * (methods.index(str(fits["method"][row])) - 1)
        marks = {"color": style["color"], "marker": style["marker"], "linestyle": "none", "linewidth": 1}
        axis.errorbar(across, value, [[max(value - low, 0)], [max(high - value, 0)]], **marks)
    for level, text, line in (
        (ANNEALER_EXPONENT, f"paper: annealer {ANNEALER_EXPONENT}", "-"),
        (BACKPROP_EXPONENT, f"paper: backprop {BACKPROP_EXPONENT}", "--"),
    ):
        axis.axhline(level, color="black", linestyle=line, linewidth=0.8, zorder=0, label=text)
    axis.set_xticks(range(len(shown)), [label for *_, label in shown], fontsize=6)
    axis.set(xlim=(-0.5, max(len(shown), 1) - 0.5), ylabel=r"exponent $\alpha$")
    axis.set_ylim(bottom=0)


def plot_differences(axis: Axes, found: Sequence[Difference]) -> None:
    """Differences of exponents, annealer minus each other method, by measure, axis and model; all sizes side by side, the largest last."""
    known = {(one.axis, one.measure, one.model) for one in found}
    groups = [group for group in product(AXES, MEASURES, MODELS) if group in known]
    sizes = sorted({(one.width, one.images) for one in found})
    others = [method for method in METHOD_STYLE if method in {one.other for one in found}]
    slots = len(sizes) * len(others)
    for one in found:
        place = groups.index((one.axis, one.measure, one.model))
        slot = others.index(one.other) * len(sizes) + sizes.index((one.width, one.images))
        across = place + 0.7 * ((slot + 0.5) / slots - 0.5)
        style = METHOD_STYLE[one.other]
        value, low, high = one.interval.value, one.interval.low, one.interval.high
        marks = {"color": style["color"], "marker": style["marker"], "linewidth": 0.9, "markersize": 3}
        axis.errorbar(across, value, [[value - low], [high - value]], **marks)
    for other in others:
        axis.plot([], [], **{**METHOD_STYLE[other], "linestyle": "none", "label": f"annealer - {METHOD_STYLE[other]['label']}"})
    axis.axhline(0, color="0.6", linewidth=0.8)
    axis.axhline(
        ANNEALER_EXPONENT - BACKPROP_EXPONENT, color="black", linewidth=0.8, linestyle="--", label="the paper's difference"
    )
    names = {"power": "", "offset": ",\nplateau fitted"}
    axis.set_xticks(range(len(groups)), [f"{measure}\nby {axis}{names[model]}" for axis, measure, model in groups], fontsize=7)
    axis.set(xlim=(-0.5, max(len(groups), 1) - 0.5), ylabel=r"difference of $\alpha$")
    axis.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)


def plot_searches(axis: Axes, found: np.ndarray, calls: Mapping[str, np.ndarray]) -> None:
    """Oracle calls to find a head against its weight, by plain reads and by amplitude amplification, with their laws."""
    for name, spent in calls.items():
        axis.loglog(found, spent, **{**SEARCH_STYLE[name], "linestyle": "none", "alpha": 0.6})
    ends = np.array([found.min(), found.max()])
    axis.loglog(ends, 1 / ends, color="0.4", linestyle="--", linewidth=0.9, label="$1/p$")
    axis.loglog(ends, 9 / 4 * ends**-0.5, color="black", linewidth=0.9, label=r"$(9/4)\,p^{-1/2}$")
    axis.set(xlabel="weight of a head $p$", ylabel="oracle calls to find it")


def plot_weight_laws(axis: Axes, study: Result, moments: int = 3) -> None:
    """Density of the weights of heads in some networks along training, each with its power law where one was fitted."""
    parameters = study.provenance["parameters"]
    edges = np.geomspace(1e-8, 1, 25)
    known = np.flatnonzero(np.isfinite(study["gamma"][:, 0]))
    for number, place in enumerate(known[np.unique(np.linspace(0, len(known) - 1, moments).round().astype(int))]):
        weights = study["weights"][:, place]
        images = weights.shape[0] * weights.shape[1]
        density = np.histogram(weights[np.isfinite(weights)], edges)[0] / np.diff(edges) / images
        look: dict[str, Any] = {"color": f"C{number}", "marker": "os^D"[number % 4]}
        seen = density > 0
        middle = np.sqrt(edges[1:] * edges[:-1])
        axis.plot(middle[seen], density[seen], linestyle="none", label=f"{study['step'][place]:,} updates", **look)
        low, high = parameters["least"], parameters["largest"]
        inside = np.geomspace(low, high)
        law = WeightLaw(Interval(*(float(end) for end in study["gamma"][place])), low, high, 0)
        number_inside = ((weights >= low) & (weights <= high)).sum()
        axis.plot(inside, law.density(inside) * number_inside / images, color=f"C{number}", linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="weight of a head $p$", ylabel=r"heads per unit of $p$")


def plot_search_exponents(axis: Axes, alphas: np.ndarray, exponents: Float64[np.ndarray, "A S 3"]) -> None:
    """Exponents of the weight left with each way to search, simulated and by theory, against that of plain reads."""
    fine = np.linspace(min(alphas) - 0.2, max(alphas) + 0.2, 100)
    for column, search in enumerate(SEARCHES):
        style = SEARCH_STYLE[search]
        value, low, high = exponents[:, column].T
        axis.errorbar(alphas, value, [value - low, high - value], capsize=2, **{**style, "linestyle": "none"})
        law = [expected_exponent(float(alpha), search) for alpha in fine]
        axis.plot(fine, law, color=style["color"], linewidth=0.8, linestyle=style["linestyle"])
    for paper, line in ((ANNEALER_EXPONENT, "-"), (BACKPROP_EXPONENT, "--")):
        axis.axvline(paper, color="0.6", linewidth=0.8, linestyle=line, zorder=0)
    axis.set(xlabel=r"exponent of plain reads $\alpha$", ylabel="exponent with this search")
