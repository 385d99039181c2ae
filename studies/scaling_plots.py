"""Figure 4, and pictures of learning curves, exponents, weights of heads and searches for notebooks 5 to 6.

Functions that take arrays draw what the studies store, under the names that they give it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from qnn_core.powerlaw import MODELS, model_curve
from qnn_core.statistics import Interval, of_largest_size
from studies.cloud import FACTORS
from studies.curves import MEASURES, LearningCurve
from studies.exponents import AXES
from studies.grover import SINGLE_SEARCHES
from studies.hazards import SEARCHES, expected_exponent
from studies.head_distribution import MEASURES as HEAD_MEASURES
from studies.head_distribution import weight_density, weight_left
from studies.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT
from studies.plots import COLUMN, METHOD_STYLE, PAGE, SEARCH_STYLE, band, error_bars, label_panels, small_legend, small_type
from studies.stored import Arrays

_TITLES = {"train": "training error", "test": "test error", "heads": "images with a head", "loss": "cross-entropy, nats"}


def paper_lines(draw: Callable[..., Any], **style: Any) -> None:
    """The paper's exponents; draw: `axhline` or `axvline` of an axis."""
    for level, whose, line in ((ANNEALER_EXPONENT, "annealer", "-"), (BACKPROP_EXPONENT, "backprop", "--")):
        draw(level, **{"linewidth": 0.8, "linestyle": line, "zorder": 0, "label": f"paper: {whose} {level}", **style})


def _plot_law(axis: Axes, arrays: Arrays, row: int, model: int, **style: Any) -> None:
    """One of the models of a fit over its window, with the line of its method."""
    inside = np.geomspace(*arrays["window"][row])
    numbers = (arrays[name][row, model] for name in ("exponent", "prefactor", "extra"))
    style["linestyle"] = METHOD_STYLE[arrays["method"][row]]["linestyle"]
    axis.plot(inside, model_curve(MODELS[model], inside, *numbers), **style)


def plot_fits(curves: Sequence[LearningCurve], arrays: Arrays) -> Figure:
    """Every measure of the learning curves of the largest size against epochs, with the model that AICc prefers."""
    figure, axes = plt.subplots(2, 2, figsize=(PAGE, 5.0), sharex=True)
    size = of_largest_size(arrays["width"], arrays["images"]) & (arrays["axis"] == "epochs")
    for axis, measure in zip(axes.ravel(), MEASURES, strict=True):
        for curve in curves:
            values = curve.values(measure)
            late = (curve.epoch > 0) & np.isfinite(values).all(axis=0)
            if late.any():
                band(axis, curve.epoch[late], values[:, late], floor=0.5 / curve.num_train, **METHOD_STYLE[curve.method])
        for row in np.flatnonzero(size & (arrays["measure"] == measure) & (arrays["best"] != "")).tolist():
            _plot_law(axis, arrays, row, MODELS.index(arrays["best"][row]), color="black", linewidth=0.8)
        axis.set(xscale="log", yscale="log", title=_TITLES[measure])
    for axis in axes[1]:
        axis.set(xlabel="epochs")
    axes[0, 0].legend()
    label_panels(axes.ravel())
    return figure


def plot_power_laws(axis: Axes, arrays: Arrays) -> None:
    """Training error against epochs at the largest size, mean and range of seeds, and each method's power law over the common window."""
    size = of_largest_size(arrays["width"], arrays["images"])
    for row in np.flatnonzero(size & (arrays["measure"] == "train") & (arrays["axis"] == "epochs")).tolist():
        method = str(arrays["method"][row])
        style = METHOD_STYLE[method]
        epoch, errors = arrays[f"curve_{method}_epoch"], arrays[f"curve_{method}_train"] / arrays[f"curve_{method}_images"]
        seen = (epoch > 0) & (errors.mean(axis=0) > 0)
        label = {"gibbs": "annealer", "mlp": "MLP", "energy": "energy model"}.get(method, method)
        points = {**style, "label": label, "linestyle": "none", "markersize": 3}
        band(axis, epoch[seen], errors[:, seen], floor=0.5 / arrays[f"curve_{method}_images"], **points)
        if np.isfinite(arrays["window"][row]).all():
            _plot_law(axis, arrays, row, MODELS.index("power"), color="black", linewidth=0.8, zorder=3)
    axis.set(xscale="log", yscale="log", xlabel="epochs", ylabel="training error")


def plot_differences(arrays: Arrays) -> Figure:
    """Differences of exponents, annealer minus each other method, by measure, axis and model; all sizes side by side, the largest last."""
    figure, axis = plt.subplots(figsize=(PAGE, 3.6))
    columns = (arrays[f"difference_{name}"].tolist() for name in ("axis", "measure", "model", "width", "images", "other"))
    found = list(zip(*columns, strict=True))
    groups = [group for group in product(AXES, MEASURES, MODELS) if group in {one[:3] for one in found}]
    sizes = sorted({one[3:5] for one in found})
    others = [method for method in METHOD_STYLE if method in {one[5] for one in found}]
    for other in others:
        style, rows = METHOD_STYLE[other], [row for row, one in enumerate(found) if one[5] == other]
        slots = np.array([others.index(other) * len(sizes) + sizes.index(found[row][3:5]) for row in rows])
        across = [groups.index(found[row][:3]) for row in rows] + 0.7 * ((slots + 0.5) / (len(sizes) * len(others)) - 0.5)
        marks = {"color": style["color"], "marker": style["marker"], "linestyle": "none", "elinewidth": 0.9, "markersize": 3}
        error_bars(axis, across, arrays["difference"][rows], label=f"annealer - {style['label']}", **marks)
    axis.axhline(0, color="0.6", linewidth=0.8)
    paper = ANNEALER_EXPONENT - BACKPROP_EXPONENT
    axis.axhline(paper, color="black", linewidth=0.8, linestyle="--", label="the paper's difference")
    names = {"power": "", "offset": ",\nplateau fitted"}
    labels = [f"{measure}\nby {effort}{names[model]}" for effort, measure, model in groups]
    axis.set_xticks(range(len(groups)), labels, fontsize=7)
    axis.set(xlim=(-0.5, max(len(groups), 1) - 0.5), ylabel=r"difference of exponents $\alpha$")
    axis.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def plot_weight_laws(axis: Axes, arrays: Arrays, between: tuple[float, float]) -> None:
    """Density of the weights of heads in three networks along training, each with its power law, fitted `between` two weights."""
    edges = np.geomspace(1e-8, 1, 25)
    middle, inside = np.sqrt(edges[1:] * edges[:-1]), np.geomspace(*between)
    known = np.flatnonzero(np.isfinite(arrays["gamma"][:, 0]))
    for number, place in enumerate(known[np.unique(np.linspace(0, len(known) - 1, 3).round().astype(int))]):
        weights = arrays["weights"][:, place]
        images = weights.shape[0] * weights.shape[1]
        density = np.histogram(weights[np.isfinite(weights)], edges)[0] / np.diff(edges) / images
        seen = density > 0
        shade = ("0.65", "0.325", "0.0")[number]
        look: dict[str, Any] = {"color": shade, "marker": "os^"[number], "linestyle": "none"}
        axis.plot(middle[seen], density[seen], label=f"{arrays['step'][place]:,} updates", **look)
        heads = ((weights >= between[0]) & (weights <= between[1])).sum() / images
        axis.plot(inside, weight_density(inside, arrays["gamma"][place, 0], *between) * heads, color=shade, linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="weight of a head $p$", ylabel=r"heads per unit of $p$")


def plot_predicted_exponents(axis: Axes, arrays: Arrays) -> None:
    """2 - gamma of networks along training beside the local exponents of what was measured."""
    late = arrays["epoch"] > 0
    predicted = 2 - arrays["gamma"][late][:, [0, 2, 1]]
    error_bars(axis, arrays["epoch"][late], predicted, color="black", marker="D", label=r"$2-\gamma$")
    for number, measure in enumerate(HEAD_MEASURES):
        look = {"color": f"C{number}", "marker": "os^"[number], "linestyle": ("-", "--", ":")[number], "label": measure}
        error_bars(axis, arrays["centres"], arrays[f"local_{measure.replace(' ', '_')}"], **look)
    axis.axhline(1, color="0.6", linewidth=0.8)
    axis.set(xscale="log", xlabel="epochs", ylabel="exponent", ylim=(0, 3.2))


def plot_weight_left(axis: Axes, arrays: Arrays, reads: int) -> None:
    """Weight of heads as measured, and if none regrew after the first network or one halfway; reads: of each image and update."""
    late = arrays["trials_heads_per_read"] > 0
    epochs, left = arrays["evaluated"][late], arrays["count_heads_per_read"][:, late] / arrays["trials_heads_per_read"][late]
    band(axis, epochs, left, color="C0", marker="o", label="measured")
    for place, line in ((0, "--"), (len(arrays["step"]) // 2, ":")):
        after = epochs[epochs >= arrays["epoch"][place]]
        ideal = [weight_left(run[place], (after - arrays["epoch"][place]) * reads) for run in arrays["weights"]]
        label = f"none regrow after {arrays['step'][place]:,} updates"
        axis.plot(after, np.mean(ideal, axis=0), color="0.3", linestyle=line, label=label)
    axis.set(xscale="log", yscale="log", xlabel="epochs", ylabel="weight of heads")
    axis.set_ylim(bottom=left[left > 0].min() / 3)


def plot_single_searches(arrays: Arrays) -> None:
    """Amplification step by step against its formula, and the oracle calls to find one head."""
    _, axes = plt.subplots(1, 2, figsize=(PAGE, 2.7))
    axes[0].plot(arrays["predicted"], color="0.5", label=r"$\sin^2((2m+1)\theta)$")
    axes[0].plot(arrays["simulated"], "o", color="C0", label="simulated state vector")
    axes[0].set(xlabel="steps of amplification $m$", ylabel="probability of reading a head", ylim=(-0.03, 1.22))
    axes[0].set_title("amplification, step by step")
    axes[0].legend(loc="upper right", ncols=2, fontsize=7)
    plot_searches(axes[1], arrays)
    powers = (f"$p^{{{arrays[f'power_{name}'][0]:.2f}}}$" for name in SINGLE_SEARCHES)
    axes[1].set_title(f"calls to find a head: {', '.join(powers)}")
    axes[1].legend(fontsize=7)
    label_panels(axes)


def plot_searches(axis: Axes, arrays: Arrays) -> None:
    """Oracle calls to find a head against its weight, by plain reads and by amplitude amplification, with their laws."""
    found = arrays["found"]
    for name in SINGLE_SEARCHES:
        axis.loglog(found, arrays[f"calls_{name}"], **{**SEARCH_STYLE[name], "linestyle": "none", "alpha": 0.6})
    ends = np.array([found.min(), found.max()])
    axis.loglog(ends, 1 / ends, color="0.4", linestyle="--", linewidth=0.9, label="$1/p$")
    axis.loglog(ends, 9 / 4 * ends**-0.5, color="black", linewidth=0.9, label=r"$(9/4)\,p^{-1/2}$")
    axis.set(xlabel="weight of a head $p$", ylabel="oracle calls to find it")


def plot_search_training(axis: Axes, arrays: Arrays, measure: str = "train") -> None:
    """Training error, or weight of heads, against oracle calls, when heads are found by plain reads and by Grover's search."""
    for name in SINGLE_SEARCHES:
        calls, values = arrays[f"training_{name}_calls"], arrays[f"training_{name}_{measure}"]
        floor = 1e-7 if measure == "weight" else 0.5 / float(arrays["num_train"])
        band(axis, calls[calls > 0], values[:, calls > 0], floor=floor, **SEARCH_STYLE[name])
    label = "weight of heads" if measure == "weight" else "training error"
    axis.set(xscale="log", yscale="log", xlabel="oracle calls", ylabel=label)


def plot_training_by_search(arrays: Arrays) -> None:
    """Training error and weight of heads side by side."""
    _, axes = plt.subplots(1, 2, figsize=(PAGE, 2.7))
    plot_search_training(axes[0], arrays, "train")
    plot_search_training(axes[1], arrays, "weight")
    axes[0].set_title("training error at equal effort")
    axes[1].set_title("weight of heads at equal effort")
    axes[0].legend(fontsize=7)
    label_panels(axes)


def plot_search_exponents(axis: Axes, arrays: Arrays) -> None:
    """Exponents of the weight left with each way to search, simulated and by theory, against that of plain reads."""
    alphas = arrays["alphas"]
    fine = np.linspace(min(alphas) - 0.2, max(alphas) + 0.2, 100)
    for column, search in enumerate(SEARCHES):
        style = SEARCH_STYLE[search]
        error_bars(axis, alphas, arrays["exponents"][:, column], **{**style, "linestyle": "none"})
        law = [expected_exponent(float(alpha), search) for alpha in fine]
        axis.plot(fine, law, color=style["color"], linewidth=0.8, linestyle=style["linestyle"])
    for level, line in ((ANNEALER_EXPONENT, "-"), (BACKPROP_EXPONENT, "--")):
        axis.axvline(level, color="0.6", linewidth=0.8, linestyle=line, zorder=0)
        beside: dict[str, Any] = {"rotation": 90, "ha": "right", "va": "top", "fontsize": "small"}
        axis.text(level, 1, f"paper: {level}", transform=axis.get_xaxis_transform(), **beside)
    axis.set(xlabel=r"exponent of plain reads $\alpha$", ylabel="exponent with this search")


def plot_dragons(arrays: Arrays) -> None:
    """The weight left against oracle calls for one exponent of plain reads, and the exponents for all."""
    _, axes = plt.subplots(1, 2, figsize=(PAGE, 2.8))
    for search in SEARCHES:
        left = arrays[f"left_{search}"]
        axes[0].plot(arrays["left_calls"][1:], left[1:] / left[0], **SEARCH_STYLE[search], markevery=20)
    axes[0].set(xscale="log", yscale="log", xlabel="oracle calls", ylabel="part of the weight left", ylim=(1e-5, 2))
    axes[0].set(title=rf"weight of heads left, $\alpha={float(arrays['left_alpha']):g}$")
    plot_search_exponents(axes[1], arrays)
    axes[1].set(title="exponents: theory and simulation")
    axes[0].legend(fontsize=7)
    label_panels(axes)


def cloud_message(arrays: Arrays) -> str:
    """What the cloud of exponents says, for a title."""
    if not arrays["known"].any():
        return "No choice could be fitted"
    percent = 100 * Interval(*arrays["fraction_above"].tolist()).value
    return f"annealer's larger in {percent:.0f} % of {arrays['known'].sum():,} choices"


def plot_cloud(axis: Axes, arrays: Arrays) -> None:
    """Pairs of exponents of every choice of `studies.cloud`, marked by the largest factor; the paper's pair as a star."""
    known, factor = arrays["known"], str(arrays["largest_factor"])
    x, y = arrays["backprop"][:, 0], arrays["annealer"][:, 0]
    levels = np.unique(arrays[factor][known])
    for number, level in enumerate(levels):
        rows = known & (arrays[factor] == level)
        colour = plt.get_cmap("cividis")(0.8 * number / max(len(levels) - 1, 1))
        fill = "none" if number % 2 else [colour]
        style: dict[str, Any] = {"edgecolors": [colour], "marker": "os^DvP"[number % 6], "facecolors": fill}
        axis.scatter(x[rows], y[rows], s=9, linewidths=0.7, alpha=0.8, label=str(level), **style)
    if (rows := arrays["reached"]).any():
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": "black", "linewidths": 0.8}
        axis.scatter(x[rows], y[rows], s=32, label="contains the paper's pair", **ring)
    star: dict[str, Any] = {"marker": "*", "color": "C1", "edgecolors": "black", "linewidths": 1.0, "zorder": 5}
    axis.scatter([BACKPROP_EXPONENT], [ANNEALER_EXPONENT], s=150, label="the paper", **star)
    axis.axline((0, 0), slope=1, color="0.4", linewidth=0.8, zorder=0)
    axis.set(xlabel="exponent of backpropagation", ylabel="exponent of the annealer", title=cloud_message(arrays))


def plot_shares(axis: Axes, arrays: Arrays) -> None:
    """How much of the variance of the difference of exponents each choice explains, and what is left to interactions and chance."""
    shares = dict(zip(map(str, arrays["factors"]), 100 * arrays["share_difference"], strict=True))
    varied = [(share, FACTORS[name]) for name, share in shares.items() if len(np.unique(arrays[name])) > 1]
    rows = [*sorted(varied, reverse=True), (100 - sum(shares.values()), "interactions, chance")]
    axis.barh(range(len(rows)), [share for share, _ in rows], color=["0.35"] * (len(rows) - 1) + ["0.8"], height=0.7)
    axis.set_yticks(range(len(rows)), [name for _, name in rows], fontsize=7)
    axis.invert_yaxis()
    axis.set(xlabel="share of the variance, %")


def _most(arrays: Arrays) -> str:
    """What the figures of the cloud say."""
    if not arrays["known"].any():
        return cloud_message(arrays)
    return f"Which exponent is larger depends most\non the {FACTORS[str(arrays['largest_factor'])]}"


def cloud_figure(arrays: Arrays) -> Figure:
    """The cloud, and below it what moves it."""
    figure, axes = plt.subplots(2, 1, figsize=(1.25 * COLUMN, 5.8), height_ratios=(1.8, 1))
    plot_cloud(axes[0], arrays)
    axes[0].legend(fontsize=7, loc="upper left", bbox_to_anchor=(-0.2, -0.24), ncols=2, borderaxespad=0)
    plot_shares(axes[1], arrays)
    axes[1].set_title("what changes the difference")
    figure.suptitle(_most(arrays), fontsize="medium")
    label_panels(axes)
    return figure


def scaling_figure(fits: Arrays, cloud: Arrays, searches: Arrays) -> Figure:
    """Figure 4, of the width of a column: exponents by choice, an error behind them, and what Grover's search changes."""
    with small_type():
        figure = plt.figure(figsize=(COLUMN, 6.2))
        parts: Any = figure.subfigures(2, 1, height_ratios=(1, 2.2))
        top, below = parts
        pairs, ((laws, calls), (training, theory)) = top.subplots(), below.subplots(2, 2)
        plot_cloud(pairs, cloud)
        pairs.locator_params(axis="x", nbins=5)
        small_legend(pairs, loc="upper left", bbox_to_anchor=(1, 1.06))
        plot_power_laws(laws, fits)
        small_legend(laws, loc="lower left", borderaxespad=0)
        plot_searches(calls, searches)
        plot_search_training(training, searches)
        plot_search_exponents(theory, searches)
        titles = {laws: "power laws", calls: "calls for one head", training: "training", theory: "exponents"}
        for axis, title in titles.items():
            axis.set_title(title)
        calls.set_ylabel("oracle calls")
        theory.set(xlabel="exponent, plain reads", ylabel="exponent, this search")
        for panel, ticks in ((laws, 6), (calls, 4), (training, 3)):
            for axis, most in ((panel.xaxis, ticks), (panel.yaxis, 6)):
                axis.set_major_locator(LogLocator(numticks=most))
                axis.set_major_formatter("{x:,g}")
        drawn = [zip(*axis.get_legend_handles_labels(), strict=True) for axis in (calls, theory)]
        ways = {label: handle for pair in drawn for handle, label in pair}
        below.legend(ways.values(), ways, loc="outside lower center", ncols=2, fontsize=6.5)
        figure.suptitle(_most(cloud), fontsize="large")
        label_panels((pairs, laws, calls, training, theory))
    return figure
