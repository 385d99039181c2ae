"""D-Wave machines: their samplers, chips and control errors. `import qnn_dwave` makes them available to `get_sampler`."""

from __future__ import annotations

from qnn_core.samplers import SAMPLERS, WRAPPERS
from qnn_dwave.control_errors import WithControlErrors
from qnn_dwave.hardware import MockSampler, QPUSampler, ReplaySampler

SAMPLERS.update({sampler.name: sampler for sampler in (QPUSampler, MockSampler, ReplaySampler)})
WRAPPERS["control_error"] = WithControlErrors

__all__ = ["MockSampler", "QPUSampler", "ReplaySampler", "WithControlErrors"]
