"""Samplers of other projects, for comparison: installed by `pip install .[benchmarks]`, left out where they are not."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import product
from time import perf_counter

import numpy as np

from qnn_core import IsingProblem, Reads


def openjij(problem: IsingProblem, num_reads: int, sweeps: int, beta: tuple[float, float]) -> Reads:
    """OpenJij's simulated annealing, one model per image. Without a seed: with one, all its reads are the same."""
    from openjij import SASampler

    spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
    kernel = 0.0
    for image in range(problem.num_images):
        answer = SASampler().sample(
            problem.to_bqm(image), num_reads=num_reads, num_sweeps=sweeps, beta_min=beta[0], beta_max=beta[1]
        )
        kernel += 1e-6 * float(np.sum(answer.info["list_exec_times"]))
        spins[image] = answer.record.sample[:, np.argsort(np.array(answer.variables))]
    return Reads(spins, problem.energy(spins), {"kernel_seconds": kernel})


def block_sampler(problem: IsingProblem, num_reads: int, sweeps: int, beta: tuple[float, float]) -> Reads:
    """Block Gibbs of D-Wave's plug-in for torch, one model per image: it has no fields of its own for each image."""
    from dwave.plugins.torch.models import GraphRestrictedBoltzmannMachine
    from dwave.plugins.torch.samplers import BlockSampler

    hidden, outputs = problem.layers
    nodes = range(hidden + outputs)
    edges = list(product(range(hidden), range(hidden, hidden + outputs)))
    couplings = dict(zip(edges, (-problem.couplings[0]).ravel().tolist(), strict=True))
    spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
    kernel = 0.0
    for image in range(problem.num_images):
        fields = dict(zip(nodes, (-problem.fields[image]).tolist(), strict=True))
        machine = GraphRestrictedBoltzmannMachine(nodes, edges, linear=fields, quadratic=couplings)
        sampler = BlockSampler(
            machine, lambda node: int(node >= hidden), num_reads, np.geomspace(*beta, sweeps).tolist(), seed=image
        )
        start = perf_counter()
        drawn = sampler.sample()
        kernel += perf_counter() - start
        spins[image] = drawn.numpy()
    return Reads(spins, problem.energy(spins), {"kernel_seconds": kernel})


def installed() -> dict[str, str]:
    """Which of the two are there: label and name of the function here."""
    found = {}
    if find_spec("openjij"):
        found["OpenJij simulated annealing"] = "openjij"
    if find_spec("dwave.plugins") and find_spec("dwave.plugins.torch"):
        found["dwave-pytorch-plugin block Gibbs"] = "block_sampler"
    return found
