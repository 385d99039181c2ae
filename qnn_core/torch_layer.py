"""The network as the last layer of a torch model: features come from any module in front, gradients from the annealer's reads.

For reads that a learning rule lowers and raises, see `qnn_core.rules`, the loss of a batch is

    mean over images of  mean E(lowered states) - sum_r weight_r E(raised state r),

with the states held fixed. Since E is linear in the parameters, and in the features x, its gradient with respect to x is simple:
-W_0 times the difference of the first hidden layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from qnn_core.cutting import cut_gradient
from qnn_core.export import EnergyClassifier
from qnn_core.network import QNN
from qnn_core.rules import Batch, Contrast, Rule, RuleName
from qnn_core.samplers import get_sampler
from qnn_core.samplers.base import check_num_reads, derived_seed


class AnnealedLayer(EnergyClassifier):
    """A `QNN` as a layer that an annealer trains together with what is in front of it.

    forward: features (B, inputs) float32 -> scores (B, classes), minus the class energies, found without sampling.

    network: the start; its parameters are copied. sampler: as `get_sampler` takes it. reads: per image and call of `loss`. rule: what is
    lowered and raised. seed: of the reads, which differ from call to call.

    >>> layer = AnnealedLayer(QNN((16, 8, 3)))
    >>> features = torch.ones(2, 16, requires_grad=True)
    >>> layer.loss(features, torch.tensor([0, 2])).backward()
    >>> features.grad.shape, layer(features).shape
    (torch.Size([2, 16]), torch.Size([2, 3]))
    """

    def __init__(
        self, network: QNN, sampler: Any = "gibbs", reads: int = 5, rule: Rule | RuleName = "both", seed: int = 0
    ) -> None:
        check_num_reads(reads, seed)
        super().__init__(network)
        self.sampler = get_sampler(sampler)
        self.reads, self.seed, self.calls = reads, seed, 0
        self.rule = rule if isinstance(rule, Rule) else Rule(rule)
        self._sizes, self._copies = network.sizes, network.copies

    @property
    def network(self) -> QNN:
        """The network with the present parameters; on the CPU it shares their memory."""
        net = QNN(self._sizes, self._copies)
        net.weights = [weight.detach().cpu().numpy() for weight in self.weights]
        net.biases = [bias.detach().cpu().numpy() for bias in self.biases]
        return net

    def loss(self, features: Float[Tensor, "B D"], labels: Int64[Tensor, " B"]) -> Tensor:
        """The loss of a batch, from new reads, with the annealer's gradient for the parameters and for the features.

        It is 0, with no gradient, where no image has a head.
        """
        net, x = self.network, features.detach().cpu().numpy()
        seed = derived_seed(self.seed, self.calls)
        self.calls += 1
        classes = labels.detach().cpu().numpy()
        contrast = self.rule.contrast(Batch(net, x, classes, net.problem(x), self.sampler, self.reads, seed))
        loss: Tensor = _Loss.apply(net, contrast, features, *self.weights, *self.biases)  # type: ignore[no-untyped-call]
        return loss


class _Loss(torch.autograd.Function):
    """The loss of a contrast, of whose states nothing depends on the parameters."""

    @staticmethod
    def forward(ctx: Any, net: QNN, contrast: Contrast, features: Tensor, *parameters: Tensor) -> Tensor:
        x = features.detach().cpu().numpy()
        gradients = [np.zeros_like(parameter) for parameter in net.parameters]
        if contrast.weights.any():
            gradients = cut_gradient(net, x, contrast.lowered, contrast.raised, contrast.weights)
        # The energy is linear in the parameters.
        value = sum(float(np.vdot(gradient, parameter)) for gradient, parameter in zip(gradients, net.parameters, strict=True))
        first = slice(0, net.layers[0])
        lowered = contrast.lowered[..., first].mean(axis=1, dtype=np.float32) * contrast.weights.sum(axis=1, keepdims=True)
        raised = np.einsum("br,brn->bn", contrast.weights, contrast.raised[..., first].astype(np.float32))
        by_features = (raised - lowered) @ net.weights[0].T / np.float32(len(x))
        ctx.gradients = [
            torch.from_numpy(gradient).to(like)
            for gradient, like in zip((by_features, *gradients), (features, *parameters), strict=True)
        ]
        return features.new_tensor(value)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:
        return None, None, *(upstream * gradient for gradient in ctx.gradients)
