"""Steps of an optimiser on tensors in place, by torch's functional forms.

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

Schedule = Literal["constant", "linear"]


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
            amsgrad=False, beta1=0.9, beta2=0.999, lr=lr, weight_decay=0.0, eps=1e-8, maximize=False,
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
