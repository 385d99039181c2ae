"""Samplers: anything that proposes low-energy configurations of a batch of Ising problems, all behind one protocol."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from qnn_core.errors import InvalidInput
from qnn_core.samplers.base import Metered, Reads, Sampler
from qnn_core.samplers.coherent import CoherentSampler
from qnn_core.samplers.collapsed import CollapsedSampler
from qnn_core.samplers.control_errors import WithControlErrors
from qnn_core.samplers.descent import WithDescent
from qnn_core.samplers.exact import ExactSampler
from qnn_core.samplers.gibbs import GibbsSampler
from qnn_core.samplers.hardware import MockSampler, QPUSampler, ReplaySampler
from qnn_core.samplers.ocean import PathIntegralAnnealing, SimulatedAnnealing

SAMPLERS: dict[str, type[Any]] = {
    sampler.name: sampler
    for sampler in (
        GibbsSampler,
        CollapsedSampler,
        ExactSampler,
        SimulatedAnnealing,
        PathIntegralAnnealing,
        CoherentSampler,
        QPUSampler,
        MockSampler,
        ReplaySampler,
    )
}
"""Every sampler by name."""


def get_sampler(name: str, **options: Any) -> Sampler:
    """A sampler by name, with its options; see the sampler's class for what they mean.

    All of them also take `descend=True`, see `WithDescent`; those that run on this computer `control_error`, see `WithControlErrors`.

    >>> sampler = get_sampler("gibbs", sweeps=20, beta=(0.1, 5.0))
    >>> sampler.kind
    'classical annealer (block Gibbs)'
    """
    if name not in SAMPLERS:
        raise InvalidInput("sampler", name, f"one of {', '.join(SAMPLERS)}")
    known = [option.name for option in fields(SAMPLERS[name])]
    errors = options.pop("control_error", None) if "control_error" not in known and name not in ("qpu", "replay") else None
    descend = options.pop("descend", False)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidInput(f"option of sampler {name}", ", ".join(unknown), f"one of {', '.join(known)}")
    sampler: Sampler = SAMPLERS[name](**options)
    if errors is not None:
        sampler = WithControlErrors(sampler, errors)
    return WithDescent(sampler) if descend else sampler


__all__ = [
    "SAMPLERS",
    "CoherentSampler",
    "CollapsedSampler",
    "ExactSampler",
    "GibbsSampler",
    "Metered",
    "MockSampler",
    "PathIntegralAnnealing",
    "QPUSampler",
    "Reads",
    "ReplaySampler",
    "Sampler",
    "SimulatedAnnealing",
    "WithControlErrors",
    "WithDescent",
    "get_sampler",
]
