"""Trainings for every plausible choice that the abstract leaves open and that needs its own runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import product
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from qnn_core.answers import own_answers
from qnn_core.checkpoint import kept_arrays, run_file
from qnn_core.data import Dataset
from qnn_core.errors import Diverged
from qnn_core.network import QNN
from qnn_core.optimiser import Average
from qnn_core.samplers.base import derived_seed
from qnn_core.threads import one_thread_for_algebra
from qnn_core.training import Settings, TrainingRun, TrainingWarning, errors_of
from studies.curves import LearningCurve, columns_of
from studies.stored import Arrays
from studies.training import BASELINES, Recipe, with_rule

WEIGHTS = ("last", "averaged")
"""What is measured of one and the same run: its weights as they are, and their running average."""

_FARTHEST = 8


class Setting(NamedTuple):
    """A training but for its seed. maker: a learning rule of the annealer, or a baseline. rate: in units of the best one."""

    maker: str
    optimiser: str
    width: int
    images: int
    rate: float


@dataclass(frozen=True)
class Choices:
    """What is tried. rates: in units of the best of the same rule and optimiser. networks: baselines of `train_backprop`."""

    rules: Sequence[str]
    optimisers: Sequence[str]
    rates: Sequence[float]
    widths: Sequence[int]
    images: Sequence[int]
    networks: Sequence[str]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Pairs of width and number of training images: the first of each, with all of the other."""
        return [one for one in product(self.widths, self.images) if one[0] == self.widths[0] or one[1] == self.images[0]]

    @property
    def settings(self) -> list[Setting]:
        """Every training to make, for every seed."""
        makers = (*self.rules, *self.networks)
        return [
            Setting(maker, name, *size, rate)
            for maker, name, size, rate in product(makers, self.optimisers, self.sizes, self.rates)
        ]


Learned = dict[tuple[Setting, str, str], LearningCurve | None]
"""Curves by setting, weights and whose answers, "network" or "own"; None where a run diverged."""


def learn(
    data: Dataset, recipe: Recipe, choices: Choices, *, first_rate: float, seeds: Sequence[int], held_out: float,
    tuning_epochs: int, test_images: int | None, folder: str, progress: bool = False,
) -> tuple[Learned, Arrays]:  # fmt: skip
    """Train with every setting and seed; the best rate of each maker and optimiser is found first, see `best_rate`.

    recipe: with evaluations on all images. test_images: how many of the test set are counted. held_out: fraction of the largest set that rates
    are compared on after `tuning_epochs`, with the first seed. folder: where finished runs are kept. Returns the curves, and maker,
    optimiser and best rate of each search.
    """
    rows = np.random.default_rng(seeds[0]).permutation(len(data.y_test))[:test_images]
    data = replace(data, x_test=data.x_test[rows], y_test=data.y_test[rows])
    split = data.take(max(choices.images), seeds[0]).hold_out(held_out, seeds[0])
    best: dict[tuple[str, str], float] = {}
    for maker, optimiser in product((*choices.rules, *choices.networks), choices.optimisers):
        made = _made_by(recipe, maker, optimiser, choices.widths[0]).varied(epochs=tuning_epochs, evaluations=1, asked=0)
        best[maker, optimiser] = best_rate(first_rate, partial(_mistakes, made, split, seeds[0], folder))
    learned: Learned = {}
    for setting in tqdm(choices.settings, desc="settings", disable=not progress):
        made = _made_by(recipe, setting.maker, setting.optimiser, setting.width)
        made = made.varied(lr=setting.rate * best[setting.maker, setting.optimiser])
        runs = [_kept(made, data.take(setting.images, seed), seed, folder) for seed in seeds]
        for weights in WEIGHTS:
            network, own = _curves(setting, made, runs, weights) if all(runs) else (None, None)
            learned |= {(setting, weights, "network"): network, (setting, weights, "own"): own}
    tuned = {"maker": [maker for maker, _ in best], "optimiser": [name for _, name in best], "rate": [*best.values()]}
    return learned, {f"tuned_{name}": np.array(values) for name, values in tuned.items()}


def best_rate(first: float, mistakes: Callable[[float], float]) -> float:
    """The rate with the fewest mistakes among neighbours on a ladder of factors of two, found by steps from the first."""
    cached, place = cache(lambda place: mistakes(first * 2.0**place)), 0
    while abs(place) < _FARTHEST:
        lowest = min((place, place - 1, place + 1), key=cached)
        if lowest == place:
            break
        place = lowest
    return first * 2.0**place


def _made_by(recipe: Recipe, maker: str, optimiser: str, width: int) -> Recipe:
    baseline = maker in BASELINES
    made = recipe.varied(optimiser=optimiser, **({} if baseline else {"rule": maker}))
    return replace(made, method=maker if baseline else recipe.method, hidden=(width,))


def _mistakes(made: Recipe, split: Dataset, seed: int, folder: str, rate: float) -> float:
    run = _kept(made.varied(lr=rate), split, seed, folder)
    return float(run["averaged_test_mistakes"][-1]) if run else np.inf


def _kept(made: Recipe, data: Dataset, seed: int, folder: str) -> Arrays:
    """The arrays of `both_weights`, trained once; none where the run diverges."""

    def trained() -> Arrays:
        try:
            return both_weights(made, data, seed)
        except Diverged:
            return {}

    return kept_arrays(run_file(folder, [asdict(made), data.sha256, seed]), trained)


def both_weights(made: Recipe, data: Dataset, seed: int) -> Arrays:
    """The columns of a history for both WEIGHTS, which are named in front; an annealer's come from one run."""
    if made.method in BASELINES:
        histories = {name: made.varied(averaged=name == "averaged").train(data, seed).arrays() for name in WEIGHTS}
    else:
        settings = Settings(**{**with_rule(made.training), "seed": seed, "averaged": False})
        net = made.untrained(data, seed)
        run, mean = TrainingRun(net, data, made.sampler, settings, None), net.copy()
        average, found = Average(mean.parameters, net.parameters), []
        with one_thread_for_algebra(), warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)
            while run.done < run.total:
                run.step()
                average.update(run.done)
                if run.done in run.look:
                    found.append({**errors_of(mean, data), "own_error": _own_error(mean, run)})
        last = run.history.arrays()
        measured = {name: np.array([last[name][0], *(entry[name] for entry in found)]) for name in found[0]}
        histories = {"last": last, "averaged": {**last, **measured}}
    return {f"{weights}_{name}": values for weights, history in histories.items() for name, values in history.items()}


def _own_error(net: QNN, run: TrainingRun) -> float:
    if not len(run.asked):
        return np.nan
    asked, of_reads = (run.data.x_test[run.asked], run.data.y_test[run.asked]), derived_seed(run.settings.seed, run.done, 2)
    return float(own_answers(net, *asked, run.sampler, run.settings.reads, of_reads).wrong.mean())


def _curves(setting: Setting, made: Recipe, runs: Sequence[Arrays], weights: str) -> tuple[LearningCurve, LearningCurve]:
    """Of the network's answers and of the annealer's own; for a baseline both are the network's, and training mistakes stand for heads."""
    histories = [{name.removeprefix(f"{weights}_"): run[name] for name in run if name.startswith(f"{weights}_")} for run in runs]
    columns = columns_of(histories, made.method)
    curve = LearningCurve.of_columns(made.method, setting.width, setting.images, float(made.training["lr"]), columns)
    if made.method in BASELINES:
        curve = replace(curve, heads=curve.train, seen=np.full(len(curve.epoch), curve.num_train))
        return curve, curve
    asked = min(made.training["asked"], curve.num_test)
    own = np.round(np.stack([history["own_error"] for history in histories]) * asked).astype(np.int64)
    return curve, replace(curve, test=own, num_test=asked)
