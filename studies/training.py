"""Trainings by any method: how one is made, which rate suits it, and pictures of what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

import qnn_core
from qnn_core.data import Dataset
from qnn_core.errors import InvalidInput
from qnn_core.history import History
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN
from qnn_core.rules import Rule
from qnn_core.samplers import Sampler, get_sampler
from qnn_core.statistics import PERCENT, difference_interval, mean_interval
from qnn_core.training import train
from studies.plots import COLUMN, METHOD_STYLE, OWN_STYLE, PAGE, band, label_panels, legend_below, small_legend, step_axis
from studies.stored import Arrays, Images, Result, stack
from studies.tables import Table, table

BASELINES = ("mlp", "binary", "energy")


def with_rule(training: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `train`, those of its rule gathered in one `Rule`; training: any of them side by side, `rule` the rule's name."""
    given = {"name" if name == "rule" else name: value for name, value in training.items()}
    named = {field.name: given.pop(field.name) for field in fields(Rule) if field.name in given}
    return {**given, "rule": Rule(**named)}


@dataclass(frozen=True)
class Recipe:
    """Everything that defines a training, except its images and seed.

    method: a sampler by name, or a baseline of `train_backprop`. hidden: spins or units of each hidden layer. training: see `with_rule`,
    of which a baseline takes those that `train_backprop` has. network: options of `QNN`. annealing: options of the
    sampler. centred: whether pixels are measured from the mean training image.
    """

    method: str
    hidden: tuple[int, ...]
    training: Mapping[str, Any]
    network: Mapping[str, Any]
    annealing: Mapping[str, Any]
    centred: bool = True

    @property
    def sampler(self) -> Sampler:
        """A new sampler."""
        return get_sampler(self.method, **self.annealing)

    @property
    def kind(self) -> str:
        """What makes the updates, in words that results repeat."""
        return "backpropagation" if self.method in BASELINES else self.sampler.kind

    def varied(self, **changes: Any) -> Recipe:
        """The same with some of the options changed, each of which must be one already; raises InvalidInput for others."""
        parts: dict[str, dict[str, Any]] = {name: dict(getattr(self, name)) for name in ("training", "network", "annealing")}
        for name, value in changes.items():
            owner = next((part for part in parts.values() if name in part), None)
            if owner is None:
                raise InvalidInput("option", f"{name} = {value!r}", f"one of {', '.join(sorted(set().union(*parts.values())))}")
            owner[name] = value
        return Recipe(self.method, self.hidden, **parts, centred=self.centred)

    def untrained(self, data: Dataset, seed: int) -> QNN:
        """The network that the training starts from."""
        sizes = (data.num_pixels, *self.hidden, data.num_classes)
        return QNN(sizes, **self.network, seed=seed, centre=data.x_train.mean(axis=0) if self.centred else None)

    def train(self, data: Dataset, seed: int, net: QNN | None = None, **options: Any) -> History:
        """Train a new network, or `net` in place, which is `untrained`; options: others of `train`, as snapshots, none for a baseline."""
        if self.method not in BASELINES:
            net = self.untrained(data, seed) if net is None else net
            return train(net, data, self.sampler, **with_rule(self.training), seed=seed, **options)
        taken = ("epochs", "batch_size", "lr", "optimiser", "schedule", "averaged", "evaluations", "evaluation_images")
        shared: dict[str, Any] = {"optimiser": "adam", **{name: self.training[name] for name in taken if name in self.training}}
        shared |= {"seed": seed, "copies": self.network["copies"]}
        return qnn_core.train_backprop(self.method, data, self.hidden, **shared, **options)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Run:
    """A training: its history, and the error of the annealer's own answers to held-out images at its end."""

    history: History
    own_error: float

    @property
    def error(self) -> float:
        """The network's error."""
        return float(self.history.test_error[-1])


def end_of(runs: Mapping[Any, list[Run]], name: str) -> dict[Any, Float64[np.ndarray, " S"]]:
    """The "error" or "own_error" of runs, one a seed."""
    return {variant: np.array([getattr(run, name) for run in of_it]) for variant, of_it in runs.items()}


@dataclass(frozen=True, eq=False)
class RateSearch:
    """The outcome of training at K learning rates. mistakes: (K,) of `num_validation` images that were held out of the training set."""

    method: str
    rates: Float64[np.ndarray, " K"]
    mistakes: Int64[np.ndarray, " K"]
    num_validation: int

    @property
    def best(self) -> int:
        """Index of the rate with the fewest mistakes, the smallest of equal ones."""
        return int(np.lexsort((self.rates, self.mistakes))[0])

    @property
    def chosen(self) -> float:
        """That rate."""
        return float(self.rates[self.best])

    @property
    def at_edge(self) -> bool:
        """Whether a better rate may lie beyond those tried."""
        return len(self.rates) > 1 and self.chosen in (self.rates.min(), self.rates.max())

    def arrays(self) -> Arrays:
        """What is stored."""
        numbers = {"num_validation": np.array(self.num_validation), "chosen": np.array(self.chosen)}
        return {"rates": self.rates, "mistakes": self.mistakes, **numbers}

    def table(self) -> Table:
        """Mistakes by rate."""
        edge = "chosen, at the edge of the rates tried" if self.at_edge else "chosen"
        heading = f"mistakes of {self.num_validation:,} validation images"
        rows = enumerate(zip(self.rates.tolist(), self.mistakes.tolist(), strict=True))
        return table([{"rate": rate, heading: count, "": edge if place == self.best else ""} for place, (rate, count) in rows])

    def figure(self) -> Figure:
        """Validation error against rate, with one binomial standard deviation."""
        figure, axis = plt.subplots(figsize=(COLUMN, 2.1))
        error = self.mistakes / self.num_validation
        deviation = np.sqrt(error * (1 - error) / self.num_validation)
        axis.errorbar(self.rates, error, deviation, **METHOD_STYLE[self.method], capsize=2)
        axis.scatter([self.chosen], [error[self.best]], s=80, facecolor="none", edgecolor="black", zorder=4, label="chosen")
        axis.set(xscale="log", xlabel="learning rate", ylabel="validation error")
        axis.set_xticks(self.rates, [f"{rate:g}" for rate in self.rates])
        axis.minorticks_off()
        axis.set_ylim(bottom=0)
        axis.legend()
        return figure


def compare_rates(recipe: Recipe, data: Dataset, rates: Iterable[float], seed: int) -> RateSearch:
    """Train once at every rate; data: its test part is the validation images."""
    tried = list(rates)
    mistakes = [recipe.varied(lr=rate).train(data, seed).test_mistakes[-1] for rate in tried]
    return RateSearch(recipe.method, np.array(tried, np.float64), np.array(mistakes), len(data.y_test))


def setup(data: Dataset, net: QNN, counted: str = "test images", **further: Any) -> Table:
    """What is trained on what; counted: what the test part of `data` is; further: other things to tell, by name, underscores for spaces."""
    return table(
        {
            "data": data.name,
            "training images": len(data.y_train),
            counted: len(data.y_test),
            "inputs - hidden - classes": " - ".join(map(str, net.sizes)),
            "output spins of each class": net.copies,
            "spins": sum(net.layers),
            **{name.replace("_", " "): value for name, value in further.items()},
        }
    )


def qubo(problem: IsingProblem, image: int) -> tuple[Float64[np.ndarray, "N N"], float]:
    """The upper triangular matrix Q and the constant c of one image: E = z'Qz + c for z = (1 + s) / 2."""
    entries, constant = problem.to_bqm(image).to_qubo()
    matrix = np.zeros((problem.num_spins, problem.num_spins))
    for place, value in entries.items():
        matrix[min(place), max(place)] = value
    return matrix, float(constant)


def outcome(history: History) -> Table:
    """Where a training ended, and the reads that it took."""
    rows: dict[str, Any] = {}
    for name, part in (("training", "train"), ("test", "test")):
        mistakes, error, images = (getattr(history, what) for what in (f"{part}_mistakes", f"{part}_error", f"num_{part}"))
        rows[f"{name} error"] = f"{error[-1]:.2%} ({mistakes[-1]:,} of {images:,} images), untrained {error[0]:.1%}"
    sampled = {"reads": history.reads[-1], "spin updates": history.spin_updates[-1]} if history.reads[-1] else {}
    return table(rows | sampled)


def different_answers(module: Any, net: QNN, x: Images) -> int:
    """How many images an exported module, of torch, answers otherwise than its network does."""
    import torch

    with torch.no_grad():
        answers = module(torch.from_numpy(x)).argmax(dim=1).numpy()
    return int((answers != net.predict(x)).sum())


def plot_errors(axis: Axes, history: History, training: str = "C0", test: str = "C3") -> None:
    """Training and test error against updates, in the colours given; no mistake at all is drawn as half a mistake."""
    step = np.array(history.step)
    band(axis, step, history.train_error[None], floor=0.5 / history.num_train, color=training, label="training")
    band(axis, step, history.test_error[None], floor=0.5 / history.num_test, color=test, label="test", linestyle="--")
    axis.set(yscale="log", ylabel="error")
    step_axis(axis)


def plot_training(history: History) -> Figure:
    """Errors, heads, and what became of the heads after a cut, against updates."""
    figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.7))
    plot_errors(axes[0], history)
    step, own = np.array(history.step), np.array(history.own_error)[None]
    band(axes[0], step, own, floor=0.5 / history.num_test, color="black", linestyle=":", label="own answer, test")
    dots: dict[str, Any] = {"color": "C2", "linestyle": "none", "marker": "o", "markevery": 1}
    curves: list[tuple[Axes, str, str, dict[str, Any]]] = [
        (axes[1], "head_fraction", "images with a head", {"color": "C0"}),
        (axes[1], "heads_per_read", "reads that are heads", {"color": "C1", "linestyle": "--"}),
        (axes[2], "heads_surviving", "cut heads that survive", dots),
        (axes[2], "heads_regrown", "heads after the cut", {"color": "C4", "linestyle": "--"}),
    ]
    for axis, name, label, style in curves:
        band(axis, step[1:], np.array(getattr(history, name))[None, 1:], label=label, **style)
        axis.set(ylabel="fraction", ylim=(0, 1.05))
    for axis, title in zip(axes, ("errors", "heads", "after a cut"), strict=True):
        axis.set_title(title)
        step_axis(axis)
        legend_below(axis)
    label_panels(axes)
    return figure


@dataclass(frozen=True, eq=False)
class Methods:
    """Stored trainings by several methods on the same images, an annealer's first. runs: by method, one result a seed."""

    runs: Mapping[str, list[Result]]

    @property
    def first(self) -> str:
        """The annealer."""
        return next(iter(self.runs))

    def error(self, method: str, part: str) -> Float64[np.ndarray, "S T"]:
        """Of the training or test images; part: "train" or "test"."""
        results = self.runs[method]
        return stack(results, f"{part}_mistakes") / stack(results, f"{part}_images")

    def own_error(self) -> Float64[np.ndarray, "S T"]:
        """Of the annealer's own answers to test images, to all of them at the end."""
        results = self.runs[self.first]
        last = stack(results, "own_wrong") / stack(results, "own_images")
        return np.concatenate([stack(results, "own_error")[:, :-1], last[:, None]], axis=1)

    def arrays(self) -> Arrays:
        """The numbers that `figure` plots, the training errors and the rates."""
        stored = {f"{self.first}_own_error": self.own_error()}
        for method, results in self.runs.items():
            stored |= {f"{method}_{part}_error": self.error(method, part) for part in ("train", "test")}
            stored |= {f"{method}_epoch": results[0]["epoch"], f"{method}_lr": results[0]["lr"]}
        return stored

    @property
    def shown(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Method, array of its test errors and style of each curve, the annealer's own answers second."""
        curves = [(method, f"{method}_test_error", METHOD_STYLE[method]) for method in self.runs]
        curves[0] = (*curves[0][:2], {**curves[0][2], "label": "network trained by annealer"})
        return [curves[0], (self.first, f"{self.first}_own_error", OWN_STYLE), *curves[1:]]

    def table(self) -> Table:
        """Final test errors, and those of the network that an annealer trained beside each of the others."""
        stored = self.arrays()
        rows: dict[str, dict[str, Any]] = {}
        for method, name, style in self.shown:
            errors, network = (100 * stored[curve][:, -1] for curve in (name, self.shown[0][1]))
            rows[style["label"]] = {
                "seeds": len(errors),
                "rate": float(stored[f"{method}_lr"]),
                "test error, %": mean_interval(errors, PERCENT),
                "first minus this": difference_interval(network, errors) if rows else "",
            }
        return table(rows)

    @property
    def message(self) -> str:
        """What the figure says, in its title."""
        network, mlp = (100 * self.error(method, "test")[:, -1] for method in (self.first, "mlp"))
        gap = difference_interval(network, mlp)
        if gap.low <= 0 <= gap.high:
            return "Annealer and backpropagation:\nno difference seen in the error"
        word = "more" if gap.value > 0 else "fewer"
        return f"The annealer's network makes {abs(gap.value):.1f} points\n{word} errors than an MLP by backprop"

    def figure(self) -> Figure:
        """Test errors of all methods and of the annealer's own answers along training, and at the end of every seed."""
        figure, (course, end) = plt.subplots(2, 1, figsize=(COLUMN, 4.4), height_ratios=(1.7, 1))
        stored, shown = self.arrays(), self.shown
        for row, (method, name, style) in enumerate(shown):
            errors = 100 * stored[name]
            band(course, stored[f"{method}_epoch"][1:], errors[:, 1:], floor=0.05, clip_on=False, **style)
            end.plot(errors[:, -1], np.full(len(errors), row), **{**style, "linestyle": "none", "alpha": 0.5})
            mean = mean_interval(errors[:, -1], PERCENT)
            bar = [[mean.value - mean.low], [mean.high - mean.value]]
            end.text(0.01, row - 0.5, style["label"], transform=end.get_yaxis_transform(), fontsize="small", va="center")
            end.errorbar(mean.value, row, xerr=bar, color="black", fmt="|", markersize=9, capsize=3)
        course.set(xscale="log", yscale="log", xlabel="epochs", ylabel="test error, %", title="along training")
        course.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        for axis in (course.xaxis, course.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
        course.margins(x=0)
        small_legend(course, loc="lower left")
        end.set(xlabel="test error, %", title="at the end", ylim=(len(shown) - 0.6, -0.9), yticks=[])
        figure.suptitle(self.message, fontsize="medium")
        label_panels((course, end))
        return figure
