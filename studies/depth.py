"""The study of a deep network: the same training with the layers sampled in different ways, beside an MLP of the same layers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

from qnn_core.backprop import train_backprop
from qnn_core.checkpoint import run_file
from qnn_core.data import Dataset
from qnn_core.history import History
from qnn_core.network import QNN
from qnn_core.samplers import Sampler
from qnn_core.statistics import FRACTION, PERCENT, mean_interval
from qnn_core.training import TrainingWarning, default_rate, train
from qnn_core.windows import WindowSampler
from studies.plots import METHOD_STYLE, PAGE, band, label_panels
from studies.searches import minimum_found
from studies.stored import Result
from studies.tables import Table, compared, table
from studies.training import with_rule

_LINES, _MARKERS = ("-", "-.", ":", "--"), "oDv^sP"
_MLP = {**METHOD_STYLE["mlp"], "label": "MLP of the same depth, backprop", "color": "0.4"}


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with the record of its training."""

    net: QNN
    history: History


@dataclass(frozen=True)
class DeepRecipe:
    """A training of a deep network, all of it but images, sampler and seed.

    hidden: spins of each hidden layer. network: options of `QNN`. training: options of `train`; a rate of None is the default one.
    """

    hidden: tuple[int, ...]
    network: Mapping[str, Any]
    training: Mapping[str, Any]

    def untrained(self, data: Dataset, seed: int) -> QNN:
        """The network at the start, its pixels measured from the mean training image."""
        centre = data.x_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        return QNN((data.num_pixels, *self.hidden, data.num_classes), **self.network, seed=seed, centre=centre)

    def rate(self, net: QNN, data: Dataset) -> float:
        """The learning rate."""
        return float(self.training["lr"] or default_rate(net, data))

    def train(self, data: Dataset, sampler: Sampler, seed: int, folder: str) -> Trained:
        """Train a new network; folder: where its checkpoint is, from which a stopped training goes on."""
        net = self.untrained(data, seed)
        settings = {**self.training, "lr": self.rate(net, data), "seed": seed}
        checkpoint = run_file(folder, [settings, dict(self.network), net.sizes, repr(sampler), data.sha256])
        with warnings.catch_warnings():
            # Which ways fail to train is what the study is about.
            warnings.simplefilter("ignore", TrainingWarning)
            return Trained(net, train(net, data, sampler, **with_rule(settings), checkpoint=str(checkpoint)))


@dataclass(frozen=True, eq=False)
class Ways:
    """Networks trained by W ways to sample the layers, and MLPs of the same layers.

    widths: layers sampled at a time. trained: by way, one a seed; the others are compared with the first. mlp: one a seed, at `mlp_rate`.
    """

    widths: list[int]
    trained: Mapping[str, list[Trained]]
    mlp_rate: float
    mlp: list[History]

    def networks(self) -> dict[str, list[QNN]]:
        """The trained networks, by way, one a seed."""
        return {way: [run.net for run in runs] for way, runs in self.trained.items()}

    def _of_runs(self, name: str) -> Shaped[np.ndarray, "W S T"]:
        return np.array([[getattr(run.history, name) for run in runs] for runs in self.trained.values()])

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored."""
        first = next(iter(self.trained.values()))[0]
        return {
            "label": np.array(list(self.trained)),
            "width": np.array(self.widths),
            "layers": np.array(first.net.layers),
            "epoch": np.array(first.history.epoch),
            "test_error": self._of_runs("test_error"),
            "train_error": self._of_runs("train_error"),
            "reads": self._of_runs("reads")[:, 0, -1],
            "anneals": self._of_runs("anneals")[..., -1],
            "num_test": np.array(first.history.num_test),
            "mlp_epoch": np.array(self.mlp[0].epoch),
            "mlp_error": np.array([history.test_error for history in self.mlp]),
            "mlp_rate": np.array(self.mlp_rate),
        }

    def table(self) -> Table:
        """Errors at the end, their difference to the first way's, and anneals of a read."""
        stored = self.arrays()
        names = list(self.trained)
        rows = compared(dict(zip(names, stored["test_error"][..., -1], strict=True)), names[0])
        per_read = (self._of_runs("anneals") / np.maximum(self._of_runs("reads"), 1))[..., -1].mean(axis=1)
        for name, train_error, anneals in zip(names, stored["train_error"][..., -1], per_read, strict=True):
            rows[name] |= {"training error, %": 100 * train_error.mean(), "anneals a read": anneals}
        mlp = mean_interval(100 * stored["mlp_error"][:, -1], PERCENT)
        return table({**rows, f"MLP, rate {self.mlp_rate:g}": {"test error, %": mlp}})

    def figure(self) -> Figure:
        """Test error and images with a head against epochs."""
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 2.7))
        stored, heads = self.arrays(), self._of_runs("head_fraction")
        plot_errors(axes[0], stored)
        for row, runs in enumerate(heads):
            band(axes[1], stored["epoch"][1:], runs[:, 1:], **_style(row))
        axes[1].set(xscale="log", xlabel="epochs", ylabel="images with a head", ylim=(0, 1.05))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        label_panels(axes)
        return figure


def train_ways(
    ways: Mapping[str, WindowSampler],
    data: Dataset,
    recipe: DeepRecipe,
    mlp_rates: Sequence[float],
    seeds: Sequence[int],
    folder: str,
    progress: bool = False,
) -> Ways:
    """Train a network for each way to sample the layers and each seed, all with the same images in the same order and equal reads.

    mlp_rates: those of the MLP to choose from. folder: where each run keeps its checkpoint, from which it goes on if it was stopped.
    """
    runs = [(way, seed) for way in ways for seed in seeds]
    trained: dict[str, list[Trained]] = {way: [] for way in ways}
    for way, seed in tqdm(runs, desc="networks", disable=not progress):
        trained[way].append(recipe.train(data, ways[way], seed, folder))
    return Ways([sampler.width for sampler in ways.values()], trained, *train_mlp(data, recipe, mlp_rates, seeds))


def train_mlp(data: Dataset, recipe: DeepRecipe, rates: Sequence[float], seeds: Sequence[int]) -> tuple[float, list[History]]:
    """An MLP of the same depth for each seed, at the rate that does best on a fifth of the training images held out."""
    epochs, batch_size = (recipe.training[name] for name in ("epochs", "batch_size"))

    def run(images: Dataset, lr: float, seed: int) -> History:
        return train_backprop("mlp", images, recipe.hidden, epochs, lr, batch_size, seed, optimiser="adam")

    split = data.hold_out(0.2, seeds[0])
    chosen = min(rates, key=lambda lr: run(split, lr, seeds[0]).test_error[-1]) if len(rates) > 1 else rates[0]
    return chosen, [run(data, chosen, seed) for seed in seeds]


@dataclass(frozen=True, eq=False)
class MinimaFound:
    """How often each search finds the exact minimum of a class in a small network. found: by network, then by search, fractions."""

    found: Mapping[str, Mapping[str, float]]

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored."""
        return {"minimum_found": np.array([list(row.values()) for row in self.found.values()])}

    def table(self) -> Table:
        """Fractions in per cent."""
        rows = {name: {way: f"{found:.1%}" for way, found in row.items()} for name, row in self.found.items()}
        return table(rows, caption="the exact minimum is found by")


def minima_of_small_twin(
    data: Dataset, recipe: DeepRecipe, sampler: Sampler, seed: int, folder: str, images: int = 20, num_reads: int = 10
) -> MinimaFound:
    """A network of the same depth whose exact minima are known, untrained and trained on 500 images.

    Its hidden layers alternate between 24 and 8 spins. images: of the test set, each of whose classes is one question.
    """
    layers = tuple((24, 8)[layer % 2] for layer in range(len(recipe.hidden)))
    small = DeepRecipe(layers, recipe.network, {**recipe.training, "evaluation_images": None})
    few = data.take(min(500, len(data.y_train)), seed)
    networks = {"untrained": small.untrained(few, seed), "trained": small.train(few, sampler, seed, folder).net}
    return MinimaFound(
        {
            f"{'-'.join(map(str, net.sizes))}, {name}": {
                way: float(found.mean())
                for way, found in minimum_found(net, data.x_test[:images], sampler, num_reads, seed).items()
            }
            for name, net in networks.items()
        }
    )


def _style(row: int) -> dict[str, Any]:
    return {"color": f"C{row}", "linestyle": _LINES[row % 4], "marker": _MARKERS[row % 6]}


def plot_errors(axis: Axes, study: Result | Mapping[str, np.ndarray]) -> None:
    """Test error of every way and of the MLP against epochs, no mistake at all drawn as half a mistake; study: with the arrays of `Ways`."""
    floor = 0.5 / int(study["num_test"])
    for row, label in enumerate(study["label"]):
        band(axis, study["epoch"][1:], study["test_error"][row][:, 1:], floor=floor, label=str(label), **_style(row))
    band(axis, study["mlp_epoch"][1:], study["mlp_error"][:, 1:], floor=floor, **_MLP)
    axis.set(xscale="log", yscale="log", xlabel="epochs", ylabel="test error")


@dataclass(frozen=True, eq=False)
class Depths:
    """Stored studies of networks of several depths, with the arrays of `Ways` and of `studies.chips.ChipNeeds`."""

    studies: Sequence[Result]

    def _named(self) -> dict[str, Result]:
        return {"-".join(map(str, study["layers"])): study for study in self.studies}

    def arrays(self) -> dict[str, np.ndarray]:
        """The numbers that `figure` plots."""
        stored = {}
        for layers, study in self._named().items():
            stored[f"{layers} error"] = study["test_error"][:, :, -1]
            stored[f"{layers} qubits"], stored[f"{layers} mlp"] = study["qubits"], study["mlp_error"][:, -1]
        return stored

    def table(self) -> Table:
        """Error at the end, spins at once and qubits, for each network and way to sample it."""
        rows: list[dict[str, Any]] = []
        for layers, study in self._named().items():
            for row, label in enumerate(study["label"]):
                error = mean_interval(100 * study["test_error"][row, :, -1], PERCENT)
                fits = {str(chip): int(count) for chip, count in zip(study["chip"], study["qubits"][row], strict=True)}
                qubits = {f"qubits, {chip}": "does not fit" if count < 0 else f"{count:,}" for chip, count in fits.items()}
                rows.append(
                    {"layers": layers, "sampled": str(label), "test error, %": error, "spins at once": study["spins"][row]}
                    | qubits
                )
            rows.append(
                {"layers": layers, "sampled": "MLP", "test error, %": mean_interval(100 * study["mlp_error"][:, -1], PERCENT)}
            )
        return table(rows)

    def figure(self) -> Figure:
        """Error of the first study against epochs, and of all at the end against qubits."""
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 3.4))
        first = self.studies[0]
        plot_errors(axes[0], first)
        axes[0].set_title("-".join(map(str, first["layers"])) + " spins")
        axes[0].legend(loc="upper center", bbox_to_anchor=(0.45, -0.22), ncols=1)
        for number, (layers, study) in enumerate(self._named().items()):
            _plot_against_qubits(axes[1], study, layers, number, aside=1.05 ** (number - len(self.studies) / 2))
        capacity = int(first["chip_qubits"][0])
        axes[1].axvline(capacity, color="0.5", linewidth=0.8)
        beside: dict[str, Any] = {"ha": "right", "va": "top", "rotation": 90, "fontsize": "x-small", "color": "0.4"}
        axes[1].text(capacity, 0.98, f" {first['chip'][0]} ", transform=axes[1].get_xaxis_transform(), **beside)
        axes[1].set(xscale="log", yscale="log", xlabel="qubits of the largest problem", ylabel="test error at the end")
        axes[1].set_title("error against qubits")
        axes[1].legend(title="spins of the layers; lines: MLP", loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
        label_panels(axes)
        return figure


def _plot_against_qubits(axis: Axes, study: Result, layers: str, number: int, aside: float) -> None:
    """One point a way, on the first of the chips that it fits on; filled for all layers at once. aside: factor that moves the points."""
    fits = study["qubits"] > 0
    placed = np.flatnonzero(fits.any(axis=1))
    qubits = aside * study["qubits"][placed, fits[placed].argmax(axis=1)]
    ends = [mean_interval(study["test_error"][row, :, -1], FRACTION) for row in placed]
    values = np.array([end.value for end in ends])
    bars = np.array([[end.value - max(end.low, 0.2 * end.value), end.high - end.value] for end in ends]).reshape(-1, 2).T
    style: dict[str, Any] = {"capsize": 2, "elinewidth": 0.8, **_style(number), "linestyle": "none"}
    whole = study["width"][placed] == len(study["layers"])
    for shown, filled in ((whole, {"label": layers}), (~whole, {"markerfacecolor": "white"})):
        axis.errorbar(qubits[shown], values[shown], bars[:, shown], **{**style, **filled})
    mlp = mean_interval(study["mlp_error"][:, -1], FRACTION)
    axis.axhline(mlp.value, color=f"C{number}", linestyle=_LINES[number % 4], linewidth=0.8, alpha=0.7)
