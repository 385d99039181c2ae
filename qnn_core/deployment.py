"""The trained network as a plain PyTorch module: no annealer, no sampling, no random numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from qnn_core.network import QNN


class EnergyClassifier(nn.Module):
    """Class scores of a `QNN`: minus the energy of the clamped state of each class.

    forward: images (B, inputs) float32 -> scores (B, classes); the argmax is the network's answer.

    With one hidden layer this is a feed-forward net with absolute values for activation,
    score_c = sum_j |a_j + (W t_c)_j| + b.t_c. With more, the hidden layers descend from the forward pass for a fixed number
    of sweeps, as `qnn_core.ising.relax` does.
    """

    codes: Tensor

    def __init__(self, network: QNN, sweeps: int = 100) -> None:
        super().__init__()
        self.weights = nn.ParameterList(nn.Parameter(torch.tensor(value)) for value in network.weights)
        self.biases = nn.ParameterList(nn.Parameter(torch.tensor(value)) for value in network.biases)
        self.register_buffer("codes", torch.tensor(network.codes, dtype=torch.float32))
        self.sweeps = sweeps

    def forward(self, x: Tensor) -> Tensor:
        driven = x @ self.weights[0] + self.biases[0]
        if len(self.weights) == 2:
            pulls = self.codes @ self.weights[1].T
            rewards = torch.stack([(driven + pull).abs().sum(dim=1) for pull in pulls], dim=1)
            return rewards + self.codes @ self.biases[-1]
        return torch.stack([self._score(driven, code) for code in self.codes], dim=1)

    def _score(self, driven: Tensor, code: Tensor) -> Tensor:
        couplings = list(self.weights)[1:]
        fields = [driven, *(bias.expand(len(driven), -1) for bias in list(self.biases)[1:-1])]
        fields[-1] = fields[-1] + couplings[-1] @ code
        states = [_sign(fields[0])]
        for field, coupling in zip(fields[1:], couplings[:-1], strict=True):
            states.append(_sign(field + states[-1] @ coupling))
        for _ in range(self.sweeps):
            before = list(states)
            for parity in (0, 1):
                for layer in range(parity, len(states), 2):
                    felt = fields[layer]
                    if layer > 0:
                        felt = felt + states[layer - 1] @ couplings[layer - 1]
                    if layer + 1 < len(states):
                        felt = felt + states[layer + 1] @ couplings[layer].T
                    states[layer] = _sign(felt)
            if all(torch.equal(old, new) for old, new in zip(before, states, strict=True)):
                break
        score = sum((field * state).sum(dim=1) for field, state in zip(fields, states, strict=True))
        for coupling, (left, right) in zip(couplings[:-1], pairwise(states), strict=True):
            score = score + ((left @ coupling) * right).sum(dim=1)
        return score + self.biases[-1] @ code


def _sign(values: Tensor) -> Tensor:
    return torch.where(values >= 0, 1.0, -1.0)
