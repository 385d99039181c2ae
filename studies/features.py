"""A small convolutional net in front of the network, trained together with it: by the annealer's reads, or by cross-entropy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from time import perf_counter
from typing import Any, Literal, get_args

import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float64, Int64
from matplotlib.figure import Figure
from torch import Tensor, nn
from tqdm import tqdm

from qnn_core.answers import own_answers
from qnn_core.backprop import descend, in_parts
from qnn_core.data import Dataset
from qnn_core.history import check_training, evaluation_steps, minibatches
from qnn_core.network import QNN
from qnn_core.optimiser import Adam
from qnn_core.rules import Rule
from qnn_core.samplers import Sampler
from qnn_core.threads import one_thread_for_algebra
from qnn_core.torch_layer import AnnealedLayer
from studies.plots import COLUMN, METHOD_STYLE, band, legend_below, step_axis
from studies.stored import Arrays, Result, stack
from studies.tables import Table, table

Gradient = Literal["annealer", "cross-entropy"]
_AT_ONCE = 500
"""Images whose features are in memory together."""

_STYLES: dict[str, Mapping[str, Any]] = {
    "annealer": {**METHOD_STYLE["gibbs"], "label": "behind features, annealer"},
    "cross-entropy": {**METHOD_STYLE["energy"], "label": "behind features, cross-entropy"},
}


class Features(nn.Sequential):
    """Two convolutions of 5 x 5 pixels with ReLU, each followed by the maximum of 2 x 2: images (B, pixels) -> features (B, D).

    image_shape: height and width in pixels, of one colour. channels: of the two convolutions.
    """

    def __init__(self, image_shape: tuple[int, ...], channels: tuple[int, int]) -> None:
        first, second = channels
        super().__init__(
            nn.Unflatten(1, (1, *image_shape)),
            *(nn.Conv2d(1, first, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Conv2d(first, second, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()),
            nn.Flatten(),
        )
        self.size = second * (image_shape[0] // 4) * (image_shape[1] // 4)


class Model(nn.Module):
    """Features and the layer behind them: images (B, pixels) -> scores (B, classes)."""

    def __init__(self, features: Features, layer: AnnealedLayer) -> None:
        super().__init__()
        self.features, self.layer = features, layer

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(self.features(images))


@dataclass(frozen=True)
class Combined:
    """A training of features and layer together. channels, hidden, copies: sizes. reads, rule: of the layer's gradient."""

    channels: tuple[int, int]
    hidden: tuple[int, ...]
    copies: int
    sampler: Sampler
    reads: int
    rule: Rule
    epochs: int
    batch_size: int
    lr: float
    evaluations: int

    def model(self, data: Dataset, seed: int) -> Model:
        """Untrained."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            features = Features(data.image_shape, self.channels)
        net = QNN((features.size, *self.hidden, data.num_classes), self.copies, seed)
        return Model(features, AnnealedLayer(net, self.sampler, self.reads, self.rule, seed))

    def train(self, data: Dataset, seed: int, gradient: Gradient) -> tuple[Model, dict[int, int]]:
        """The trained model, its parameters averaged as `qnn_core.training.train` does, and the test mistakes by update."""
        check_training(data, self.epochs, self.lr, self.batch_size, seed)
        model, shown = self.model(data, seed), self.model(data, seed)
        batches = minibatches(len(data.y_train), self.batch_size, self.epochs, seed)
        moments = evaluation_steps(len(batches), len(batches) // self.epochs, self.evaluations)
        mistakes = {0: _mistakes(shown, data)}
        x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)

        def loss(rows: np.ndarray) -> Tensor:
            if gradient == "annealer":
                return model.layer.loss(model.features(x[rows]), y[rows])
            return nn.functional.cross_entropy(model(x[rows]), y[rows])

        with one_thread_for_algebra():
            steps = descend(model, shown, loss, batches, Adam, lambda _: self.lr)
            for step in tqdm(steps, desc=gradient, leave=False, total=len(batches)):
                if step in moments or step == len(batches):
                    mistakes[step] = _mistakes(shown, data)
        return shown, mistakes


def _mistakes(model: nn.Module, data: Dataset) -> int:
    return int((in_parts(model, data.x_test, _AT_ONCE).argmax(axis=1) != data.y_test).sum())


@dataclass(frozen=True, eq=False)
class Compared:
    """S trainings by each gradient, and P of the network alone, on the same images.

    step: (T,). mistakes: by gradient (S, T), of `num_test` test images, without sampling. own: (S,) mistakes of the deepest of `reads`
    reads of the model that the annealer trained. plain: (P,) of networks that see the pixels themselves. seconds: (S,) by gradient.
    """

    num_test: int
    step: Int64[np.ndarray, " T"]
    mistakes: Mapping[str, Int64[np.ndarray, "S T"]]
    own: Int64[np.ndarray, " S"]
    plain: Int64[np.ndarray, " P"]
    seconds: Mapping[str, Float64[np.ndarray, " S"]]

    def arrays(self) -> Arrays:
        """What is stored."""
        stored = {"num_test": np.array(self.num_test), "step": self.step, "own": self.own, "plain": self.plain}
        for part, values in (("mistakes", self.mistakes), ("seconds", self.seconds)):
            stored |= {f"{name.replace('-', '_')}_{part}": of_gradient for name, of_gradient in values.items()}
        return stored

    def table(self) -> Table:
        """Final test errors, of every seed and on average."""
        final = {str(_STYLES[name]["label"]): mistakes[:, -1] for name, mistakes in self.mistakes.items()}
        counts = {"the network alone, annealer": self.plain, **final, "behind features, annealer's own answers": self.own}
        errors = {name: 100 * mistakes / self.num_test for name, mistakes in counts.items()}
        return table({name: {"test error of each seed, %": each.tolist(), "mean": each.mean()} for name, each in errors.items()})

    def figure(self) -> Figure:
        """Test error against updates; the network alone as it ended."""
        figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
        for name, mistakes in self.mistakes.items():
            band(axis, self.step, mistakes / self.num_test, floor=0.5 / self.num_test, **_STYLES[name])
        alone = float(self.plain.mean()) / self.num_test
        axis.axhline(alone, color="black", linestyle="-.", linewidth=1, label="the network alone, at its end")
        axis.set(yscale="log", ylabel="test error", title="features in front of the network")
        step_axis(axis)
        legend_below(axis)
        return figure


def compare(recipe: Combined, data: Dataset, seeds: Sequence[int], alone: Sequence[Result]) -> Compared:
    """Train with both gradients from every seed. alone: stored trainings of the network by itself on the same images."""
    mistakes: dict[str, list[list[int]]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    own = []
    for seed, gradient in product(seeds, get_args(Gradient)):
        start = perf_counter()
        model, found = recipe.train(data, seed, gradient)
        seconds[gradient].append(perf_counter() - start)
        mistakes[gradient].append(list(found.values()))
        if gradient == "annealer":
            features = in_parts(model.features, data.x_test, _AT_ONCE)
            answers = own_answers(model.layer.network, features, data.y_test, recipe.sampler, recipe.reads, seed)
            own.append(answers.wrong.sum())
    counts, times = ({name: np.array(runs) for name, runs in of_each.items()} for of_each in (mistakes, seconds))
    return Compared(len(data.y_test), np.array(list(found)), counts, np.array(own), stack(alone, "test_mistakes")[:, -1], times)
