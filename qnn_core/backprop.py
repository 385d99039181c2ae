"""Baselines trained by backpropagation, on equal terms with the annealer.

"mlp": a standard multi-layer perceptron, inputs - hidden ... - classes with ReLU, softmax cross-entropy.
"binary": the same with hidden units of +1 and -1, as spins have.
"energy": the same energy model as `QNN` with one hidden layer, trained by automatic differentiation on its exact class scores
at inverse temperature beta, F_c = sum_j ln 2cosh(beta (a_j + (W t_c)_j)) / beta + b.t_c, with P(c) = softmax(beta F_c): the
Boltzmann probability of the class codes, with the hidden spins summed out.

With the same seed, all see the same images in the same order as `qnn_core.training.train`. For a comparison on equal terms pass
optimiser="adam", the default of `train`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, hardtanh, softplus

from qnn_core.data import Dataset
from qnn_core.errors import check, check_choice, check_count, check_number
from qnn_core.history import History, check_evaluations, check_training, evaluation_steps, minibatches
from qnn_core.inputs import Images
from qnn_core.network import QNN
from qnn_core.optimiser import OPTIMISERS, SGD, Adam, Average, OptimiserName, Schedule, rate_at
from qnn_core.threads import one_thread_for_algebra

Method = Literal["mlp", "binary", "energy"]


@dataclass(repr=False)
class BaselineHistory(History):
    """The record of a baseline, with the trained model. model: images (B, inputs), as in the data set, -> scores (B, classes)."""

    model: nn.Module | None = None


class EnergyScores(nn.Module):
    """beta F_c of the energy model: images (B, inputs) -> logits (B, classes), dimensionless."""

    codes: Tensor

    def __init__(self, network: QNN, beta: float = 1.0) -> None:
        super().__init__()
        check(len(network.layers) == 2, "sizes", network.sizes, "one hidden layer: deeper class scores have no closed form")
        check_number("beta", beta, above=True)
        self.inputs = nn.Parameter(torch.tensor(network.weights[0]))
        self.couplings = nn.Parameter(torch.tensor(network.weights[1]))
        self.hidden_bias = nn.Parameter(torch.tensor(network.biases[0]))
        self.output_bias = nn.Parameter(torch.tensor(network.biases[1]))
        self.register_buffer("codes", torch.tensor(network.codes, dtype=torch.float32))
        self.beta = beta

    def forward(self, x: Tensor) -> Tensor:
        driven = x @ self.inputs + self.hidden_bias
        felt = self.beta * (driven[:, None, :] + (self.codes @ self.couplings.T)[None])
        summed_out = felt.abs() + softplus(-2 * felt.abs())
        return summed_out.sum(dim=2) + self.beta * (self.codes @ self.output_bias)


class Binary(nn.Module):
    """+1 or -1, the sign of each argument, with the gradient of the argument cut off at +-1.

    This straight-through estimator (Bengio, Léonard, Courville, arXiv:1308.3432) is the usual way to train networks of binary units.
    """

    def forward(self, x: Tensor) -> Tensor:
        cut_off = hardtanh(x)
        return cut_off + (torch.where(x >= 0, 1.0, -1.0) - cut_off).detach()


def mlp(sizes: tuple[int, ...], seed: int, unit: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers with units between, PyTorch's default initialisation under `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for left, right in pairwise(sizes):
            layers += [nn.Linear(left, right), unit()]
    return nn.Sequential(*layers[:-1])


def train_backprop(
    method: Method,
    data: Dataset,
    hidden: int | tuple[int, ...] = 120,
    epochs: int = 20,
    lr: float = 0.1,
    batch_size: int = 10,
    seed: int = 0,
    *,
    copies: int = 1,
    optimiser: OptimiserName = "sgd",
    schedule: Schedule = "linear",
    averaged: bool = False,
    beta: float = 1.0,
    evaluations: int = 12,
    evaluation_images: int | None = 2000,
) -> BaselineHistory:
    """Train a baseline with softmax cross-entropy and return its `History` (loss: mean cross-entropy in nats), with the trained `model`.

    method: "mlp", "binary" or "energy". data: it trains on the training images and only counts errors on the test images. hidden: spins
    or units of the hidden layer; several numbers make a deep network, unless it is "energy". epochs: passes over the training images.
    batch_size: images per update. seed: of the initial weights and the order of the images. optimiser: "sgd", plain stochastic gradient
    descent, or "adam". lr: learning rate; with the schedule "linear" it falls to 0 over the run, with "constant" it stays. averaged: whether
    the trained model is the average over the updates (`qnn_core.optimiser.Average`). copies: output spins per class of the energy model;
    beta: its inverse temperature. evaluations, evaluation_images: when and on how many images errors are measured, as in `train`. Raises
    InvalidInput for settings that cannot be used, before any work.

    >>> from qnn_core.data import load_dataset
    >>> history = train_backprop("mlp", load_dataset("digits"), hidden=8, epochs=1)
    >>> bool(history.test_error[-1] < history.test_error[0])
    True
    """
    check_training(data, epochs, lr, batch_size, seed)
    check_evaluations(evaluations, evaluation_images)
    layers = hidden if isinstance(hidden, tuple | list) else (hidden,)
    check(len(layers), "hidden", hidden, "at least one hidden layer")
    for width in layers:
        check_count("hidden", width)
    check_count("copies", copies)
    sizes = (data.num_pixels, *layers, data.num_classes)
    for name, value, choices in (
        ("schedule", schedule, Schedule),
        ("optimiser", optimiser, OptimiserName),
        ("method", method, Method),
    ):
        check_choice(name, value, get_args(choices))
    units = {"mlp": nn.ReLU, "binary": Binary}
    model = mlp(sizes, seed, units[method]) if method in units else EnergyScores(QNN(sizes, copies, seed), beta)
    y_train = torch.from_numpy(data.y_train)
    batches = minibatches(len(data.y_train), batch_size, epochs, seed)
    total = len(batches)
    look = evaluation_steps(total, total // epochs, evaluations)
    sample = data if evaluation_images is None else data.sample(evaluation_images, seed)
    trained = deepcopy(model) if averaged else model
    history = BaselineHistory(model=trained)
    start = perf_counter()

    def evaluate(step: int) -> None:
        measured = _errors(trained, data if step == total else sample)
        history.record(step=step, epoch=step * epochs / total, seconds=perf_counter() - start, **measured)

    with one_thread_for_algebra():
        evaluate(0)
        steps = descend(
            model, trained, lambda rows: cross_entropy(model(torch.from_numpy(data.x_train[rows])), y_train[rows]), batches,
            OPTIMISERS[optimiser], lambda step: rate_at(lr, schedule, step, total),
        )  # fmt: skip
        for done in steps:
            if done in look:
                evaluate(done)
    return history


def descend(
    model: nn.Module,
    trained: nn.Module,
    loss: Callable[[np.ndarray], Tensor],
    batches: Sequence[np.ndarray],
    optimiser: type[Adam | SGD],
    rate: Callable[[int], float],
) -> Iterator[int]:
    """Train `model` in place, one step of the optimiser a batch, and give after each how many are done.

    trained: a copy of the model that becomes the `Average` of its parameters, or the model itself. loss: of the images of a batch, by their
    rows. rate: of a step, by the number of those before it.
    """
    parameters = list(model.parameters())
    arrays, values = ([parameter.detach().numpy() for parameter in one.parameters()] for one in (model, trained))
    update, average = optimiser(arrays), Average(values, arrays)
    for step, rows in enumerate(batches):
        gradients = torch.autograd.grad(loss(rows), parameters)
        update.step([gradient.contiguous().numpy() for gradient in gradients], rate(step))
        if trained is not model:
            average.update(step + 1)
        yield step + 1


@torch.no_grad()
def in_parts(model: nn.Module, x: Images, images_at_once: int = 4096) -> Float32[np.ndarray, "B _"]:
    """The outputs of a model for many images (B, pixels), computed a part at a time."""
    parts = (x[first : first + images_at_once] for first in range(0, len(x), images_at_once))
    return torch.cat([model(torch.from_numpy(part)) for part in parts]).numpy()


def _errors(model: nn.Module, data: Dataset) -> dict[str, float]:
    found: dict[str, float] = {}
    for part, x, y in (("test", data.x_test, data.y_test), ("train", data.x_train, data.y_train)):
        scores = in_parts(model, x)
        found |= {f"{part}_mistakes": int((scores.argmax(axis=1) != y).sum()), f"{part}_images": len(y)}
    loss = float(cross_entropy(torch.from_numpy(scores), torch.from_numpy(y)))
    return {**found, "loss": loss, "cross_entropy": loss}
