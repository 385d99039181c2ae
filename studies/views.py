"""The reads of one image before and after training, and what training makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float32, Int64
from matplotlib.figure import Figure

from qnn_core.cutting import complete
from qnn_core.landscape.view import Landscape, landscape
from qnn_core.network import QNN
from qnn_core.samplers import Sampler
from studies.plots import PAGE, label_panels, plot_landscape
from studies.tables import Table, table

AS_READ, AS_CUT = "as read", "as cut"


@dataclass(frozen=True, eq=False)
class Views:
    """Landscapes of one image by moment and way; margin: up to which energy a wrong read is a head."""

    margin: float
    views: Mapping[tuple[str, str], Landscape]

    def arrays(self) -> dict[str, np.ndarray]:
        """Each part of each view, by "<moment> <way> <part>"."""
        parts = ("overlap", "energy", "wrong", "undecided")
        stored = {f"{moment} {way} {part}": getattr(view, part) for (moment, way), view in self.views.items() for part in parts}
        return {**stored, "margin": np.array(self.margin)}

    def table(self) -> Table:
        """Counts and means of the reads."""
        return table(
            {
                f"{moment} training, {way}": {
                    "reads": len(view.energy),
                    "right": int((~view.wrong).sum()),
                    "undecided": int(view.undecided.sum()),
                    "wrong, up to the margin": int((view.wrong & (view.energy <= self.margin)).sum()),
                    "mean overlap with the target": view.overlap.mean(),
                    "mean energy above it": view.energy.mean(),
                }
                for (moment, way), view in self.views.items()
            }
        )

    def figure(self, updates: int) -> Figure:
        """Energy against overlap, a column a moment and a row a way; updates: of the training, for the title."""
        ways = list(dict.fromkeys(way for _, way in self.views))
        titles = {"before": "before training", "after": f"after {updates:,} updates"}
        figure, axes = plt.subplots(len(ways), 2, figsize=(PAGE, 0.7 + 2.6 * len(ways)), squeeze=False)
        for way, row in zip(ways, axes, strict=True):
            last = way == ways[-1]
            for axis, (moment, title) in zip(row, titles.items(), strict=True):
                plot_landscape(axis, self.views[moment, way], self.margin if last else None)
                axis.set_title(f"{title}, {way}")
                if not last:
                    axis.set_xlabel("")
            row[1].set_ylabel("")
        label_panels(axes.ravel())
        shown = [zip(*axis.get_legend_handles_labels(), strict=True) for axis in axes[:, 0]]
        named = {label: handle for pairs in shown for handle, label in pairs}
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=3)
        return figure


def view_reads(
    before: QNN,
    after: QNN,
    x: Float32[np.ndarray, "1 D"],
    label: Int64[np.ndarray, " 1"],
    sampler: Sampler,
    num_reads: int,
    seed: int,
    margin: float,
    completed: bool,
) -> Views:
    """Read one image in two networks. completed: whether training replaces each read by the code state of its class; then both are viewed."""
    views = {}
    for moment, net in (("before", before), ("after", after)):
        problem = net.problem(x)
        reads = sampler.sample(problem, num_reads, seed)
        views[moment, AS_READ] = landscape(net, x, label, reads)
        if completed:
            views[moment, AS_CUT] = landscape(net, x, label, complete(net, problem, label, reads))
    return Views(margin, views)
