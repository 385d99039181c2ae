"""The study of a deep network: the same training with layers sampled in different ways, and MLPs with the same layers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from tqdm import tqdm

from qnn_core.checkpoint import run_file
from qnn_core.data import Dataset
from qnn_core.history import History
from qnn_core.network import QNN
from qnn_core.samplers import Sampler
from qnn_core.statistics import PERCENT, mean_interval
from qnn_core.training import TrainingWarning, default_rate, train
from qnn_core.windows import WindowSampler
from studies.plots import COLUMN, PAGE, band, label_panels, look, small_type
from studies.searches import minimum_found
from studies.stored import Arrays, Result, layers_of
from studies.tables import Table, compared, table
from studies.training import Recipe, compare_rates, with_rule

_BASELINES: dict[str, dict[str, Any]] = {
    "mlp": {"label": "MLP of the same layers", "color": "0.4", "linestyle": ":", "marker": "^"},
    "binary": {"label": "MLP, units of ±1", "color": "black", "linestyle": "-.", "marker": "v"},
}
_WHOLE = {"label": "all layers at once", "color": "C0", "linestyle": "-", "marker": "o"}
_FEW = {"label": "two at a time", "color": "C1", "linestyle": "--", "marker": "s", "markerfacecolor": "white"}
_OTHERS = {"label": "other windows", "color": "C2", "linestyle": "none", "marker": "x"}


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with the record of its training."""

    net: QNN
    history: History


@dataclass(frozen=True)
class DeepRecipe:
    """Everything that defines a training of a deep network, except images, sampler and seed.

    hidden: spins of each hidden layer. network: options of `QNN`. training: options of `train`; a rate of None is the default one.
    pull: how much stronger the couplings to the outputs start than the others, whose scale is that of `QNN`.
    """

    hidden: tuple[int, ...]
    network: Mapping[str, Any]
    training: Mapping[str, Any]
    pull: float = 1.0

    def untrained(self, data: Dataset, seed: int) -> QNN:
        """The network at the start, its pixels measured from the mean training image."""
        centre = data.x_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        net = QNN((data.num_pixels, *self.hidden, data.num_classes), **self.network, seed=seed, centre=centre)
        net.weights[-1] *= np.float32(self.pull)
        return net

    def rate(self, net: QNN, data: Dataset) -> float:
        """The learning rate."""
        return float(self.training["lr"] or default_rate(net, data))

    def train(self, data: Dataset, sampler: Sampler, seed: int, folder: str) -> Trained:
        """Train a new network; folder: where its checkpoint is, from which a stopped training goes on."""
        net = self.untrained(data, seed)
        settings = {**self.training, "lr": self.rate(net, data), "seed": seed}
        checkpoint = run_file(folder, [settings, dict(self.network), self.pull, net.sizes, repr(sampler), data.sha256])
        with warnings.catch_warnings():
            # Which ways fail to train is what the study is about.
            warnings.simplefilter("ignore", TrainingWarning)
            return Trained(net, train(net, data, sampler, **with_rule(settings), checkpoint=str(checkpoint)))


@dataclass(frozen=True, eq=False)
class Ways:
    """Networks trained by W ways to sample the layers, and MLPs of the same layers.

    widths: layers sampled at a time. trained: by way, one per seed; the others are compared with the first. baselines: by method of
    `train_backprop`, the learning rate and the records, one per seed.
    """

    widths: list[int]
    trained: Mapping[str, list[Trained]]
    baselines: Mapping[str, tuple[float, list[History]]]

    def networks(self) -> dict[str, list[QNN]]:
        """The trained networks, by way, one per seed."""
        return {way: [run.net for run in runs] for way, runs in self.trained.items()}

    def _column(self, name: str) -> Shaped[np.ndarray, "W S T"]:
        return np.array([[getattr(run.history, name) for run in runs] for runs in self.trained.values()])

    def arrays(self) -> Arrays:
        """What is stored."""
        first = next(iter(self.trained.values()))[0]
        stored: Arrays = {}
        for method, (rate, histories) in self.baselines.items():
            stored[f"{method}_epoch"], stored[f"{method}_rate"] = np.array(histories[0].epoch), np.array(rate)
            stored[f"{method}_error"] = np.array([history.test_error for history in histories])
        return {
            "label": np.array(list(self.trained)),
            "width": np.array(self.widths),
            "layers": np.array(first.net.layers),
            "epoch": np.array(first.history.epoch),
            "test_error": self._column("test_error"),
            "train_error": self._column("train_error"),
            "own_error": self._column("own_error")[..., -1],
            "reads": self._column("reads")[:, 0, -1],
            "anneals": self._column("anneals")[..., -1],
            "num_test": np.array(first.history.num_test),
            **stored,
        }

    def table(self) -> Table:
        """Errors at the end, the difference of the first of them to the first way's, and anneals per read."""
        stored = self.arrays()
        names = list(self.trained)
        rows = compared(dict(zip(names, stored["test_error"][..., -1], strict=True)), names[0])
        per_read = (self._column("anneals") / np.maximum(self._column("reads"), 1))[..., -1].mean(axis=1)
        for row, (name, anneals) in enumerate(zip(names, per_read, strict=True)):
            own = mean_interval(100 * stored["own_error"][row], PERCENT)
            train_error = 100 * stored["train_error"][row, :, -1].mean()
            rows[name] |= {"own answer wrong, %": own, "training error, %": train_error, "anneals per read": anneals}
        for method, (rate, _) in self.baselines.items():
            error = mean_interval(100 * stored[f"{method}_error"][:, -1], PERCENT)
            rows[f"{_BASELINES[method]['label']}, rate {rate:g}"] = {"test error, %": error}
        return table(rows)

    def figure(self) -> Figure:
        """Test error and images with a head against epochs; no mistake at all is drawn as half a mistake."""
        figure, axes = plt.subplots(1, 2, figsize=(PAGE, 2.7))
        stored, heads = self.arrays(), self._column("head_fraction")
        epoch, floor = stored["epoch"][1:], 0.5 / int(stored["num_test"])
        for row, label in enumerate(self.trained):
            band(axes[0], epoch, stored["test_error"][row][:, 1:], floor=floor, label=label, **look(row))
            band(axes[1], epoch, heads[row][:, 1:], **look(row))
        for method, style in _BASELINES.items():
            band(axes[0], stored[f"{method}_epoch"][1:], stored[f"{method}_error"][:, 1:], floor=floor, **style)
        axes[0].set(xscale="log", yscale="log", xlabel="epochs", ylabel="test error")
        axes[1].set(xscale="log", xlabel="epochs", ylabel="fraction of images", ylim=(0, 1.05))
        axes[0].set_title("error of the network")
        axes[1].set_title("images with a head")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        label_panels(axes)
        return figure


def train_ways(
    ways: Mapping[str, WindowSampler], data: Dataset, recipe: DeepRecipe, rates: Sequence[float], seeds: Sequence[int], folder: str,
    progress: bool = False,
) -> Ways:  # fmt: skip
    """Train a network for each way to sample the layers and each seed, all with the same images in the same order and equal reads.

    rates: those of the MLPs to choose from. folder: where each run keeps its checkpoint, from which it goes on if it was stopped.
    """
    trained: dict[str, list[Trained]] = {way: [] for way in ways}
    for way, seed in tqdm([*product(ways, seeds)], desc="networks", disable=not progress):
        trained[way].append(recipe.train(data, ways[way], seed, folder))
    baselines = {method: train_baseline(method, data, recipe, rates, seeds) for method in _BASELINES}
    return Ways([sampler.width for sampler in ways.values()], trained, baselines)


def train_baseline(
    method: str, data: Dataset, recipe: DeepRecipe, rates: Sequence[float], seeds: Sequence[int]
) -> tuple[float, list[History]]:
    """A network of the same layers for each seed, at the rate that does best on a fifth of the training images held out."""
    options = {name: recipe.training[name] for name in ("epochs", "batch_size")}
    baseline, rate = Recipe(method, recipe.hidden, {**options, "lr": rates[0]}, {"copies": 1}, {}), rates[0]
    if len(rates) > 1:
        rate = compare_rates(baseline, data.hold_out(0.2, seeds[0]), rates, seeds[0]).chosen
    return rate, [baseline.varied(lr=rate).train(data, seed) for seed in seeds]


@dataclass(frozen=True, eq=False)
class MinimaFound:
    """How often each search finds the exact minimum of a class in a small network. found: by network, then by search, fractions."""

    found: Mapping[str, Mapping[str, float]]

    def arrays(self) -> Arrays:
        """What is stored."""
        return {"minimum_found": np.array([list(row.values()) for row in self.found.values()])}

    def table(self) -> Table:
        """Fractions in per cent."""
        rows = {name: {way: f"{found:.1%}" for way, found in row.items()} for name, row in self.found.items()}
        return table(rows, caption="the exact minimum is found by")


def minima_of_small_twin(
    data: Dataset, recipe: DeepRecipe, sampler: Sampler, seed: int, folder: str, images: int = 20
) -> MinimaFound:
    """A network of the same depth whose exact minima are known, untrained and trained on 500 images.

    Its hidden layers alternate between 24 and 8 spins. images: of the test set, each of whose classes is one question.
    """
    layers = tuple((24, 8)[layer % 2] for layer in range(len(recipe.hidden)))
    small = replace(recipe, hidden=layers, training={**recipe.training, "evaluation_images": None})
    few = data.take(min(500, len(data.y_train)), seed)
    networks = {"untrained": small.untrained(few, seed), "trained": small.train(few, sampler, seed, folder).net}
    found = {}
    for name, net in networks.items():
        searched = minimum_found(net, data.x_test[:images], sampler, 10, seed)
        found[f"{'-'.join(map(str, net.sizes))}, {name}"] = {way: float(minima.mean()) for way, minima in searched.items()}
    return MinimaFound(found)


@dataclass(frozen=True, eq=False)
class Depths:
    """Stored studies of networks of several depths, with the arrays of `Ways` and of `studies.chips.ChipNeeds`.

    In each, the first way takes all layers at once, the second is compared with it, others are further schedules.
    """

    studies: Sequence[Result]

    @property
    def _by_depth(self) -> list[Result]:
        return sorted(self.studies, key=lambda study: len(study["layers"]))

    def arrays(self) -> Arrays:
        """The numbers that `figure` plots, by layers: of each way; qubits and seconds of the first of the chips that it fits on, or NaN."""
        stored: Arrays = {}
        for study in self.studies:
            fits = study["qubits"] > 0
            first = (np.arange(len(fits)), fits.argmax(axis=1))
            qubits, seconds = (np.where(fits.any(axis=1), study[name][first], np.nan) for name in ("qubits", "qpu_seconds"))
            shown = {"error": 100 * study["test_error"][..., -1], "own": 100 * study["own_error"], "qubits": qubits}
            shown |= {"seconds": seconds, **{method: 100 * study[f"{method}_error"][:, -1] for method in _BASELINES}}
            stored |= {f"{layers_of(study)} {name}": values for name, values in shown.items()}
        return stored

    def table(self) -> Table:
        """Errors at the end, for each network and way to train it."""
        rows: list[dict[str, Any]] = []
        for study in self._by_depth:
            errors = {str(label): (study["test_error"][row], study["own_error"][row]) for row, label in enumerate(study["label"])}
            errors |= {str(style["label"]): (study[f"{method}_error"], None) for method, style in _BASELINES.items()}
            for label, (test, own) in errors.items():
                told = {"layers": layers_of(study), "sampled": label, "test error, %": mean_interval(100 * test[:, -1], PERCENT)}
                rows.append(told if own is None else {**told, "own answer wrong, %": mean_interval(100 * own, PERCENT)})
        return table(rows)

    def chips(self) -> Table:
        """Spins at once, and on each chip the qubits and modelled seconds, for each network and way to sample it."""
        rows: list[dict[str, Any]] = []
        for study in self._by_depth:
            for row, label in enumerate(study["label"]):
                rows.append({"layers": layers_of(study), "sampled": str(label), "spins at once": study["spins"][row]})
                for chip, qubits, seconds in zip(study["chip"], study["qubits"][row], study["qpu_seconds"][row], strict=True):
                    rows[-1][str(chip)] = "-" if qubits < 0 else f"{qubits:,}; {seconds:.2g} s"
        return table(rows)

    def figure(self) -> Figure:
        """Errors of the network and of the annealer itself, qubits and time, each against depth."""
        with small_type():
            figure, axes = plt.subplots(2, 2, figsize=(COLUMN, 3.9), sharex=True)
            studies, stored = self._by_depth, self.arrays()
            depths = np.array([len(study["layers"]) for study in studies])
            titles = {"error": "test error, %", "own": "own error, %", "qubits": "qubits", "seconds": "machine time, s"}
            for axis, (name, title) in zip(axes.flat, titles.items(), strict=True):
                ways = [np.reshape(stored[f"{layers_of(study)} {name}"], (len(study["label"]), -1)) for study in studies]
                others = [(depth + 0.18, way.mean()) for depth, found in zip(depths, ways, strict=True) for way in found[2:]]
                _plot_way(axis, depths - 0.06, [found[0] for found in ways], **_WHOLE)
                _plot_way(axis, depths + 0.06, [found[min(1, len(found) - 1)] for found in ways], **_FEW)
                if others:
                    axis.plot(*np.transpose(others), **_OTHERS)
                axis.set(title=title, yscale="log", xticks=depths)
                axis.yaxis.set_major_locator(
                    LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 6, 8) if name in ("error", "own") else (1, 2, 5))
                )
                axis.yaxis.set_major_formatter("{x:,g}")
                axis.yaxis.set_minor_locator(NullLocator())
            for method, style in _BASELINES.items():
                _plot_way(axes[0, 0], depths, [stored[f"{layers_of(study)} {method}"] for study in studies], **style)
            chip, capacity = str(studies[0]["chip"][0]), int(studies[0]["chip_qubits"][0])
            line = axes[1, 0].axhline(capacity, color="0.5", linewidth=0.8, label=f"all of {chip}")
            for axis in axes[1]:
                axis.set_xlabel("layers of spins")
            figure.legend(handles=[*axes[0, 0].get_legend_handles_labels()[0], line], loc="outside lower center", ncols=2)
            figure.suptitle("Two layers at a time: fewer qubits, more time", fontsize="medium")
            label_panels(axes.flat)
        return figure


def _plot_way(axis: Axes, x: np.ndarray, runs: Sequence[np.ndarray], **style: Any) -> None:
    """Mean over runs and their range."""
    mean, least, most = (np.array([end(values) for values in runs]) for end in (np.mean, np.min, np.max))
    axis.errorbar(x, mean, [mean - least, most - mean], capsize=2, elinewidth=0.8, **style)
