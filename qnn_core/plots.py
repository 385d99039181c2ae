"""Figures: one style, one palette by method, and a writer that keeps the plotted numbers beside the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from jaxtyping import Bool, Float64
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from qnn_core.exponents import AXES, Difference
from qnn_core.files import atomic_write
from qnn_core.hazards import SEARCHES, expected_exponent
from qnn_core.head_distribution import WeightLaw
from qnn_core.learning_curves import MEASURES
from qnn_core.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT
from qnn_core.results import Result, save_result
from qnn_core.scaling import MODELS
from qnn_core.statistics import Interval

if TYPE_CHECKING:
    from qnn_core.minima import BarrierTree
    from qnn_core.phase import Landscape

COLUMN = 3.4
"""Width of a journal's column, inches."""
PAGE = 7.0
"""Width of a journal's page, inches."""

_COLOURS = sns.color_palette("colorblind").as_hex()
METHOD_STYLE: dict[str, dict[str, Any]] = {
    "gibbs": {"label": "annealer (block Gibbs)", "color": _COLOURS[0], "linestyle": "-", "marker": "o"},
    "mlp": {"label": "MLP, backprop", "color": _COLOURS[3], "linestyle": "--", "marker": "s"},
    "energy": {"label": "same energy model, backprop", "color": _COLOURS[2], "linestyle": ":", "marker": "^"},
}
"""Label, colour, line and marker of each method; line and marker tell them apart without colour."""

SEARCH_STYLE: dict[str, dict[str, Any]] = {
    "reads": {"label": "plain reads", "color": _COLOURS[0], "linestyle": "--", "marker": "o"},
    "amplified": {"label": "Grover, $p$ unknown", "color": _COLOURS[4], "linestyle": "-", "marker": "D"},
    "each": {"label": "Grover, each head", "color": _COLOURS[2], "linestyle": "-", "marker": "^"},
    "together": {"label": "Grover, all together", "color": _COLOURS[4], "linestyle": "-.", "marker": "D"},
    "fixed": {"label": "Grover, fixed depth", "color": _COLOURS[3], "linestyle": ":", "marker": "s"},
}
"""The same of each way to search for heads."""


def set_style() -> None:
    """The style of every figure of the project; call once at the top of a notebook."""
    sns.set_theme(context="paper", style="ticks", palette="colorblind", font_scale=0.95)
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 300,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "legend.frameon": False,
            "legend.fontsize": "small",
            "lines.markersize": 3.5,
            "figure.constrained_layout.use": True,
            "pdf.fonttype": 42,
        }
    )


def label_panels(axes: Iterable[Axes]) -> None:
    """(a), (b), ... before the panels' titles, flush left; call it once the titles are set."""
    for letter, axis in zip("abcdefghijkl", axes, strict=False):
        title = axis.get_title()
        axis.set_title("")
        axis.set_title(f"({letter})  {title}", loc="left")


def save_figure(
    figure: Figure,
    path: str,
    data: Mapping[str, np.ndarray],
    *,
    notebook: str,
    parameters: Mapping[str, Any],
    kind: str,
    seconds: float,
    inputs: Sequence[str],
) -> None:
    """Write path.png, path.pdf, and the plotted numbers with their provenance, path.npz and path.json.

    The files carry no dates, so the same numbers give the same bytes.
    """
    for ending, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None, "Producer": None})):
        with atomic_write(path + ending) as file:
            figure.savefig(file, format=ending[1:], metadata=metadata)
    save_result(path + ".npz", data, notebook=notebook, parameters=parameters, kind=kind, seconds=seconds, inputs=inputs)


def show_images(images: np.ndarray, labels: np.ndarray, image_shape: tuple[int, int], columns: int = 10) -> Figure:
    """A grid of images with their labels; pixels in [0, 1], dark for 1."""
    rows = -(-len(images) // columns)
    height, width = image_shape[0] + 2, image_shape[1] + 2
    mosaic = np.zeros((rows * height, columns * width))
    figure, axis = plt.subplots(figsize=(PAGE, PAGE * rows * height / (columns * width)))
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        top, left = place // columns * height + 1, place % columns * width + 1
        mosaic[top : top + image_shape[0], left : left + image_shape[1]] = image.reshape(image_shape)
        axis.text(left - 0.5, top - 0.5, str(label), fontsize="small", va="top", color=_COLOURS[3], fontweight="bold")
    axis.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1)
    axis.axis("off")
    return figure


def band(
    axis: Axes, x: np.ndarray, runs: np.ndarray, method: str | None = None, floor: float | None = None, **style: Any
) -> None:
    """Mean over runs (S, T) with the range of the runs shaded; zeros are drawn at `floor` on a logarithmic axis."""
    options = {**(METHOD_STYLE[method] if method else {}), "markevery": max(1, len(x) // 12), **style}
    shown = runs if floor is None else np.maximum(runs, floor)
    axis.plot(x, shown.mean(axis=0), **options)
    axis.fill_between(x, shown.min(axis=0), shown.max(axis=0), color=options["color"], alpha=0.15, linewidth=0)


def plot_qubo(matrix: np.ndarray, layers: tuple[int, ...]) -> Figure:
    """The QUBO matrix of one image, upper triangle, with the borders of the layers."""
    figure, axis = plt.subplots(figsize=(COLUMN * 1.25, COLUMN))
    limit = np.abs(matrix - np.diag(np.diag(matrix))).max()
    image = axis.imshow(matrix, cmap="vlag", vmin=-limit, vmax=limit, interpolation="nearest")
    for border in np.cumsum(layers)[:-1]:
        axis.axhline(border - 0.5, color="0.4", linewidth=0.6)
        axis.axvline(border - 0.5, color="0.4", linewidth=0.6)
    axis.set(xlabel="binary variable", ylabel="binary variable")
    sns.despine(ax=axis, top=False, right=False)
    figure.colorbar(image, ax=axis, label="QUBO coefficient (diagonal clipped)")
    return figure


def plot_landscape(axis: Axes, view: Landscape, margin: float) -> None:
    """Energy of reads above the clamped state against overlap with it; the region of heads is shaded."""
    heads = view.wrong & (view.energy <= margin)
    groups = (
        (~view.wrong, _COLOURS[2], "^", "right"),
        (view.wrong & ~heads, "0.6", "o", "wrong, higher"),
        (heads, _COLOURS[3], "D", "heads: wrong and deep"),
    )
    counts = []
    for chosen, colour, marker, label in groups:
        style: dict[str, Any] = {"color": colour, "marker": marker, "s": 14, "linewidth": 0.3, "edgecolor": "white"}
        axis.scatter(view.overlap[chosen], view.energy[chosen], label=label, **style)
        counts.append(f"{int(chosen.sum())} {label.split(':')[0].split(',')[0]}")
    axis.text(0.03, 0.97, "\n".join(counts), transform=axis.transAxes, va="top", fontsize="x-small", color="0.3")
    low, high = axis.get_ylim()
    axis.axhspan(min(low, -1), margin, color=_COLOURS[3], alpha=0.08, linewidth=0)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.scatter([1], [0], marker="*", s=90, color="black", zorder=5, label="clamped state")
    axis.set(
        xlim=(-0.6, 1.08),
        ylim=(min(low, -1), max(high, margin + 1)),
        xlabel="overlap with the clamped state",
        ylabel="energy above the clamped state",
    )


def step_axis(axis: Axes) -> None:
    """Updates on a logarithmic axis that has room for the untrained network at 0."""
    axis.set_xscale("symlog", linthresh=1, linscale=0.4)
    axis.set_xlim(left=-0.2)
    axis.set_xlabel("updates")


def plot_phase_diagram(
    axis: Axes,
    step: np.ndarray,
    temperature: np.ndarray,
    values: np.ndarray,
    trusted: np.ndarray,
    level: float | None = 0.5,
    colours: str = "cividis",
) -> QuadMesh:
    """Values (S, T) over updates and temperature, with their contour at `level`; crosses where they are not to be trusted.

    The untrained network stands at 0.5 updates. Returns what a colour bar needs.
    """
    drawn = np.maximum(step, 0.5)
    mesh = axis.pcolormesh(drawn, temperature, values.T, cmap=colours, shading="nearest", rasterized=True)
    for x, row in zip(drawn, trusted, strict=True):
        bad = temperature[~row]
        axis.plot(np.full(len(bad), x), bad, "x", color="white", markersize=4)
    if level is not None:
        axis.contour(drawn, temperature, values.T, levels=[level], colors="white", linewidths=1.2)
    axis.set(xscale="log", yscale="log", xlabel="updates (untrained at 0.5)")
    return mesh


def plot_power_laws(axis: Axes, fits: Result, measure: str = "train") -> None:
    """Mean training error, or loss, against epochs at the largest size, each method with its power law over the common window."""
    size = largest_size(fits)
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


def largest_size(fits: Result) -> Bool[np.ndarray, " F"]:
    """Which fits belong to the largest width and, at it, the largest training set."""
    widest = fits["width"] == fits["width"].max()
    return widest & (fits["images"] == fits["images"][widest].max())


def plot_exponents(axis: Axes, fits: Result) -> None:
    """Exponents of power laws at the largest size with their intervals, by measure and axis; the paper's numbers as lines."""
    shown = [
        ("train", "epochs", "training"),
        ("train", "cuts", "training\nby cuts"),
        ("test", "epochs", "test"),
        ("heads", "epochs", "heads"),
        ("loss", "epochs", "loss"),
    ]
    size, methods = largest_size(fits), list(METHOD_STYLE)
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
    axis.set(xlim=(-0.5, len(shown) - 0.5), ylabel=r"exponent $\alpha$")
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
    axis.set(xlim=(-0.5, len(groups) - 0.5), ylabel=r"difference of $\alpha$")
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
    axis.set(xscale="log", yscale="log", xlabel="weight of a head $p$", ylabel=r"heads of an image per unit of $p$")


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


def plot_tree(axis: Axes, tree: BarrierTree, wrong: np.ndarray, shown: int = 60) -> None:
    """The tree of minima of one image: leaves are minima at their energies, right answers filled, wrong ones open; branches meet at passes.

    wrong: (M,) which minima answer wrongly. shown: how many of the deepest minima are drawn. Energies count from the deepest minimum.
    """
    count = min(shown, len(tree.energies))
    base = float(tree.energies[0])
    members: dict[int, list[int]] = {leaf: [leaf] for leaf in range(len(tree.energies))}
    height = dict(enumerate((tree.energies - base).tolist()))
    branches: list[tuple[int, int, int, float]] = []
    for number, ((left, right), level) in enumerate(zip(tree.joins.tolist(), (tree.passes - base).tolist(), strict=True)):
        group = len(tree.energies) + number
        # The group with the deeper minimum stands on the left, so that the deepest of all is the first leaf.
        deeper, other = sorted((left, right), key=lambda one: min(members[one]))
        members[group] = members[deeper] + members[other]
        height[group] = level
        branches.append((deeper, other, group, level))
    order = [leaf for leaf in (members[max(members)] if branches else [0]) if leaf < count]
    place = {leaf: float(position) for position, leaf in enumerate(order)}
    for deeper, other, group, level in branches:
        drawn = [one for one in (deeper, other) if one in place]
        for one in drawn:
            axis.plot([place[one]] * 2, [height[one], level], color="0.35", linewidth=0.8)
        if len(drawn) == 2:
            axis.plot([place[deeper], place[other]], [level, level], color="0.35", linewidth=0.8)
        if drawn:
            place[group] = float(np.mean([place[one] for one in drawn]))
    for right, fill, label in ((True, _COLOURS[0], "right answer"), (False, "white", "wrong answer")):
        leaves = [leaf for leaf in order if wrong[leaf] != right]
        axis.plot(
            [place[leaf] for leaf in leaves], [height[leaf] for leaf in leaves],
            "o", color=_COLOURS[0] if right else _COLOURS[3], markerfacecolor=fill, markersize=4, label=label,
        )  # fmt: skip
    axis.set_xticks([])
    sns.despine(ax=axis, bottom=True)
