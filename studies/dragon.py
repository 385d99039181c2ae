"""The dragon: one landscape known completely along training, and what a cut does to its heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float32, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qnn_core.landscape.minima import BarrierTree, barrier_tree
from qnn_core.network import QNN
from qnn_core.samplers.base import Sampler, derived_seed
from studies.heads import count_cut
from studies.plots import PAGE, label_panels, look, plot_tree, small_legend, step_axis


@dataclass(frozen=True, eq=False)
class Dragon:
    """Trees of minima of one image by the number of updates, and which of their M minima answer wrongly, (M,) each."""

    trees: Mapping[int, BarrierTree]
    wrong: Mapping[int, np.ndarray]

    @classmethod
    def of_networks(cls, networks: Mapping[int, QNN], x: Float32[np.ndarray, "1 D"], label: Int64[np.ndarray, " 1"]) -> Dragon:
        """The trees of one image in networks with at most 16 outputs, by step."""
        trees = {step: barrier_tree(net.problem(x)) for step, net in networks.items()}
        return cls(trees, {step: net.is_wrong(trees[step].outputs[None], label)[0] for step, net in networks.items()})

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Dragon:
        """From what `arrays` gave."""
        moments = arrays["moments"].tolist()
        names = [field.name for field in fields(BarrierTree)]
        trees = {step: BarrierTree(**{name: arrays[f"tree_{step}_{name}"] for name in names}) for step in moments}
        return cls(trees, {step: arrays[f"tree_{step}_wrong"] for step in moments})

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored."""
        parts = {step: {**asdict(tree), "wrong": self.wrong[step]} for step, tree in self.trees.items()}
        named = {f"tree_{step}_{name}": values for step, tree in parts.items() for name, values in tree.items()}
        return {"moments": np.array(list(self.trees)), **named}

    def rows(self) -> list[dict[str, float | str | None]]:
        """What becomes of the minima."""
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

    def plot(self, axes: list[Axes]) -> None:
        """One tree an axis, with the number of its minima."""
        for axis, (step, tree) in zip(axes, self.trees.items(), strict=True):
            plot_tree(axis, tree, self.wrong[step])
            axis.set_ylim(bottom=-0.04 * axis.get_ylim()[1], top=max(axis.get_ylim()[1], 1.0))
            axis.set_title(f"{step:,} updates: {len(tree.energies)}")
        axes[0].set(ylabel="energy above the deepest")
        small_legend(axes[0], loc="upper left")

    def figure(self) -> Figure:
        """The trees side by side."""
        figure, _ = plt.subplots(1, len(self.trees), figsize=(PAGE, 3.0))
        self.plot(figure.axes)
        label_panels(figure.axes)
        return figure


def cut_once(
    networks: Mapping[int, QNN],
    x: Float32[np.ndarray, "B D"],
    labels: Int64[np.ndarray, " B"],
    sampler: Sampler,
    reads: int,
    margin: float,
    rate: float,
    seed: int,
) -> dict[str, np.ndarray]:
    """`count_cut` of the reads of B images in S networks, by step: step, heads, gone and new, (S,). seed: of the reads."""
    cuts = [
        count_cut(net, x, labels, sampler.sample(net.problem(x), reads, derived_seed(seed, step)), margin, rate)
        for step, net in networks.items()
    ]
    counts = {"heads": "before", "gone": "gone", "new": "new"}
    return {
        "step": np.array(list(networks)),
        **{name: np.array([getattr(cut, of) for cut in cuts]) for name, of in counts.items()},
    }


def plot_cuts(cuts: Mapping[str, np.ndarray]) -> Figure:
    """Heads of an image, and how many vanish and appear with a cut, along training."""
    figure, axis = plt.subplots(figsize=(PAGE * 0.55, 2.7))
    labels = {"heads": "heads of an image", "gone": "vanish with a cut", "new": "appear with it"}
    for number, (name, label) in enumerate(labels.items()):
        axis.plot(cuts["step"], cuts[name], label=label, **look(number))
    axis.set(yscale="symlog", ylabel="heads, mean over images", ylim=(0, None))
    step_axis(axis)
    axis.legend()
    return figure
