"""The samplers in torch against the compiled ones and against exact enumeration: on any processor, and on a GPU where there is one."""

import os
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from qnn_core.errors import InvalidInput
from qnn_core.ising import IsingProblem
from qnn_core.landscape.tempering import parallel_tempering
from qnn_core.samplers import get_sampler, on_torch
from qnn_core.samplers.base import annealing_betas
from qnn_core.samplers.enumeration_on_torch import exact_reads
from qnn_core.samplers.exact import output_log_weights
from qnn_core.samplers.gibbs import gibbs_sweeps

MOSTLY = 0.98
"""Share of reads that agree with the compiled loops: the rest had a draw at the very edge."""


@pytest.fixture(params=["cpu", "interpreted", "cuda"])
def device(request, monkeypatch):
    """Plain torch; the kernels for a GPU, executed by Triton's interpreter; a GPU."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    if request.param == "interpreted":
        if os.environ.get("TRITON_INTERPRET") != "1" or find_spec("triton") is None:
            pytest.skip("Triton's interpreter is not asked for: TRITON_INTERPRET=1, with triton installed")
        from qnn_core.samplers import fused

        monkeypatch.setattr(on_torch, "fused", lambda _: fused)
    return "cuda" if request.param == "cuda" else "cpu"


def problem_of(layers: tuple[int, ...], images: int, scale: float = 0.5) -> IsingProblem:
    random = np.random.default_rng(len(layers))
    fields = scale * random.standard_normal((images, sum(layers)))
    couplings = tuple((scale * random.standard_normal(shape)).astype(np.float32) for shape in pairwise(layers))
    return IsingProblem(layers, fields.astype(np.float32), couplings)


def drawn(name: str, problem: IsingProblem, reads: int, sweeps: int, beta: float, seed: int, device: str) -> np.ndarray:
    """Reads of a sampler at a fixed temperature."""
    if name == "exact":
        return exact_reads(problem, reads, beta, seed, device)[0]
    betas = annealing_betas(problem, sweeps, (beta, beta))
    return on_torch.annealed_reads(problem, reads, betas, seed, device, collapsed=name == "collapsed")[0]


def alike(left: np.ndarray, right: np.ndarray) -> float:
    """Share of the reads, (B, R, N), that are the same."""
    return float((left == right).all(axis=2).mean())


@pytest.mark.parametrize("layers", [(7, 5), (4,), (1, 1), (3, 5, 4), (6, 3, 4, 5), (120, 40), (20, 256), (500, 30)])
@pytest.mark.parametrize("beta", [(0.1, 5.0), (0.4, 0.4)])
def test_gibbs_reads_are_those_of_the_compiled_loops(device, layers, beta):
    problem = problem_of(layers, images=20)
    compiled = get_sampler("gibbs", sweeps=20, beta=beta).sample(problem, 7, seed=2**63 + 5)
    spins, energies = on_torch.annealed_reads(problem, 7, annealing_betas(problem, 20, beta), 2**63 + 5, device)
    assert alike(spins, compiled.spins) >= MOSTLY
    np.testing.assert_allclose(energies, problem.energy(spins), atol=1e-3)


def test_networks_that_fill_no_kernel_are_sampled_all_the_same(device):
    problem = problem_of((1200, 30), images=3, scale=0.1)
    compiled = get_sampler("gibbs", sweeps=10, beta=(0.1, 5.0)).sample(problem, 5, seed=1)
    spins, _ = on_torch.annealed_reads(problem, 5, annealing_betas(problem, 10, (0.1, 5.0)), 1, device)
    assert alike(spins, compiled.spins) >= 0.8  # of some 12,000 draws each


@pytest.mark.parametrize("size", [1e-20, 1e-3, 1e3, 1e20])
def test_couplings_of_all_sizes_are_felt(device, size):
    """The kernels add up couplings in half precision, in two parts: they are scaled to its range."""
    problem = problem_of((30, 20), images=20)
    random = np.random.default_rng(1)
    couplings = (size * problem.couplings[0] * 10.0 ** random.uniform(-4, 0, (30, 20))).astype(np.float32)
    scaled = IsingProblem((30, 20), (size * problem.fields).astype(np.float32), (couplings,))
    beta = (0.5 / size, 0.5 / size)
    compiled = get_sampler("gibbs", sweeps=20, beta=beta).sample(scaled, 10, seed=1)
    spins, _ = on_torch.annealed_reads(scaled, 10, annealing_betas(scaled, 20, beta), 1, device)
    assert alike(spins, compiled.spins) >= MOSTLY


@pytest.mark.parametrize("layers", [(7, 5), (1, 9), (40, 20)])
def test_collapsed_reads_are_those_of_the_compiled_loops(device, layers):
    problem = problem_of(layers, images=20)
    compiled = get_sampler("collapsed", sweeps=6, beta=(0.3, 2.0)).sample(problem, 7, seed=3)
    spins, energies = on_torch.annealed_reads(problem, 7, annealing_betas(problem, 6, (0.3, 2.0)), 3, device, collapsed=True)
    assert alike(spins, compiled.spins) >= MOSTLY
    np.testing.assert_allclose(energies, problem.energy(spins), atol=1e-3)


@pytest.mark.parametrize("layers", [(5, 4), (30, 10), (12, 1)])
def test_exact_reads_are_the_compiled_minima(device, layers):
    problem = problem_of(layers, images=20)
    compiled = get_sampler("exact").sample(problem, 12, seed=0)
    spins, energies = exact_reads(problem, 12, None, 0, device)
    np.testing.assert_array_equal(spins, compiled.spins)
    np.testing.assert_allclose(energies, compiled.energies, atol=1e-4)


def test_given_configurations_move_as_in_the_compiled_loops(device):
    problem = problem_of((6, 5, 7), images=20)
    random = np.random.default_rng(0)
    spins = random.choice(np.array([-1, 1], np.int8), size=(20, 6, 18))
    betas = random.uniform(0.1, 2.0, size=(20, 6)).astype(np.float32)
    moved = on_torch.gibbs_moves(problem, spins, betas, 15, 4, device)
    assert alike(moved, gibbs_sweeps(problem, spins, betas, 15, 4)) >= MOSTLY


def test_tempering_on_a_gpu_tells_the_same_story():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    problem = problem_of((9, 6), images=4)
    runs = [
        parallel_tempering(problem, (0.5, 0.8, 1.2, 2.0), 2000, seed=1, strict=False, device=device) for device in ("cpu", "cuda")
    ]
    means, errors = zip(
        *((run.energies.mean(axis=(0, 1, 3)), run.energies.std(axis=0).mean(axis=(0, 2))) for run in runs), strict=True
    )
    # A hundred looks at four problems and four replicas, at least every tenth independent of the others.
    assert (np.abs(means[0] - means[1]) < 5 * np.hypot(*errors) / np.sqrt(160)).all()


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "exact"])
def test_outputs_follow_the_boltzmann_distribution(device, name):
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("takes an interpreter too long")
    beta, reads = 0.6, 10_000
    problem = problem_of((7, 6), images=3, scale=0.5)
    spins = drawn(name, problem, reads, 30 if name == "gibbs" else 10, beta, 11, device)
    log_weights = output_log_weights(problem, beta)
    exact = np.exp(log_weights - np.logaddexp.reduce(log_weights, axis=1, keepdims=True))
    states = ((spins[..., 7:] > 0) * (1 << np.arange(6))).sum(axis=-1)
    for image in range(3):
        counts = np.bincount(states[image], minlength=64)
        rare = exact[image] * reads < 8
        cells = np.where(rare, 0, np.arange(64) + 1)
        observed, expected = (np.bincount(cells, values) for values in (counts, reads * exact[image]))
        seen = expected > 0
        assert stats.chisquare(observed[seen], expected[seen]).pvalue > 1e-3
        # Hidden spins given the outputs, by their means.
        felt = problem.fields[image, :7] + spins[image, :, 7:].astype(float) @ problem.couplings[0].T
        np.testing.assert_allclose((spins[image, :, :7] - np.tanh(beta * felt)).mean(axis=0), 0, atol=5 / np.sqrt(reads))


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "exact"])
def test_reads_do_not_depend_on_how_the_batch_is_cut(device, name, monkeypatch):
    problem = problem_of((9, 6), images=30)

    def sample(images: int) -> np.ndarray:
        return drawn(name, problem.select(np.arange(images)), 7, 4, 0.2, 5, device)

    whole = sample(30)
    assert len(np.unique(whole.reshape(210, -1), axis=0)) > 150
    np.testing.assert_array_equal(sample(13), whole[:13])
    monkeypatch.setattr(on_torch, "_BATCH_SPINS", 1500)
    monkeypatch.setattr(on_torch, "_BLOCK_SPINS", {"cpu": 1000, "cuda": 1000})
    monkeypatch.setattr("qnn_core.samplers.enumeration_on_torch._CELLS", {"cpu": 2000, "cuda": 2000})
    np.testing.assert_array_equal(sample(30), whole)


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "exact"])
def test_samplers_run_where_they_are_told_to(name):
    problem = problem_of((6, 4), images=3)
    reads = get_sampler(name, device="auto").sample(problem, 5, seed=2)
    other = get_sampler(name).sample(problem, 5, seed=2)
    assert reads.info == other.info
    assert alike(reads.spins, other.spins) >= MOSTLY
    with pytest.raises(InvalidInput, match=r"device = 'gpu' .* 'cpu', 'cuda', or 'auto'"):
        get_sampler(name, device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(InvalidInput, match=r"device = 'cuda' .* no CUDA device"):
            get_sampler(name, device="cuda")
