"""Samplers: anything that proposes low-energy configurations of a batch of Ising problems, all behind one protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from qnn_core.errors import InvalidInput
from qnn_core.samplers.base import Metered, Reads, Sampler
from qnn_core.samplers.coherent import CoherentSampler
from qnn_core.samplers.collapsed import CollapsedSampler
from qnn_core.samplers.descent import WithDescent
from qnn_core.samplers.exact import ExactSampler
from qnn_core.samplers.gibbs import GibbsSampler
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
    )
}
"""Every sampler by name; a package that brings more adds them here."""

WRAPPERS: dict[str, Callable[[Sampler, Any], Sampler]] = {
    "descend": lambda sampler, wanted: WithDescent(sampler) if wanted else sampler
}
"""Options that any sampler takes, by name, with what makes a sampler of it and of the option's value."""


def get_sampler(name: str, **options: Any) -> Sampler:
    """A sampler by name, with its options; see the sampler's class for what they mean.

    All of them also take `descend=True`, see `WithDescent`. Samplers of D-Wave machines, and the option `control_error`, are there after
    `import qnn_dwave`.

    >>> sampler = get_sampler("gibbs", sweeps=20, beta=(0.1, 5.0))
    >>> sampler.kind
    'classical annealer (block Gibbs)'
    """
    if name not in SAMPLERS:
        raise InvalidInput(
            "sampler", name, f"one of {', '.join(SAMPLERS)}; after `import qnn_dwave` also those of D-Wave machines"
        )
    known = [option.name for option in fields(SAMPLERS[name])]
    wrappers = {option: options.pop(option) for option in WRAPPERS if option in options and option not in known}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidInput(f"option of sampler {name}", ", ".join(unknown), f"one of {', '.join(known)}")
    sampler: Sampler = SAMPLERS[name](**options)
    for option, value in wrappers.items():
        sampler = WRAPPERS[option](sampler, value)
    return sampler


__all__ = [
    "SAMPLERS",
    "WRAPPERS",
    "CoherentSampler",
    "CollapsedSampler",
    "ExactSampler",
    "GibbsSampler",
    "Metered",
    "PathIntegralAnnealing",
    "Reads",
    "Sampler",
    "SimulatedAnnealing",
    "WithDescent",
    "get_sampler",
]
