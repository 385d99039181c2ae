"""Steps of an optimiser on tensors in place, by torch's functional forms, and the average of the parameters over them.

The optimiser classes of torch load its compiler when they are first used, which takes longer than many a notebook here; these do not, and
take the same steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

OptimiserName = Literal["adam", "sgd"]
Schedule = Literal["constant", "linear"]

_FORGETTING = 8
"""eta of `Average`: at step t the average reaches back over about the last t / (eta + 1) steps."""


def rate_at(lr: float, schedule: Schedule, step: int, total: int) -> float:
    """The rate of a step: `lr`, or `lr` falling linearly to 0 over the run."""
    return lr if schedule == "constant" else lr * (1 - step / total)


class Adam:
    """Adam with its usual constants (Kingma, Ba, arXiv:1412.6980)."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.tensor(0.0) for _ in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], lr: float) -> None:
        adam(
            self.parameters, list(gradients), self.means, self.squares, [], self.steps,
            fused=True, amsgrad=False, beta1=0.9, beta2=0.999, lr=lr, weight_decay=0.0, eps=1e-8, maximize=False,
        )  # fmt: skip

    def state(self) -> dict[str, list[Tensor]]:
        """What a later run needs to go on."""
        return {"means": self.means, "squares": self.squares, "steps": self.steps}

    def load_state(self, state: dict[str, Any]) -> None:
        self.means, self.squares, self.steps = state["means"], state["squares"], state["steps"]


class SGD:
    """Plain stochastic gradient descent."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], lr: float) -> None:
        sgd(
            self.parameters, list(gradients), [],
            weight_decay=0.0, momentum=0.0, lr=lr, dampening=0.0, nesterov=False, maximize=False,
        )  # fmt: skip

    def state(self) -> dict[str, list[Tensor]]:
        """Nothing is remembered from step to step."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        pass


OPTIMISERS: dict[OptimiserName, type[Adam] | type[SGD]] = {"adam": Adam, "sgd": SGD}


class Average:
    """Average of the parameters over the steps so far that forgets the first of them: polynomial-decay averaging,

        mean_t = (1 - w) mean_(t-1) + w parameters_t,     w = (eta + 1) / (t + eta),

    Shamir, Zhang, ICML 2013 (arXiv:1212.1824). At a constant rate it wins back what a falling one would give, at any moment of a run.
    values: tensors that hold the average, in place.
    """

    def __init__(self, values: Sequence[Tensor]) -> None:
        self.values = list(values)

    @torch.no_grad()
    def update(self, parameters: Sequence[Tensor], step: int) -> None:
        """step: t, from 1."""
        for value, parameter in zip(self.values, parameters, strict=True):
            value.lerp_(parameter, (_FORGETTING + 1) / (step + _FORGETTING))
