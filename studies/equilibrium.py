"""Networks along their training in thermal equilibrium: where they are ordered, and where they melt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from qnn_core.errors import check
from qnn_core.landscape.overlaps import susceptibility
from qnn_core.landscape.tempering import parallel_tempering
from qnn_core.network import QNN
from qnn_core.samplers.base import derived_seed
from qnn_core.statistics import FRACTION, UNBOUNDED, Interval, bootstrap_interval, mean_interval
from studies.plots import PAGE, band, label_panels, look, small_legend, step_axis
from studies.stored import Arrays, Images, Labels, Networks, stack_rows

_MOLTEN = 0.5
"""Order below which a network has melted."""


def follow_equilibrium(
    networks: Networks, x: Images, labels: Labels | None, temperatures: Float64[np.ndarray, " T"], sweeps: int, measurements: int, seed: int
) -> Arrays:  # fmt: skip
    """Equilibrium of B images in the S networks of one training run, by step; sweeps, measurements, seed: as in `parallel_tempering`.

    Returns q, the mean |q| of two replicas, m, the mean overlap with the clamped state of the right answer (NaN without labels), chi, the
    spin-glass susceptibility, and energy, the mean per spin, each (S, T, B); equilibrated (S, T); acceptance (S, T - 1); spin_updates (S,),
    spent at all temperatures.
    """
    rows = []
    for step, net in networks.items():
        found = parallel_tempering(
            net.problem(x), temperatures, sweeps, derived_seed(seed, step), measurements=measurements, strict=False,
            target=None if labels is None else net.clamped(x, labels),
        )  # fmt: skip
        q, spins = found.overlaps["all"].astype(np.float64), found.num_spins["all"]
        rows.append(
            {
                "q": np.abs(q).mean(axis=(0, 3)).T,
                "m": found.alignment.mean(axis=(0, 3), dtype=np.float64).T,
                "chi": susceptibility(q, spins).mean(axis=0).T,
                "energy": found.energies.mean(axis=(0, 3), dtype=np.float64).T / spins,
                "equilibrated": found.equilibrated,
                "acceptance": found.acceptance,
                "spin_updates": np.array(found.spin_updates),
            }
        )
    return stack_rows(rows)


def glass_temperature(net: QNN) -> float:
    """Spin-glass temperature of random couplings as strong as the network's: a network without structure would be a glass below it.

    T_c^2 is the largest eigenvalue of the tridiagonal matrix whose entries are sigma_l^2 sqrt(N_l N_{l+1}), sigma_l being the root mean
    square of the couplings between two layers of N_l and N_{l+1} spins; sigma (N_h N_o)^(1/4) for one hidden layer.
    """
    entries = np.array([np.mean(matrix.astype(np.float64) ** 2) * np.sqrt(matrix.size) for matrix in net.weights[1:]])
    return float(np.sqrt(np.linalg.eigvalsh(np.diag(entries, 1) + np.diag(entries, -1))[-1]))


def melting_temperature(temperatures: Float64[np.ndarray, " T"], order: Float64[np.ndarray, "S T"]) -> Float64[np.ndarray, " S"]:
    """Where the order last falls through one half as the temperature rises, linear in its logarithm; NaN if it does not."""
    melting = np.full(len(order), np.nan)
    for row, values in enumerate(order):
        above = np.flatnonzero(values >= _MOLTEN)
        if above.size and above[-1] + 1 < len(values):
            low = above[-1]
            part = (values[low] - _MOLTEN) / (values[low] - values[low + 1])
            melting[row] = temperatures[low] * (temperatures[low + 1] / temperatures[low]) ** part
    return melting


def growth(steps: np.ndarray, values: Float64[np.ndarray, "R S"]) -> Interval:
    """Power kappa of values ~ steps^kappa: the slope of a straight line through the logarithms of each run, with its scatter over R runs."""
    check(len(steps) >= 2, "steps", steps, "at least two, to tell how the values grow")
    return mean_interval(np.polyfit(np.log(steps), np.log(values).T, 1)[0])


WAYS = {"image": "with an image", "free": "without an image"}
"""The fields on the hidden spins: those of an image and the biases, or the biases alone."""


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """Equilibrium of the networks along R training runs at T temperatures, with images and without.

    arrays: temperature (T,); step (S,); what `follow_equilibrium` gives with a new first axis, the run's, `image_` or `free_` before its name;
    melting_image, melting_free and random_couplings (R, S), `melting_temperature` of the mean over images and `glass_temperature`.
    """

    arrays: Arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def stored(self) -> Arrays:
        """What is stored: all arrays, and the order towards the right answer at the lowest temperature before and after training."""
        return {**self.arrays, "order_start": np.array(self.order(0)), "order_end": np.array(self.order(-1))}

    def order(self, place: int) -> Interval:
        """m of one network, by its place, at the lowest temperature, with an image; the interval is a bootstrap over runs and images."""
        return bootstrap_interval(self["image_m"][:, place, 0], 0, bounds=(-np.inf, 1.0))

    def growth(self, name: str) -> Interval | None:
        """Power of its growth along training; None where a value is missing, or there are fewer than three trained networks."""
        late = self["step"] > 0
        values = self[name][:, late]
        return growth(self["step"][late], values) if late.sum() >= 3 and np.isfinite(values).all() else None

    def evidence(self) -> dict[str, dict[str, float]]:
        """How much of the diagram is in equilibrium."""
        return {
            title: {
                "points in equilibrium (hot and cold starts agree), %": 100 * float(self[f"{way}_equilibrated"].mean()),
                "lowest exchange rate between neighbours": float(self[f"{way}_acceptance"].min()),
            }
            for way, title in WAYS.items()
        }

    def rows(self) -> dict[str, dict[str, Interval | str | None]]:
        """Order at the lowest temperature, melting temperatures and those of random couplings, before and after training."""
        glass, power, coldest = self["random_couplings"], "growth exponent", f"T = {self['temperature'][0]:.2f}"
        ends: dict[str, Interval | str | None] = {"before training": self.order(0), "after": self.order(-1)}
        rows = {f"m at {coldest}, with an image": ends}
        for way, title in WAYS.items():
            melting = self[f"melting_{way}"]
            rows[f"<|q|> at {coldest}, {title}"] = _ends(self[f"{way}_q"][:, :, 0].mean(axis=2), FRACTION)
            rows[f"T_m, {title}"] = {**_ends(melting), power: self.growth(f"melting_{way}")}
            rows[f"T_m / T_c of random couplings, {title}"] = _ends(melting / glass)
        return {**rows, "T_c of random couplings": {**_ends(glass), power: self.growth("random_couplings")}}

    def _plot(self, axis: Axes, way: str, fluctuations: bool) -> QuadMesh:
        """Mean |q| over updates and temperature, and where it is one half; or log10 of the susceptibility.

        Crosses stand where the networks are not in equilibrium, the untrained one at 0.5 updates. Returns what a colour bar needs.
        """
        values = self[f"{way}_{'chi' if fluctuations else 'q'}"].mean(axis=(0, 3))
        values = np.log10(np.maximum(values, 0.1)) if fluctuations else values
        step, temperature, colours = np.maximum(self["step"], 0.5), self["temperature"], "magma" if fluctuations else "cividis"
        mesh = axis.pcolormesh(step, temperature, values.T, cmap=colours, shading="nearest", rasterized=True)
        for x, trusted in zip(step, np.all(self[f"{way}_equilibrated"], axis=0), strict=True):
            bad = temperature[~trusted]
            axis.plot(np.full(len(bad), x), bad, "x", color="white", markersize=4)
        if not fluctuations:
            axis.contour(step, temperature, values.T, levels=[_MOLTEN], colors="white", linewidths=1.2)
        axis.set(xscale="log", yscale="log", xlabel="updates (untrained at 0.5)")
        return mesh

    def plot_melting(self, axis: Axes) -> None:
        """Melting temperatures, where they lie within the temperatures measured, and T_c of random couplings."""
        curves = {f"melting_{way}": title for way, title in WAYS.items()}
        for number, (name, label) in enumerate({**curves, "random_couplings": "random couplings"}.items()):
            if np.isfinite(self[name]).all(axis=0).any():
                band(axis, self["step"], self[name], label=label, **look(number))
        step_axis(axis)
        axis.set(yscale="log", ylabel="melting temperature")
        axis.set_ylim(top=7 * axis.get_ylim()[1])
        small_legend(axis, loc="upper left")

    def figure(self) -> Figure:
        """Order and susceptibility, with images and without."""
        figure, axes = plt.subplots(2, 2, figsize=(PAGE, 5.2), sharex=True, sharey=True)
        for row, (way, title) in zip(axes, WAYS.items(), strict=True):
            labels = (r"$\langle|q|\rangle$", r"$\log_{10}\chi_{SG}$")
            for axis, fluctuations, label in zip(row, (False, True), labels, strict=True):
                figure.colorbar(self._plot(axis, way, fluctuations), ax=axis, label=label)
                axis.set(title=f"{'fluctuations' if fluctuations else 'order'}, {title}", ylabel="temperature $T$")
                axis.label_outer()
        label_panels(axes.ravel())
        return figure


def _ends(values: Float64[np.ndarray, "R S"], bounds: tuple[float, float] = UNBOUNDED) -> dict[str, Interval | str | None]:
    ends = {"before training": values[:, 0], "after": values[:, -1]}
    return {
        when: mean_interval(runs, bounds) if np.isfinite(runs).all() else "outside the temperatures"
        for when, runs in ends.items()
    }


def phase_diagram(
    runs: Sequence[Networks], x: Images, labels: Labels, temperatures: Float64[np.ndarray, " T"], sweeps: int, measurements: int, seed: int
) -> PhaseDiagram:  # fmt: skip
    """`follow_equilibrium` of each run with B images, and once more without any."""
    centre = next(iter(runs[0].values())).centre
    fields = {"image": (x, labels), "free": (np.zeros_like(x[:1]) if centre is None else centre[None], None)}
    found = {"temperature": temperatures, "step": np.array(list(runs[0]))}
    for way, images in fields.items():
        studies = [
            follow_equilibrium(networks, *images, temperatures, sweeps, measurements, seed + place)
            for place, networks in enumerate(runs)
        ]
        found |= {f"{way}_{name}": values for name, values in stack_rows(studies).items()}
        found[f"melting_{way}"] = np.stack([melting_temperature(temperatures, run) for run in found[f"{way}_q"].mean(axis=3)])
    found["random_couplings"] = np.array([[glass_temperature(net) for net in networks.values()] for networks in runs])
    return PhaseDiagram(found)
