"""The trained network as a plain PyTorch module, and as an ONNX file: no annealer, no sampling, no random numbers."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, no_type_check

import numpy as np
import torch
from torch import Tensor, nn

from qnn_core.files import atomic_write
from qnn_core.ising import cooling_schedule

if TYPE_CHECKING:
    from qnn_core.network import QNN


class EnergyClassifier(nn.Module):
    """Class scores of a `QNN`: minus the energy of the clamped state of each class.

    forward: images (B, inputs) float32 -> scores (B, classes); the argmax is the network's answer.

    With one hidden layer this is a feed-forward net with absolute values for activation,
    score_c = sum_j |a_j + (W t_c)_j| + b.t_c. With more, the hidden layers are cooled and then descend until none of their spins moves, at
    most `sweeps` times, as `qnn_core.ising.cool` does. A `centre` of the network becomes part of the first layer's biases, its
    `scaling` of the first layer: images are given as they came.
    """

    codes: Tensor

    def __init__(self, network: QNN, sweeps: int = 100) -> None:
        super().__init__()
        weights, biases = list(network.weights), list(network.biases)
        if network.centre is not None:
            biases[0] = biases[0] - network.centre @ weights[0]
        if network.scaling.rule != "none":
            wide = weights[0] / network.scaling.scale.reshape(-1, 1)
            offset = np.broadcast_to(network.scaling.offset, network.sizes[:1])
            weights[0], biases[0] = wide.astype(np.float32), (biases[0] - offset @ wide).astype(np.float32)
        self.weights = nn.ParameterList(nn.Parameter(torch.tensor(value)) for value in weights)
        self.biases = nn.ParameterList(nn.Parameter(torch.tensor(value)) for value in biases)
        self.register_buffer("codes", torch.tensor(network.codes, dtype=torch.float32))
        self.sweeps = sweeps
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        driven = x @ self.weights[0] + self.biases[0]
        pulls = self.codes @ self.weights[-1].T
        own = self.codes @ self.biases[-1]
        if len(self.weights) == 2:
            return torch.stack([(driven + pull).abs().sum(dim=1) for pull in pulls], dim=1) + own
        hidden = [driven[:, None], *list(self.biases)[1:-1]]
        hidden[-1] = hidden[-1] + pulls
        fields = [field.expand(x.shape[0], pulls.shape[0], -1) for field in hidden]
        states = self._relaxed(fields)
        score = sum((field * state).sum(dim=2) for field, state in zip(fields, states, strict=True))
        for coupling, (left, right) in zip(list(self.weights)[1:-1], pairwise(states), strict=True):
            score = score + ((left @ coupling) * right).sum(dim=2)
        return score + own

    def to_onnx(self, path: str) -> None:
        """Write the module as an ONNX file, see `export_onnx`."""
        export_onnx(self, self.weights[0].shape[0], path)

    def _relaxed(self, fields: list[Tensor]) -> tuple[Tensor, ...]:
        """Cool, then descend; fields and states (B, classes, N_l) for each hidden layer l."""
        couplings = list(self.weights)[1:-1]
        back = [coupling.T.clone() for coupling in couplings]  # An exported loop takes no views of what it already has.

        @no_type_check  # The exporter traces this; checks of types at run time, as in tests, would stand in its way.
        def sweep(states: tuple[Tensor, ...], beta: float = 0.0) -> tuple[Tensor, ...]:
            after = list(states)
            for parity in (0, 1):
                for layer in range(parity, len(after), 2):
                    felt = fields[layer]
                    if layer > 0:
                        felt = felt + after[layer - 1] @ couplings[layer - 1]
                    if layer + 1 < len(after):
                        felt = felt + after[layer + 1] @ back[layer]
                    after[layer] = torch.tanh(beta * felt) if beta else torch.where(felt >= 0, 1.0, -1.0)
            return tuple(after)

        means = tuple(torch.zeros_like(field) for field in fields)
        for beta in cooling_schedule():
            means = sweep(means, float(beta))
        before = tuple(torch.where(mean >= 0, 1.0, -1.0) for mean in means)
        if torch.compiler.is_exporting():
            return _repeated(sweep, before, self.sweeps)
        for _ in range(self.sweeps):
            after = sweep(before)
            if all(torch.equal(old, new) for old, new in zip(before, after, strict=True)):
                break
            before = after
        return before


def export_onnx(module: nn.Module, num_inputs: int, path: str) -> None:
    """Write a classifier as an ONNX file: "images" (any number, num_inputs) float32 -> "scores" (the same number, classes)."""
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    with torch.no_grad(), _exporter_quiet():
        program = torch.onnx.export(
            module,
            (torch.zeros(2, num_inputs),),
            input_names=["images"],
            output_names=["scores"],
            dynamic_shapes=({0: torch.export.Dim("images")},),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    # The exporter notes the source line of every operation, with the path of this machine.
    ClearMetadataAndDocStringPass()(program.model)
    with atomic_write(path, "wb") as file:
        file.write(program.model_proto.SerializeToString())


@contextmanager
def _exporter_quiet() -> Iterator[None]:
    """Without what torch's exporter says about torch's own code, and about operations of torchvision, which are not needed."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    registration.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    finally:
        registration.setLevel(level)


def _repeated(sweep: Callable[..., tuple[Tensor, ...]], states: tuple[Tensor, ...], most: int) -> tuple[Tensor, ...]:
    """The same loop as an operation that an exported graph can hold."""
    from torch._higher_order_ops.while_loop import while_loop

    @no_type_check
    def goes_on(count: Tensor, moving: Tensor, *_: Tensor) -> Tensor:
        return (count < most) & moving

    @no_type_check
    def body(count: Tensor, moving: Tensor, *before: Tensor) -> tuple[Tensor, ...]:
        after = sweep(before)
        moved = torch.stack([(old != new).any() for old, new in zip(before, after, strict=True)]).any()
        return count + 1, moved & moving, *after

    return while_loop(goes_on, body, (torch.tensor(0), torch.tensor(True), *states))[2:]  # type: ignore[no-untyped-call]
