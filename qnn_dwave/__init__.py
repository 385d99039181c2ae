"""D-Wave machines: their samplers, what they take of a chip, and their errors. `import qnn_dwave` lets `get_sampler` know them."""

from __future__ import annotations

from qnn_core.samplers import SAMPLERS, WRAPPERS
from qnn_dwave.control_errors import WithControlErrors
from qnn_dwave.hardware import MockSampler, QPUSampler, ReplaySampler

SAMPLERS.update({sampler.name: sampler for sampler in (QPUSampler, MockSampler, ReplaySampler)})
WRAPPERS["control_error"] = WithControlErrors

__all__ = ["MockSampler", "QPUSampler", "ReplaySampler", "WithControlErrors"]
