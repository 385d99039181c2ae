"""Studies in thermal equilibrium: random glasses that are understood, and networks along their training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from scipy.stats import sem

from qnn_core.errors import InvalidInput
from qnn_core.ising import IsingProblem
from qnn_core.landscape.overlaps import binder, binder_error, susceptibility
from qnn_core.landscape.tempering import parallel_tempering
from qnn_core.network import QNN
from qnn_core.samplers.base import derived_seed
from qnn_core.statistics import FRACTION, UNBOUNDED, Interval, mean_interval
from studies.plots import PAGE, band, label_panels, look, plot_phase_diagram, small_legend, step_axis
from studies.stored import stack_rows


def random_glass(hidden: int, outputs: int, random: np.random.Generator) -> IsingProblem:
    """Two layers, gaussian couplings scaled to T_c = sigma (N_h N_o)^(1/4) = 1, no fields."""
    couplings = (hidden * outputs) ** -0.25 * random.standard_normal((hidden, outputs))
    return IsingProblem((hidden, outputs), np.zeros((1, hidden + outputs), np.float32), (couplings.astype(np.float32),))


@dataclass(frozen=True, eq=False)
class RandomGlasses:
    """Equilibrium of S random glasses of `sizes` = (hidden, outputs) at T temperatures in units of T_c.

    binder: Binder's cumulant. chi: N <q^2>, the susceptibility of the symmetric phase. identity: the energy divided by
    - beta sigma^2 N_h N_o (1 - [<q_h q_o>]), 1 in equilibrium. binder_error, identity_error: standard errors over samples. acceptance: of
    exchanges between neighbouring temperatures. spin_updates: spent at all temperatures.
    """

    sizes: tuple[int, int]
    temperature: Float64[np.ndarray, " T"]
    binder: Float64[np.ndarray, " T"]
    binder_error: Float64[np.ndarray, " T"]
    chi: Float64[np.ndarray, "S T"]
    identity: Float64[np.ndarray, " T"]
    identity_error: Float64[np.ndarray, " T"]
    equilibrated: Bool[np.ndarray, "S T"]
    acceptance: Float64[np.ndarray, "S T1"]
    spin_updates: Int64[np.ndarray, " S"]

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored, with the number of hidden spins in each name."""
        values = asdict(self)
        return {f"glass_{self.sizes[0]}_{name}": values[name] for name in values if name not in ("sizes", "temperature")}

    def row(self) -> dict[str, str | float]:
        """The evidence that equilibrium was reached."""
        return {
            "glasses": f"{self.sizes[0]} x {self.sizes[1]}",
            "in equilibrium by their starts, %": 100 * float(self.equilibrated.mean()),
            "least exchange": float(self.acceptance.min()),
            "energy off its identity, standard errors": float(np.abs((self.identity - 1) / self.identity_error).max()),
        }


def random_glasses(
    sizes: tuple[int, int], temperatures: Float64[np.ndarray, " T"], samples: int, sweeps: int, measurements: int, seed: int
) -> RandomGlasses:
    """Parallel tempering of `samples` random glasses; sweeps, measurements: as in `parallel_tempering`; seed: of couplings and moves."""
    hidden, outputs = sizes
    random = np.random.default_rng([seed, hidden, outputs])
    rows = []
    for sample in range(samples):
        problem = random_glass(hidden, outputs, random)
        found = parallel_tempering(
            problem, temperatures, sweeps, derived_seed(seed, hidden, sample), measurements=measurements, strict=False
        )
        q = found.overlaps["all"].astype(np.float64)
        product = found.overlaps["0"].astype(np.float64) * found.overlaps["1"]
        row: dict[str, np.ndarray] = {
            "second": (q**2).mean(axis=(0, 1, 3)),
            "fourth": (q**4).mean(axis=(0, 1, 3)),
            "energy": found.energies.mean(axis=(0, 1, 3), dtype=np.float64),
            "product": product.mean(axis=(0, 1, 3)),
            "equilibrated": found.equilibrated,
            "acceptance": found.acceptance,
            "spin_updates": np.array(sweeps * found.spins.size),
        }
        rows.append(row)
    stacked = stack_rows(rows)
    expected = -np.sqrt(hidden * outputs) / temperatures * (1 - stacked["product"])
    ratio = stacked["energy"].mean(axis=0) / expected.mean(axis=0)
    # Of a ratio of means: the scatter of numerator minus ratio times denominator.
    residual = (stacked["energy"] - ratio * expected).std(axis=0, ddof=1) / np.sqrt(samples)
    return RandomGlasses(
        sizes=sizes,
        temperature=temperatures,
        binder=binder(stacked["second"].mean(axis=0), stacked["fourth"].mean(axis=0)),
        binder_error=binder_error(stacked["second"], stacked["fourth"]),
        chi=(hidden + outputs) * stacked["second"],
        identity=ratio,
        identity_error=residual / np.abs(expected.mean(axis=0)),
        equilibrated=stacked["equilibrated"],
        acceptance=stacked["acceptance"],
        spin_updates=stacked["spin_updates"],
    )


def plot_glasses(glasses: Sequence[RandomGlasses]) -> Figure:
    """Binder's cumulant, susceptibility and the energy's identity against temperature, one curve a size."""
    figure, (cumulant, susceptible, identity) = plt.subplots(1, 3, figsize=(PAGE, 2.5))
    for number, glass in enumerate(glasses):
        style = {"capsize": 2, "label": f"{glass.sizes[0]} x {glass.sizes[1]}", **look(number)}
        cumulant.errorbar(glass.temperature, glass.binder, glass.binder_error, **style)
        susceptible.errorbar(glass.temperature, glass.chi.mean(axis=0), sem(glass.chi), **style)
        identity.errorbar(glass.temperature, glass.identity, glass.identity_error, **style)
    for axis in figure.axes:
        axis.axvline(1, color="0.5", linewidth=0.8)
        axis.set(xscale="log", xlabel="temperature $T/T_c$")
    cumulant.set(ylabel="Binder cumulant $g$")
    susceptible.set(ylabel=r"$\chi_{SG}$", yscale="log")
    identity.axhline(1, color="0.5", linewidth=0.8)
    identity.set(ylabel="energy / its identity", ylim=(0.8, 1.2))
    small_legend(cumulant)
    label_panels(figure.axes)
    return figure


def follow_equilibrium(
    networks: Mapping[int, QNN],
    x: Float32[np.ndarray, "B D"],
    temperatures: Float64[np.ndarray, " T"],
    sweeps: int,
    measurements: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Equilibrium of B images in the S networks of one training run, by step; sweeps, measurements, seed: as in `parallel_tempering`.

    Returns q, the mean |q| of two replicas, and chi, the spin-glass susceptibility, (S, T, B); energy, the mean per spin, (S, T, B);
    equilibrated (S, T); acceptance (S, T - 1); spin_updates (S,), spent at all temperatures.
    """
    rows = []
    for step, net in networks.items():
        found = parallel_tempering(
            net.problem(x), temperatures, sweeps, derived_seed(seed, step), measurements=measurements, strict=False
        )
        q, spins = found.overlaps["all"].astype(np.float64), found.num_spins["all"]
        row: dict[str, np.ndarray] = {
            "q": np.abs(q).mean(axis=(0, 3)).T,
            "chi": susceptibility(q, spins).mean(axis=0).T,
            "energy": found.energies.mean(axis=(0, 3), dtype=np.float64).T / spins,
            "equilibrated": found.equilibrated,
            "acceptance": found.acceptance,
            "spin_updates": np.array(sweeps * found.spins.size),
        }
        rows.append(row)
    return stack_rows(rows)


def glass_temperature(net: QNN) -> float:
    """Spin-glass temperature of random couplings as strong as the network's: with no structure, it would be a glass below it.

    T_c^2 is the largest eigenvalue of the tridiagonal matrix whose entries are sigma_l^2 sqrt(N_l N_{l+1}), sigma_l being the root mean
    square of the couplings between two layers of N_l and N_{l+1} spins; sigma (N_h N_o)^(1/4) for one hidden layer.
    """
    couplings = net.weights[1:]
    entries = np.array([np.mean(matrix.astype(np.float64) ** 2) * np.sqrt(matrix.size) for matrix in couplings])
    return float(np.sqrt(np.linalg.eigvalsh(np.diag(entries, 1) + np.diag(entries, -1))[-1]))


def melting_temperature(
    temperatures: Float64[np.ndarray, " T"], order: Float64[np.ndarray, "S T"], level: float = 0.5
) -> Float64[np.ndarray, " S"]:
    """Where the order last falls through `level` as the temperature rises, linear in its logarithm; NaN if it does not."""
    melting = np.full(len(order), np.nan)
    for row, values in enumerate(order):
        above = np.flatnonzero(values >= level)
        if above.size and above[-1] + 1 < len(values):
            low = above[-1]
            part = (values[low] - level) / (values[low] - values[low + 1])
            melting[row] = temperatures[low] * (temperatures[low + 1] / temperatures[low]) ** part
    return melting


def growth(steps: np.ndarray, values: Float64[np.ndarray, "R S"]) -> Interval:
    """Power kappa of values ~ steps^kappa: the slope of a straight line through the logarithms of each run, with its scatter over R runs."""
    if len(steps) < 2:
        raise InvalidInput("steps", steps, "at least two, to tell how the values grow")
    slopes = np.polyfit(np.log(steps), np.log(values).T, 1)[0]
    return mean_interval(slopes)


WAYS = {"image": "with an image", "free": "without"}
"""The fields on the hidden spins: those of an image and the biases, or the biases alone."""


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """Equilibrium of the networks along R training runs at T temperatures, with images and without.

    arrays: temperature (T,); step (S,); what `follow_equilibrium` gives with a new first axis, the run's, `image_` or `free_` before its name;
    melting_image, melting_free and random_couplings (R, S), `melting_temperature` of the mean over images and `glass_temperature`.
    """

    arrays: Mapping[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def growth(self, name: str) -> Interval | None:
        """Power of its growth along training; None where a value is missing, or there are fewer than three trained networks."""
        late = self["step"] > 0
        values = self[name][:, late]
        return growth(self["step"][late], values) if late.sum() >= 3 and np.isfinite(values).all() else None

    def evidence(self) -> dict[str, dict[str, float]]:
        """How much of the diagram is in equilibrium."""
        return {
            title: {
                "points in equilibrium by their starts, %": 100 * float(self[f"{way}_equilibrated"].mean()),
                "least exchange between neighbours": float(self[f"{way}_acceptance"].min()),
            }
            for way, title in WAYS.items()
        }

    def rows(self) -> dict[str, dict[str, Interval | str | None]]:
        """Order at the lowest temperature, melting temperatures and those of random couplings, before and after training."""
        glass, power = self["random_couplings"], "power of its growth"
        rows = {}
        for way, title in WAYS.items():
            melting = self[f"melting_{way}"]
            coldest = self[f"{way}_q"][:, :, 0].mean(axis=2)
            rows[f"<|q|> at T = {self['temperature'][0]:.2f}, {title}"] = _ends(coldest, FRACTION)
            rows[f"T_m, {title}"] = {**_ends(melting), power: self.growth(f"melting_{way}")}
            rows[f"T_m / T_c of random couplings, {title}"] = _ends(melting / glass)
        return {**rows, "T_c of random couplings": {**_ends(glass), power: self.growth("random_couplings")}}

    def plot(self, axis: Axes, way: str = "image", *, fluctuations: bool = False) -> QuadMesh:
        """Mean |q| over updates and temperature, and where it is one half; or log10 of the susceptibility. Returns what a colour bar needs."""
        values = self[f"{way}_{'chi' if fluctuations else 'q'}"].mean(axis=(0, 3))
        trusted = np.all(self[f"{way}_equilibrated"], axis=0)
        level, colours = (None, "magma") if fluctuations else (0.5, "cividis")
        values = np.log10(np.maximum(values, 0.1)) if fluctuations else values
        return plot_phase_diagram(axis, self["step"], self["temperature"], values, trusted, level, colours)

    def plot_melting(self, axis: Axes) -> None:
        """Melting temperatures, where they lie within the temperatures measured, and T_c of random couplings."""
        curves = {f"melting_{way}": f"$T_m$, {title}" for way, title in WAYS.items()}
        for number, (name, label) in enumerate({**curves, "random_couplings": "$T_c$, random couplings"}.items()):
            if np.isfinite(self[name]).all(axis=0).any():
                band(axis, self["step"], self[name], label=label, **look(number))
        step_axis(axis)
        axis.set(yscale="log", ylabel="temperature")
        axis.set_ylim(top=2 * axis.get_ylim()[1])
        small_legend(axis, loc="upper left")

    def figure(self) -> Figure:
        """Order and susceptibility, with images and without."""
        figure, axes = plt.subplots(2, 2, figsize=(PAGE, 5.2), sharex=True, sharey=True)
        for row, (way, title) in zip(axes, WAYS.items(), strict=True):
            for axis, fluctuations, label in zip(
                row, (False, True), (r"$\langle|q|\rangle$", r"$\log_{10}\chi_{SG}$"), strict=True
            ):
                figure.colorbar(self.plot(axis, way, fluctuations=fluctuations), ax=axis, label=label)
                axis.set(title=title, ylabel="temperature $T$")
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
    runs: Sequence[Mapping[int, QNN]],
    x: Float32[np.ndarray, "B D"],
    temperatures: Float64[np.ndarray, " T"],
    sweeps: int,
    measurements: int,
    seed: int,
) -> PhaseDiagram:
    """`follow_equilibrium` of each run with B images, and once more without any."""
    centre = next(iter(runs[0].values())).centre
    fields = {"image": x, "free": np.zeros_like(x[:1]) if centre is None else centre[None]}
    found = {"temperature": temperatures, "step": np.array(list(runs[0]))}
    for way, images in fields.items():
        studies = [
            follow_equilibrium(networks, images, temperatures, sweeps, measurements, seed + place)
            for place, networks in enumerate(runs)
        ]
        found |= {f"{way}_{name}": values for name, values in stack_rows(studies).items()}
        found[f"melting_{way}"] = np.stack([melting_temperature(temperatures, run) for run in found[f"{way}_q"].mean(axis=3)])
    found["random_couplings"] = np.array([[glass_temperature(net) for net in networks.values()] for networks in runs])
    return PhaseDiagram(found)
