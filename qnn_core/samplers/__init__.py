"""Samplers: anything that proposes low-energy configurations of a batch of Ising problems, all behind one protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from qnn_core.errors import InvalidInput
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
"""Options that any sampler takes, by name, with what makes a sampler of it and of the option's value."""


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
    own = [option.name for option in fields(SAMPLERS[sampler])] if isinstance(sampler, str) and sampler in SAMPLERS else []
    wrappers = {option: options.pop(option) for option in WRAPPERS if option in options and option not in own}
    if isinstance(sampler, str):
        made = _named(sampler, own, options)
    elif hasattr(sampler, "sample_ising") and not isinstance(sampler, type):
        made = OceanSampler(sampler, options)
    elif isinstance(sampler, Sampler) and not isinstance(sampler, type) and not options:
        made = sampler
    else:
        allowed = (
            "a name, a sampler of Ocean, or an object with name, kind and sample(problem, num_reads, seed); with its options set"
        )
        raise InvalidInput("sampler", sampler, allowed)
    for option, value in wrappers.items():
        made = WRAPPERS[option](made, value)
    return made


def _named(name: str, known: list[str], options: dict[str, Any]) -> Sampler:
    if name not in SAMPLERS:
        raise InvalidInput(
            "sampler", name, f"one of {', '.join(SAMPLERS)}; after `import qnn_dwave` also those of D-Wave machines"
        )
    if unknown := sorted(set(options) - set(known)):
        raise InvalidInput(f"option of sampler {name}", ", ".join(unknown), f"one of {', '.join(known)}")
    made: Sampler = SAMPLERS[name](**options)
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
