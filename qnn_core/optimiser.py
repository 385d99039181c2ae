"""Steps of an optimiser on arrays in place, and the average of the parameters over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from qnn_core.loops import adam_step, approach

OptimiserName = Literal["adam", "sgd"]
Schedule = Literal["constant", "linear"]

_FORGETTING = 8
"""eta of `Average`: at step t the average reaches back over about the last t / (eta + 1) steps."""


def rate_at(lr: float, schedule: Schedule, step: int, total: int) -> float:
    """The rate of a step: `lr`, or `lr` falling linearly to 0 over the run."""
    return lr if schedule == "constant" else lr * (1 - step / total)


def _flat(array: np.ndarray) -> np.ndarray:
    """The same memory, in one row."""
    return array.reshape(-1, copy=False)


class Adam:
    """Adam with its usual constants (Kingma, Ba, arXiv:1412.6980). parameters: contiguous float32 arrays."""

    def __init__(self, parameters: Sequence[np.ndarray]) -> None:
        self.parameters = [_flat(parameter) for parameter in parameters]
        self.means = [np.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [np.zeros_like(parameter) for parameter in self.parameters]
        self.steps = 0

    def step(self, gradients: Sequence[np.ndarray], lr: float) -> None:
        self.steps += 1
        for parameter, gradient, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            adam_step(parameter, gradient.reshape(-1), mean, square, lr, self.steps)

    def state(self) -> dict[str, Any]:
        """What is needed to continue later."""
        return {"means": self.means, "squares": self.squares, "steps": self.steps}

    def load_state(self, state: dict[str, Any]) -> None:
        self.means, self.squares, self.steps = state["means"], state["squares"], state["steps"]


class SGD:
    """Plain stochastic gradient descent."""

    def __init__(self, parameters: Sequence[np.ndarray]) -> None:
        self.parameters = list(parameters)

    def step(self, gradients: Sequence[np.ndarray], lr: float) -> None:
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter -= np.float32(lr) * gradient

    def state(self) -> dict[str, Any]:
        """Nothing is remembered from step to step."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        pass


OPTIMISERS: dict[OptimiserName, type[Adam] | type[SGD]] = {"adam": Adam, "sgd": SGD}


class Average:
    """A running average of the parameters that forgets the first steps: polynomial-decay averaging,

        mean_t = (1 - w) mean_(t-1) + w parameters_t,     w = (eta + 1) / (t + eta),

    Shamir, Zhang, ICML 2013 (arXiv:1212.1824). With a constant rate it gives, at any moment of a run, what a falling rate would give at its
    end. values: contiguous arrays that hold the average, in place. parameters: the arrays that change from step to step.
    """

    def __init__(self, values: Sequence[np.ndarray], parameters: Sequence[np.ndarray]) -> None:
        self.values, self.parameters = tuple(map(_flat, values)), tuple(map(_flat, parameters))

    def update(self, step: int) -> None:
        """step: t, from 1."""
        approach(self.values, self.parameters, self.values[0].dtype.type((_FORGETTING + 1) / (step + _FORGETTING)))
