"""Annealing of the outputs alone, for one hidden layer: the hidden spins are summed out exactly.

A hidden layer much wider than the output locks each output in place: to flip it, many hidden spins must follow. Once they are summed
out there is no such barrier, so this sampler finds deep states in far fewer sweeps. It is a classical algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qnn_core.errors import check
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, annealing_betas, check_counters, check_num_reads, on_gpu
from qnn_core.samplers.gibbs import GibbsSampler
from qnn_core.samplers.kernels import anneal_collapsed


@dataclass(frozen=True)
class CollapsedSampler(GibbsSampler):
    """Batched annealing of the outputs with the hidden spins summed out; exactly one hidden layer, any size.

    sweeps: draws of every output per read; the hidden spins are drawn once, at the end. beta, device and random numbers: as for
    `GibbsSampler`. At equal sweeps the deepest of several short reads is the ground state more often than one long read.
    """

    name: ClassVar[str] = "collapsed"
    kind: ClassVar[str] = "classical annealer (hidden spins summed out)"

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads, seed)
        if len(problem.layers) == 1:
            # Spins that do not interact: one draw at the last temperature is exact.
            cold = float(annealing_betas(problem, self.sweeps, self.beta)[-1])
            return GibbsSampler(1, (cold, cold)).sample(problem, num_reads, seed)
        allowed = "one hidden layer and the outputs, for hidden spins to be summed out"
        check(len(problem.layers) == 2, "layers", problem.layers, allowed)
        check_counters(problem, self.sweeps)
        betas = annealing_betas(problem, self.sweeps, self.beta)
        if on_gpu(self.device):
            from qnn_core.samplers.on_torch import annealed_reads

            spins, energies = annealed_reads(problem, num_reads, betas, seed, "cuda", collapsed=True)
        else:
            spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
            energies = np.empty(spins.shape[:2], np.float32)
            by_hidden, by_output = problem.couplings[0], np.ascontiguousarray(problem.couplings[0].T)
            anneal_collapsed(problem.fields, by_hidden, by_output, betas, np.uint64(seed), spins, energies)
        drawn = spins[..., 0].size * (self.sweeps * problem.layers[1] + problem.layers[0])
        return Reads(spins, energies, {"spin_updates": drawn})
