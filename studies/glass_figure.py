"""Figure 3: from a glass to order, one message a panel."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from studies.equilibrium import PhaseDiagram
from studies.phase import Passage
from studies.plots import COLUMN, label_panels, small_legend, small_type
from studies.sizes import Sizes
from studies.starts import Starts
from studies.stored import Arrays
from studies.tables import shown


def figure_of_order(starts: Starts, passage: Passage, sizes: Sizes, diagram: PhaseDiagram) -> Figure:
    """Six panels, readable at the width of a column; titles tell what the numbers say."""
    with small_type():
        figure, ((glass, overlaps), (order, minima), (rise, melting)) = plt.subplots(3, 2, figsize=(COLUMN, 5.2))
        starts.plot_growth(glass)
        small_legend(glass)
        bare, seen = (starts.exponent(place).value for place in (0, int(starts.trained)))
        glass.set(title=rf"$\chi\sim N^{{{bare:.1f}}}$; image $N^{{{seen:.1f}}}$")
        glass.set_ylim(top=40 * glass.get_ylim()[1])
        passage.plot_overlaps(overlaps)
        small_legend(overlaps, loc="upper left", borderaxespad=0, borderpad=0.3, labelspacing=0.3)
        overlaps.set_ylim(top=20 * overlaps.get_ylim()[1])
        before, after = passage.of_images("q_ea").mean(axis=0)[[0, -1]]
        overlaps.set(title="reads agree" if after > before else "reads differ")
        passage.plot_order(order)
        first, last = passage.of_images("m").mean(axis=0)[[0, -1]]
        order.set(title=f"overlap: {first:.2f} to {last:.2f}")
        small_legend(order, loc="lower right", borderaxespad=0, borderpad=0.2, labelspacing=0.3)
        passage.plot_minima(minima)
        counted = passage.of_images("minima" if passage.exact else "distinct").mean(axis=0)
        before, after = (float(f"{count:.2g}") for count in counted[[0, -1]])
        minima.set(title=f"minima: {before:,g} to {after:,g}")
        sizes.plot_rises(rise)
        rise.set(xlabel="decades from the middle", ylabel="part of the rise", title=f"sharper with $N$? {sizes.verdict}")
        diagram.plot_melting(melting)
        melting.set_ylim(top=4 * melting.get_ylim()[1])
        melting.set(title=f"melts at $T={shown(diagram['melting_image'][:, -1].mean())}$")
        figure.suptitle("Reads gather in the right answer" if last > first else "Reads and the right answer", fontsize="large")
        label_panels(figure.axes)
        for line in (*glass.lines, *order.lines, *minima.lines, *melting.lines):
            line.set_clip_on(False)  # Marks at the ends are drawn whole.
    return figure


def plotted(starts: Starts, passage: Passage, sizes: Sizes, diagram: PhaseDiagram) -> Arrays:
    """The numbers that the figure shows."""
    images = ("m", "q_ea", "minima", "distinct")
    melting = ("melting_image", "melting_free", "random_couplings")
    return {
        **{f"start_{name}": getattr(starts, name) for name in ("spins", "drive", "temperature", "chi")},
        **{name: passage[name] for name in ("step", "bins")},
        "overlap_density": passage["overlap_density"].mean(axis=0),
        **{name: passage.of_images(name) for name in images},
        "sizes_spins": sizes.spins,
        "sizes_time": sizes.time,
        "sizes_offsets": sizes.offsets(0),
        **{f"equilibrium_{name}": diagram[name] for name in ("step", *melting)},
    }
