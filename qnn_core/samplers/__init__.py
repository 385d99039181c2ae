"""Samplers: anything that proposes low-energy configurations of a batch of Ising problems, all behind one protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from qnn_core.errors import check
from qnn_core.samplers.base import Metered, Reads, Sampler
from qnn_core.samplers.coherent import CoherentSampler
from qnn_core.samplers.collapsed import CollapsedSampler
from qnn_core.samplers.descent import WithDescent
from qnn_core.samplers.exact import ExactSampler
from qnn_core.samplers.gibbs import GibbsSampler
from qnn_core.samplers.ocean import OceanSampler, PathIntegralAnnealing, SimulatedAnnealing

if TYPE_CHECKING:
    import dimod

SAMPLERS: dict[str, type[Any]] = {
    sampler.name: sampler
    for sampler in (GibbsSampler, CollapsedSampler, ExactSampler, SimulatedAnnealing, PathIntegralAnnealing, CoherentSampler)
}
"""Every sampler by name; a package that brings more adds them here."""

WRAPPERS: dict[str, Callable[[Sampler, Any], Sampler]] = {
    "descend": lambda sampler, wanted: WithDescent(sampler) if wanted else sampler
}
"""Options that any sampler takes, by name, with the function that wraps a sampler for an option's value."""


def get_sampler(sampler: Any, **options: Any) -> Sampler:
    """A sampler by name, or made from a sampler of Ocean, composed or not, or from an object that follows the `Sampler` protocol.

    options: of the named sampler, see its class; for a sampler of Ocean, further arguments of its `sample`, see `OceanSampler`. All
    samplers also accept `descend=True`, see `WithDescent`. Samplers of D-Wave machines, and the option `control_error`, need
    `import qnn_dwave`.

    >>> sampler = get_sampler("gibbs", sweeps=20, beta=(0.1, 5.0))
    >>> sampler.kind
    'classical annealer (block Gibbs)'
    >>> from dwave.samplers import TabuSampler
    >>> get_sampler(TabuSampler(), timeout=5)
    OceanSampler(TabuSampler, timeout=5)
    """
    known: list[str] = []
    if isinstance(sampler, str):
        names = f"one of {', '.join(SAMPLERS)}; after `import qnn_dwave` also those of D-Wave machines"
        check(sampler in SAMPLERS, "sampler", sampler, names)
        known = [option.name for option in fields(SAMPLERS[sampler])]
    wrappers = {option: options.pop(option) for option in WRAPPERS if option in options and option not in known}
    if isinstance(sampler, str):
        unknown = sorted(set(options) - set(known))
        check(not unknown, f"option of sampler {sampler}", ", ".join(unknown), f"one of {', '.join(known)}")
        made: Sampler = SAMPLERS[sampler](**options)
    elif hasattr(sampler, "sample_ising") and not isinstance(sampler, type):
        made = OceanSampler(sampler, options)
    else:
        fits = isinstance(sampler, Sampler) and not isinstance(sampler, type) and not options
        allowed = (
            "a name, a sampler of Ocean, or an object with name, kind and sample(problem, num_reads, seed); with its options set"
        )
        check(fits, "sampler", sampler, allowed)
        made = sampler
    for option, value in wrappers.items():
        made = WRAPPERS[option](made, value)
    return made


def as_dimod(sampler: Any, **options: Any) -> dimod.Sampler:
    """The sampler of `get_sampler` as an Ocean sampler, for layered and other bipartite models; see `LayeredSampler`.

    >>> answer = as_dimod("gibbs", sweeps=20).sample_ising({"a": -1.0, "b": 0.0}, {("a", "b"): -2.0}, seed=0)
    >>> float(answer.first.energy)
    -3.0
    """
    from qnn_core.samplers.layered import LayeredSampler

    return LayeredSampler(get_sampler(sampler, **options))


__all__ = [
    "SAMPLERS", "WRAPPERS", "CoherentSampler", "CollapsedSampler", "ExactSampler", "GibbsSampler", "Metered", "OceanSampler",
    "PathIntegralAnnealing", "Reads", "Sampler", "SimulatedAnnealing", "WithDescent", "as_dimod", "get_sampler",
]  # fmt: skip
