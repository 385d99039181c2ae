"""The dragon: one landscape known completely along training, and what a cut does to its heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qnn_core.landscape.minima import BarrierTree, barrier_tree
from qnn_core.samplers.base import Sampler, derived_seed
from studies.heads import count_cut
from studies.plots import COLOURS, PAGE, label_panels, look, small_legend, step_axis
from studies.stored import Arrays, Images, Labels, Networks, stack_rows

_DRAWN = 60
"""How many of the deepest minima of a tree are drawn."""


@dataclass(frozen=True, eq=False)
class Dragon:
    """Trees of minima of one image by the number of updates, and which of their M minima answer wrongly, (M,) each."""

    trees: Mapping[int, BarrierTree]
    wrong: Mapping[int, np.ndarray]

    @classmethod
    def of_networks(cls, networks: Networks, x: Images, label: Labels) -> Dragon:
        """The trees of one image in networks with at most 16 outputs, by step."""
        trees = {step: barrier_tree(net.problem(x)) for step, net in networks.items()}
        return cls(trees, {step: net.is_wrong(trees[step].outputs[None], label)[0] for step, net in networks.items()})

    def arrays(self) -> Arrays:
        """What is stored."""
        parts = {step: {**asdict(tree), "wrong": self.wrong[step]} for step, tree in self.trees.items()}
        named = {f"tree_{step}_{name}": values for step, tree in parts.items() for name, values in tree.items()}
        return {"moments": np.array(list(self.trees)), **named}

    def rows(self) -> list[dict[str, float | str | None]]:
        """The minima of each tree in numbers."""
        rows: list[dict[str, float | str | None]] = []
        for step, tree in self.trees.items():
            right, depths = np.flatnonzero(~self.wrong[step]), tree.depths[1:]
            rows.append(
                {
                    "updates": step,
                    "minima": len(tree.energies),
                    "of them wrong": int(self.wrong[step].sum()),
                    "place of the deepest right one": int(right[0]) + 1 if right.size else None,
                    "median depth of the others": float(np.median(depths)) if depths.size else None,
                    "states that drain into the deepest, %": 100 * float(tree.basins[0] / tree.basins.sum()),
                }
            )
        return rows

    def figure(self) -> Figure:
        """The trees side by side, with the numbers of their minima."""
        figure, _ = plt.subplots(1, len(self.trees), figsize=(PAGE, 3.0), sharey=True)
        for axis, (step, tree) in zip(figure.axes, self.trees.items(), strict=True):
            _plot_tree(axis, tree, self.wrong[step])
            axis.set_title(f"{step:,} updates, minima: {len(tree.energies):,}")
        figure.axes[0].set(ylabel="energy above the deepest minimum")
        low, high = figure.axes[0].get_ylim()
        figure.axes[0].set_ylim(min(low, -0.04 * high), max(high, 1.0))
        small_legend(figure.axes[0], loc="upper left")
        label_panels(figure.axes)
        return figure


def _plot_tree(axis: Axes, tree: BarrierTree, wrong: np.ndarray) -> None:
    """Leaves are minima at their energies above the deepest, right answers filled, wrong ones open; branches meet at passes."""
    count = len(tree.energies)
    height = (np.concatenate([tree.energies, tree.passes]) - tree.energies[0]).tolist()
    members = [[leaf] for leaf in range(count)]
    branches: list[list[int]] = []
    for pair in tree.joins.tolist():
        # The group with the deeper minimum stands on the left, so that the deepest of all is the first leaf.
        branches.append(sorted(pair, key=lambda group: min(members[group])))
        members.append([leaf for group in branches[-1] for leaf in members[group]])
    order = [leaf for leaf in members[-1] if leaf < _DRAWN]
    place = {leaf: float(position) for position, leaf in enumerate(order)}
    for group, pair in enumerate(branches, start=count):
        drawn = [one for one in pair if one in place]
        for one in drawn:
            axis.plot([place[one]] * 2, [height[one], height[group]], color="0.35", linewidth=0.8)
        if len(drawn) == 2:
            axis.plot([place[one] for one in drawn], [height[group]] * 2, color="0.35", linewidth=0.8)
        if drawn:
            place[group] = float(np.mean([place[one] for one in drawn]))
    for right, colour, fill in ((True, COLOURS[0], COLOURS[0]), (False, COLOURS[3], "white")):
        leaves = [leaf for leaf in order if wrong[leaf] != right]
        style: dict[str, Any] = {"color": colour, "markerfacecolor": fill, "markersize": 4}
        label = "right answer" if right else "wrong answer"
        axis.plot([place[leaf] for leaf in leaves], [height[leaf] for leaf in leaves], "o", label=label, **style)
    axis.set_xticks([])
    axis.spines[["top", "right", "bottom"]].set_visible(False)


def cut_once(
    networks: Networks, x: Images, labels: Labels, sampler: Sampler, reads: int, margin: float, rate: float, seed: int
) -> Arrays:
    """`count_cut` of the reads of B images in S networks, by step: step, heads, gone and new, (S,). seed: of the reads."""
    rows = []
    for step, net in networks.items():
        read = sampler.sample(net.problem(x), reads, derived_seed(seed, step))
        rows.append({"step": np.array(step), **count_cut(net, x, labels, read, margin, rate)})
    return stack_rows(rows)


def plot_cuts(cuts: Arrays) -> Figure:
    """Heads of an image, and how many vanish and appear with a cut, along training."""
    figure, axis = plt.subplots(figsize=(PAGE * 0.55, 2.7))
    labels = {"heads": "heads of an image", "gone": "vanish with a cut", "new": "appear with it"}
    for number, (name, label) in enumerate(labels.items()):
        axis.plot(cuts["step"], cuts[name], label=label, **look(number))
    axis.set(yscale="symlog", ylabel="heads, mean over images", ylim=(0, None), title="heads before and after a cut")
    step_axis(axis)
    axis.legend()
    return figure
