"""Parallel tempering against exact sums over all states, known transitions and the identities of gaussian couplings."""

import numpy as np
import pytest
from conftest import random_problem, random_spins

from qnn_core import InvalidInput
from qnn_core.errors import NotEquilibrated
from qnn_core.ising import IsingProblem
from qnn_core.landscape.overlaps import susceptibility
from qnn_core.landscape.tempering import parallel_tempering
from qnn_core.samplers.exact import output_log_weights, output_states

TEMPERATURES = [0.4, 0.6, 0.9, 1.4, 2.0]


def gaussian(hidden, outputs, samples, seed):
    """Glasses of two layers without fields, scaled to T_c = 1, each with couplings of its own."""
    random = np.random.default_rng(seed)
    scale = (hidden * outputs) ** -0.25
    fields = np.zeros((1, hidden + outputs), np.float32)
    return [
        IsingProblem((hidden, outputs), fields, ((scale * random.standard_normal((hidden, outputs))).astype(np.float32),))
        for _ in range(samples)
    ]


def test_energies_and_overlaps_are_those_of_enumeration():
    problem = random_problem((9, 6), images=5, seed=0, scale=0.4)
    target = random_spins(problem, reads=1, seed=2)[:, 0]
    found = parallel_tempering(problem, TEMPERATURES, 8000, seed=1, measurements=1000, target=target)
    blocks = np.stack([block.mean(axis=(0, 3)) for block in np.array_split(found.energies, 10)])
    standard_errors = blocks.std(axis=0, ddof=1) / np.sqrt(10)
    assert (standard_errors < 0.1).all()
    states = output_states(6).astype(np.float64)
    hidden = problem.fields[:, :9].astype(np.float64)
    for place, temperature in enumerate(TEMPERATURES):
        beta = 1 / temperature
        log_weights = output_log_weights(problem, beta)
        weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        felt = hidden[:, None] + states @ problem.couplings[0].T
        aligned = np.tanh(beta * felt)
        energy = -(aligned * felt).sum(axis=2) - problem.fields[:, 9:] @ states.T
        error = (found.energies[:, :, place].mean(axis=(0, 2)) - (weights * energy).sum(axis=1)) / standard_errors[:, place]
        assert (np.abs(error) < 5).all()
        assert np.abs(error).mean() < 2
        means = np.concatenate([np.einsum("bk,bkj->bj", weights, aligned), weights @ states], axis=1)
        q = found.overlaps["all"][:, :, place].mean(axis=(0, 2))
        np.testing.assert_allclose(q, (means**2).mean(axis=1), atol=0.04)
        aligned_with = found.alignment[:, :, place].mean(axis=(0, 2))
        np.testing.assert_allclose(aligned_with, (means * target).mean(axis=1), atol=0.06)
        pairs = np.einsum("bk,bkj,ko->bjo", weights, aligned, states)
        connected = _chi(weights, aligned, states, means, pairs)
        chi = susceptibility(found.overlaps["all"][:, :, place].astype(np.float64), 15).mean(axis=0)
        np.testing.assert_allclose(chi, connected, rtol=0.12, atol=0.1)
    assert found.equilibrated.all()
    assert (found.acceptance > 0.3).all()
    assert found.spin_updates == 8000 * found.spins.size


def _chi(weights, aligned, states, means, between):
    """(1/N) sum_ij (<s_i s_j> - <s_i><s_j>)^2 from the exact weights of the outputs, hidden spins independent given them."""
    hidden = np.einsum("bk,bki,bkj->bij", weights, aligned, aligned)
    outputs = np.einsum("bk,ki,kj->bij", weights, states, states)
    correlation = np.block([[hidden, between], [between.transpose(0, 2, 1), outputs]])
    spins = np.arange(correlation.shape[1])
    correlation[:, spins, spins] = 1
    return ((correlation - means[:, :, None] * means[:, None, :]) ** 2).sum(axis=(1, 2)) / len(spins)


def test_gaussian_couplings_obey_their_identity():
    """[U] = - beta sigma^2 N_h N_o (1 - [<q_h q_o>]) at zero field, in equilibrium only."""
    hidden, outputs = 60, 40
    sums = np.zeros((2, 3))
    temperatures = [0.6, 1.0, 1.6]
    samples = 12
    for seed, problem in enumerate(gaussian(hidden, outputs, samples, seed=2)):
        found = parallel_tempering(problem, temperatures, 1000, seed, measurements=125, strict=False)
        sums[0] += found.energies.mean(axis=(0, 1, 3))
        sums[1] += (found.overlaps["0"] * found.overlaps["1"]).mean(axis=(0, 1, 3))
    energy, overlaps = sums / samples
    expected = -np.sqrt(hidden * outputs) / np.array(temperatures) * (1 - overlaps)
    np.testing.assert_allclose(energy, expected, rtol=0.04)


def test_paramagnet_has_the_energy_of_the_sherrington_kirkpatrick_model():
    """Equal layers with sigma^2 = 2 / N are that model: -beta / 2 per spin above T_c = 1, with corrections that vanish with size."""
    problem = gaussian(256, 256, 1, seed=0)[0]
    couplings = (problem.couplings[0] * np.float32(np.sqrt(2 / 512) * 16),)
    problem = IsingProblem(problem.layers, problem.fields, couplings)
    found = parallel_tempering(problem, [1.5, 2.0, 3.0], 800, seed=0)
    energy = found.energies.mean(axis=(0, 1, 3)) / 512
    np.testing.assert_allclose(energy, -0.5 / found.temperatures, rtol=0.03)
    order = np.abs(found.overlaps["all"]).mean(axis=(0, 1, 3))
    assert (order < 0.1).all()


def test_replicas_that_remember_their_start_are_told():
    """A strong ferromagnet without exchange partners above its transition keeps up and down apart for ever."""
    fields = np.full((8, 40), -0.3, np.float32)
    problem = IsingProblem((20, 20), fields, (np.full((20, 20), 0.25, np.float32),))
    with pytest.raises(NotEquilibrated, match=r"at temperature 0\.3, 0\.4; use more sweeps"):
        parallel_tempering(problem, [0.3, 0.4], 200, seed=3, measurements=20)
    found = parallel_tempering(problem, [0.3, 0.4], 200, seed=3, measurements=20, strict=False)
    assert not found.equilibrated.any()
    assert (found.start_gap > 0).all()


def test_same_seed_same_run():
    problem = random_problem((5, 4), images=2, seed=0)
    first, again, other = (parallel_tempering(problem, [0.5, 1.0], 80, seed, measurements=10, strict=False) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.energies, again.energies)
    np.testing.assert_array_equal(first.spins, again.spins)
    assert not np.array_equal(first.energies, other.energies)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"temperatures": [1.0]}, "temperatures"),
        ({"temperatures": [1.0, 1.0]}, "temperatures"),
        ({"temperatures": [0.0, 1.0]}, "temperatures"),
        ({"sweeps": 70}, "sweeps = 70"),
        ({"replicas": 2}, "replicas = 2"),
        ({"replicas": 5}, "replicas = 5"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_impossible_requests_are_refused(wrong, named):
    settings = {"temperatures": [0.5, 1.0], "sweeps": 80, "seed": 0, "measurements": 10}
    with pytest.raises(InvalidInput, match=named):
        parallel_tempering(random_problem((3, 2), images=1, seed=0), **{**settings, **wrong})
