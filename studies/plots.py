"""Figures: one style, one palette by method, and a writer that keeps the plotted numbers beside the picture."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib.ticker import FixedLocator

if TYPE_CHECKING:
    from qnn_core.landscape.view import Landscape

COLUMN = 3.4
"""Width of a journal's column, inches."""
PAGE = 7.0
"""Width of a journal's page, inches."""

COLOURS = ["#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9"]
"""Those of seaborn's palette "colorblind"."""


class _Styles(dict[str, dict[str, Any]]):
    """A method without a style of its own gets the next look."""

    def __missing__(self, method: str) -> dict[str, Any]:
        return self.setdefault(method, {"label": method, **look(len(self))})


METHOD_STYLE = _Styles({
    "gibbs": {"label": "annealer (block Gibbs)", "color": COLOURS[0], "linestyle": "-", "marker": "o"},
    "mlp": {"label": "MLP, backprop", "color": COLOURS[3], "linestyle": "--", "marker": "s"},
    "energy": {"label": "same energy model, backprop", "color": COLOURS[2], "linestyle": ":", "marker": "^"},
    "collapsed": {"label": "collapsed", "color": COLOURS[1], "linestyle": "--", "marker": "D"},
    "exact": {"label": "exact", "color": "black", "linestyle": "-", "marker": "*"},
    "sa": {"label": "sa", "color": COLOURS[4], "linestyle": ":", "marker": "v"},
    "pia": {"label": "pia", "color": COLOURS[5], "linestyle": "-.", "marker": "<"},
    "coherent": {"label": "coherent", "color": COLOURS[8], "linestyle": "-", "marker": "P"},
    "dwave-like": {"label": "dwave-like", "color": COLOURS[9], "linestyle": "--", "marker": "X"},
    "mock": {"label": "mock", "color": COLOURS[7], "linestyle": "-.", "marker": ">"},
})  # fmt: skip
"""Label, colour, line and marker of each method and sampler; line and marker tell them apart without colour."""

OWN_STYLE: dict[str, Any] = {"label": "annealer's own answer", "color": "black", "linestyle": "-.", "marker": "D"}
"""The same of the deepest read, where it stands beside the network that it trained."""

SEARCH_STYLE: dict[str, dict[str, Any]] = {
    "reads": {"label": "plain reads", "color": "0.35", "linestyle": "--", "marker": "o"},
    "amplified": {"label": "Grover, $p$ unknown", "color": COLOURS[4], "linestyle": "-", "marker": "D"},
    "each": {"label": "Grover, each head", "color": COLOURS[5], "linestyle": "-", "marker": "^"},
    "together": {"label": "Grover, all together", "color": COLOURS[4], "linestyle": "-.", "marker": "D"},
    "fixed": {"label": "Grover, fixed depth", "color": COLOURS[1], "linestyle": ":", "marker": "s"},
}
"""The same of each way to search for heads."""


RIGHT: dict[str, Any] = {"facecolor": COLOURS[0], "edgecolor": "black", "linewidth": 0.3}
WRONG: dict[str, Any] = {"facecolor": COLOURS[1], "edgecolor": "black", "linewidth": 0.3}
"""Filled areas of right answers and of wrong ones, dark and light in grey."""


def set_style() -> None:
    """The style of every figure of the project; call once at the top of a notebook."""
    plt.rcdefaults()  # Whatever a matplotlibrc says.
    plt.style.use("seaborn-v0_8-ticks")
    paper = 0.8  # Of seaborn's sizes, as in its context of that name.
    text = 12 * paper * 0.95
    ticks = {"labelsize": 8.36, "major.size": 6 * paper, "major.width": 1.0, "minor.size": 3.2, "minor.width": 0.8}
    either: dict[Any, float] = {f"{axis}tick.{name}": size for axis in "xy" for name, size in ticks.items()}
    plt.rcParams.update(either)
    plt.rcParams.update(
        {
            "font.size": text,
            "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif"],
            "axes.prop_cycle": cycler("color", COLOURS),
            "axes.labelsize": text,
            "axes.linewidth": 1.0,
            "legend.title_fontsize": text,
            "lines.linewidth": 1.5 * paper,
            "patch.edgecolor": "w",
            "patch.force_edgecolor": True,
            "patch.linewidth": 0.8,
            "figure.dpi": 110,
            "savefig.dpi": 300,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "axes.formatter.min_exponent": 4,
            "legend.frameon": False,
            "legend.fontsize": "small",
            "lines.markersize": 3.5,
            "figure.constrained_layout.use": True,
            "pdf.fonttype": 42,
        }
    )


def small_type() -> AbstractContextManager[None]:
    """Small letters, of at least 5 points, for a figure of several panels that is one column wide."""
    return plt.rc_context(
        {"font.size": 7, "axes.titlesize": 7, "axes.labelsize": 7, "xtick.labelsize": 6.5, "ytick.labelsize": 6.5}
    )


def look(number: int) -> dict[str, Any]:
    """Colour, line and marker of a curve by its number; line and marker alone tell curves apart."""
    return {"color": f"C{number}", "linestyle": ("-", "--", "-.", ":")[number % 4], "marker": "os^Dv"[number % 5]}


def label_panels(axes: Iterable[Axes]) -> None:
    """(a), (b), ... before the panels' titles, flush left; call it once the titles are set."""
    for letter, axis in zip("abcdefghijkl", axes, strict=False):
        title = axis.get_title()
        axis.set_title("")
        axis.set_title(f"({letter})  {title}", loc="left")


def small_legend(axis: Axes, **options: Any) -> None:
    """A small legend, for the panels of a large figure."""
    axis.legend(handlelength=1.3, fontsize=6.5, **options)


def legend_below(axis: Axes, **options: Any) -> None:
    """The legend below the axis, where it hides no data."""
    axis.legend(loc="upper left", bbox_to_anchor=(0, -0.28), borderaxespad=0, **options)


def show_images(images: np.ndarray, labels: np.ndarray, image_shape: tuple[int, ...]) -> Figure:
    """Rows of ten images with their labels; pixels in [0, 1], dark for 1, or of three colours."""
    columns = 10
    rows = -(-len(images) // columns)
    height, width = image_shape[0] + 2, image_shape[1] + 2
    mosaic = np.zeros((rows * height, columns * width, *image_shape[2:]))
    figure, axis = plt.subplots(figsize=(PAGE, PAGE * rows * height / (columns * width)))
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        top, left = place // columns * height + 1, place % columns * width + 1
        mosaic[top : top + image_shape[0], left : left + image_shape[1]] = image.reshape(image_shape)
        axis.text(left - 0.5, top - 0.5, str(label), fontsize="small", va="top", color=COLOURS[3], fontweight="bold")
    axis.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1)
    axis.axis("off")
    return figure


def band(axis: Axes, x: np.ndarray, runs: np.ndarray, floor: float | np.ndarray | None = None, **style: Any) -> None:
    """Mean over runs (S, T) with the range of the runs shaded; zeros are drawn at `floor` on a logarithmic axis."""
    shown = runs if floor is None else np.maximum(runs, floor)
    axis.plot(x, shown.mean(axis=0), **{"markevery": max(1, len(x) // 12), **style})
    axis.fill_between(x, shown.min(axis=0), shown.max(axis=0), color=style["color"], alpha=0.15, linewidth=0)


def error_bars(axis: Axes, x: np.ndarray, intervals: np.ndarray, **style: Any) -> None:
    """Values with their ends, intervals (N, 3); what is NaN is left out."""
    value, low, high = np.asarray(intervals).T
    known = np.isfinite(value)
    bars = np.maximum([value - low, high - value], 0)[:, known]
    axis.errorbar(np.asarray(x)[known], value[known], bars, **{"capsize": 2, **style})


def plot_qubo(matrix: np.ndarray, layers: tuple[int, ...]) -> Figure:
    """The QUBO matrix of one image, upper triangle, with the borders of the layers."""
    import seaborn as sns

    figure, axis = plt.subplots(figsize=(COLUMN * 1.25, COLUMN))
    limit = np.abs(matrix - np.diag(np.diag(matrix))).max()
    image = axis.imshow(matrix, cmap=sns.color_palette("vlag", as_cmap=True), vmin=-limit, vmax=limit, interpolation="nearest")
    for border in np.cumsum(layers)[:-1]:
        axis.axhline(border - 0.5, color="0.4", linewidth=0.6)
        axis.axvline(border - 0.5, color="0.4", linewidth=0.6)
    axis.set(xlabel="binary variable", ylabel="binary variable")
    axis.spines[:].set_visible(True)
    figure.colorbar(image, ax=axis, label="QUBO coefficient (diagonal clipped)")
    return figure


def plot_landscape(axis: Axes, view: Landscape, margin: float) -> None:
    """Energy of reads above the clamped state against overlap with it; reads in one place are one larger point.

    margin: up to which energy a wrong read is a head; this region is shaded.
    """
    heads = view.wrong & (view.energy <= margin)
    shown = (
        (~view.wrong, COLOURS[2], "^", "right"),
        (view.wrong & ~heads, "0.6", "o", "wrong, higher"),
        (heads, COLOURS[3], "D", "heads: wrong and deep"),
    )
    counts = []
    for chosen, colour, marker, label in shown:
        style: dict[str, Any] = {"color": colour, "marker": marker, "linewidth": 0.3, "edgecolor": "white"}
        (overlap, energy), together = np.unique(np.stack([view.overlap, view.energy])[:, chosen], axis=1, return_counts=True)
        axis.scatter(overlap, energy, s=14 * np.sqrt(together), **style)
        axis.scatter([], [], s=20, label=label, **style)
        counts.append(f"{int(chosen.sum())} {label.split(':')[0].split(',')[0]}")
    beneath = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
    axis.text(0.03, 0.97, "\n".join(counts), transform=axis.transAxes, va="top", fontsize="x-small", color="0.3", bbox=beneath)
    low, high = axis.get_ylim()
    high = max(high, margin + 1)
    axis.axhspan(min(low, -1), margin, color=COLOURS[3], alpha=0.08, linewidth=0)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.scatter([1], [0], marker="*", s=90, color="black", zorder=5, label="clamped state")
    axis.set(
        xlim=(-0.6, 1.08),
        ylim=(min(low, -1), max(high, 1)),
        xlabel="overlap with the clamped state",
        ylabel="energy above the clamped state",
    )


def step_axis(axis: Axes) -> None:
    """Updates on a logarithmic axis that has room for the untrained network at 0."""
    axis.set_xscale("symlog", linthresh=1, linscale=0.4)
    axis.set_xlim(left=-0.2)
    axis.set_xlabel("updates")
    decades = [10**power for power in range(7)]
    sparse = axis.dataLim.x1 > 2000  # Else there is room for a number at each decade.
    axis.xaxis.set_major_locator(FixedLocator([0, *decades[:: 2 if sparse else 1]]))
    axis.xaxis.set_minor_locator(FixedLocator(decades[1::2] if sparse else []))
    axis.xaxis.set_major_formatter("{x:,.0f}")


def size_axis(axis: Axes, spins: np.ndarray) -> None:
    """Numbers of spins on a logarithmic axis, with a tick at each size and at no other."""
    axis.set(xscale="log", xlabel="spins $N$")
    axis.set_xticks(spins, list(map(str, spins)))
    axis.set_xticks([], minor=True)
