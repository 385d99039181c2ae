"""One suite for every sampler, and each against exact enumeration."""

import numba
import numpy as np
import pytest
from conftest import random_problem
from scipy import stats

from qnn_core import InvalidInput, get_sampler
from qnn_core.samplers import SAMPLERS
from qnn_core.samplers.exact import local_minima, lowest_energies, output_log_weights, output_states

OPTIONS = {
    "gibbs": {"sweeps": 200},
    "collapsed": {"sweeps": 50},
    "exact": {},
    "sa": {"sweeps": 200},
    "pia": {"sweeps": 50},
    "coherent": {"duration": 40.0, "steps": 400},
}


@pytest.fixture(params=sorted(SAMPLERS))
def sampler(request):
    return get_sampler(request.param, **OPTIONS[request.param])


def test_every_sampler_is_tested():
    assert set(OPTIONS) == set(SAMPLERS)


def test_shapes_dtypes_and_energies(sampler):
    problem = random_problem((5, 3), images=4, seed=0)
    reads = sampler.sample(problem, 6, seed=1)
    assert reads.spins.shape == (4, 6, 8)
    assert reads.spins.dtype == np.int8
    assert reads.energies.dtype == np.float32
    assert set(np.unique(reads.spins)) <= {-1, 1}
    for image in range(4):
        bqm = problem.to_bqm(image)
        expected = bqm.energies((reads.spins[image], range(8)))
        np.testing.assert_allclose(reads.energies[image], expected, atol=1e-4)
    assert reads.info["spin_updates"] >= 0


def test_same_seed_same_reads(sampler):
    problem = random_problem((5, 3), images=3, seed=2)
    first, again = sampler.sample(problem, 8, seed=3), sampler.sample(problem, 8, seed=3)
    np.testing.assert_array_equal(first.spins, again.spins)


def test_other_seed_other_reads(sampler):
    if sampler.name == "exact":
        pytest.skip("deepest minima do not depend on a seed")
    problem = random_problem((5, 3), images=20, seed=2, scale=0.1)
    warm = get_sampler(sampler.name, **{**OPTIONS[sampler.name], **({"duration": 1.0} if sampler.name == "coherent" else {})})
    assert not np.array_equal(warm.sample(problem, 8, seed=3).spins, warm.sample(problem, 8, seed=4).spins)


def test_ground_states_are_found(sampler):
    problem = random_problem((6, 4), images=12, seed=5)
    lowest = lowest_energies(problem).min(axis=1)
    reads = sampler.sample(problem, 20, seed=6)
    assert (reads.energies.min(axis=1) >= lowest - 1e-4).all()
    assert np.mean(np.abs(reads.energies.min(axis=1) - lowest) < 1e-3) >= 0.9


@pytest.mark.parametrize("num_reads", [0, -1, True, 1.5])
def test_bad_numbers_of_reads_are_refused(sampler, num_reads):
    with pytest.raises(Exception, match="num_reads"):
        sampler.sample(random_problem((3, 2), images=1, seed=0), num_reads, seed=0)


def test_negative_seed_is_refused(sampler):
    with pytest.raises(InvalidInput, match="seed = -1"):
        sampler.sample(random_problem((3, 2), images=1, seed=0), 1, seed=-1)


def test_unknown_names_and_options_are_refused():
    with pytest.raises(InvalidInput, match="sampler = 'dwave'"):
        get_sampler("dwave")
    with pytest.raises(InvalidInput, match="gibbs = 'sweep' is not usable: expected one of sweeps, beta"):
        get_sampler("gibbs", sweep=3)


@pytest.mark.parametrize(
    "options", [{"sweeps": 0}, {"sweeps": True}, {"beta": (2.0, 1.0)}, {"beta": (0.0, 1.0)}, {"beta": (1.0, np.nan)}]
)
def test_bad_schedules_are_refused(options):
    with pytest.raises(Exception, match=r"sweeps|beta"):
        get_sampler("gibbs", **options)


def chi_square_p(observed: np.ndarray, probability: np.ndarray) -> float:
    """P-value of counts against probabilities, rare states pooled so that each cell expects at least five."""
    order = np.argsort(probability)
    expected = probability[order] * observed.sum()
    cell = np.minimum(np.floor(np.cumsum(expected) / 8), np.floor(expected.sum() / 8) - 1)
    cells = np.unique(cell, return_inverse=True)[1]
    return stats.chisquare(np.bincount(cells, observed[order]), np.bincount(cells, expected)).pvalue


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "exact"])
def test_outputs_follow_the_boltzmann_distribution(name):
    beta, images, reads = 0.6, 3, 40_000
    problem = random_problem((7, 10), images=images, seed=8, scale=0.4)
    sampler = get_sampler("exact", beta=beta) if name == "exact" else get_sampler(name, sweeps=120, beta=(beta, beta))
    outputs = sampler.sample(problem, reads, seed=11).spins[..., 7:]
    states = ((outputs > 0) * (1 << np.arange(10))).sum(axis=-1)
    log_weights = output_log_weights(problem, beta)
    exact = np.exp(log_weights - np.logaddexp.reduce(log_weights, axis=1, keepdims=True))
    for image in range(images):
        assert chi_square_p(np.bincount(states[image], minlength=1024), exact[image]) > 1e-3


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("gibbs", (4, 3)),
        ("gibbs", (3, 4, 2)),
        ("gibbs", (2, 3, 2, 3)),
        ("gibbs", (5,)),
        ("collapsed", (6, 3)),
        ("collapsed", (1, 9)),
    ],
)
def test_means_and_correlations_at_every_depth(name, layers):
    """Means and correlations of all spins against a sum over every configuration."""
    beta = 0.7
    problem = random_problem(layers, images=2, seed=21, scale=0.6)
    every = output_states(problem.num_spins)
    sampler = get_sampler(name, sweeps=60, beta=(beta, beta))
    spins = sampler.sample(problem, 40_000, seed=4).spins.astype(float)
    for image in range(2):
        energies = problem.select(np.array([image])).energy(every[None])[0].astype(float)
        weights = np.exp(-beta * (energies - energies.min()))
        weights /= weights.sum()
        np.testing.assert_allclose(spins[image].mean(axis=0), weights @ every, atol=0.025)
        np.testing.assert_allclose(
            spins[image].T @ spins[image] / 40_000, every.T.astype(float) @ (weights[:, None] * every), atol=0.025
        )


@pytest.mark.parametrize(("name", "layers"), [("gibbs", (9, 6, 5)), ("gibbs", (9, 11)), ("collapsed", (9, 11))])
def test_reads_do_not_depend_on_threads_or_on_their_neighbours(name, layers):
    problem = random_problem(layers, images=30, seed=1)
    sampler = get_sampler(name, sweeps=5)
    threads = numba.get_num_threads()
    reads = sampler.sample(problem, 7, seed=1).spins
    numba.set_num_threads(1)
    try:
        np.testing.assert_array_equal(reads, sampler.sample(problem, 7, seed=1).spins)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(reads[:13], sampler.sample(problem.select(np.arange(13)), 7, seed=1).spins)


def test_gibbs_reads_of_equal_images_are_independent():
    problem = random_problem((6, 5), images=1, seed=3, scale=0.2).select(np.zeros(400, int))
    spins = get_sampler("gibbs", sweeps=30, beta=(0.5, 0.5)).sample(problem, 50, seed=2).spins.astype(float)
    centred = spins - spins.mean(axis=(0, 1))
    between_images = (centred[:-1] * centred[1:]).mean()
    between_reads = (centred[:, :-1] * centred[:, 1:]).mean()
    standard_error = 1 / np.sqrt(400 * 50 * 11)
    assert abs(between_images) < 5 * standard_error
    assert abs(between_reads) < 5 * standard_error


def test_paramagnet_energy_of_the_sherrington_kirkpatrick_layers():
    """[U] = -beta sigma^2 N_h N_o (1 - [<q_h q_o>]) for gaussian couplings without fields, in equilibrium."""
    hidden = outputs = 40
    sigma, beta = np.sqrt(2 / (hidden + outputs)), 0.5
    random = np.random.default_rng(0)
    energies, products = [], []
    for sample in range(30):
        from qnn_core import IsingProblem

        couplings = (sigma * random.standard_normal((hidden, outputs))).astype(np.float32)
        problem = IsingProblem((hidden, outputs), np.zeros((1, hidden + outputs), np.float32), (couplings,))
        reads = get_sampler("gibbs", sweeps=150, beta=(beta, beta)).sample(problem, 400, seed=sample)
        spins = reads.spins[0].astype(float)
        energies.append(reads.energies.mean())
        q_hidden, q_outputs = (spins[:200, part] * spins[200:, part] for part in (slice(0, 40), slice(40, 80)))
        products.append((q_hidden.mean(axis=1) * q_outputs.mean(axis=1)).mean())
    expected = -beta * sigma**2 * hidden * outputs * (1 - np.mean(products))
    difference = np.array(energies) + beta * sigma**2 * hidden * outputs * (1 - np.array(products))
    assert abs(np.mean(energies) - expected) < 4 * difference.std() / np.sqrt(30)


def test_minima_are_the_one_flip_stable_states():
    problem = random_problem((5, 4), images=6, seed=9)
    every = output_states(9)
    outputs = output_states(4)
    stable_outputs = local_minima(problem)
    for image in range(6):
        one = problem.select(np.array([image]))
        energies = one.energy(every[None])[0]
        rows = np.arange(512)
        stable = np.all([energies <= energies[rows ^ (1 << spin)] for spin in range(9)], axis=0)
        found = {tuple(state[5:]) for state in every[stable]}
        assert found == {tuple(state) for state in outputs[stable_outputs[image]]}


def test_exact_reads_are_the_deepest_minima_in_order():
    problem = random_problem((5, 4), images=6, seed=10)
    reads = get_sampler("exact").sample(problem, 3, seed=0)
    every = output_states(9)
    for image in range(6):
        energies = problem.select(np.array([image])).energy(every[None])[0]
        rows = np.arange(512)
        stable = np.all([energies <= energies[rows ^ (1 << spin)] for spin in range(9)], axis=0)
        deepest = np.sort(energies[stable])[:3]
        np.testing.assert_allclose(np.unique(reads.energies[image].round(4)), np.unique(deepest.round(4)), atol=2e-4)
        assert reads.energies[image, 0] == pytest.approx(deepest[0], abs=1e-4)


def test_exact_refuses_what_it_cannot_enumerate():
    with pytest.raises(InvalidInput, match="outputs = 21"):
        get_sampler("exact").sample(random_problem((2, 21), images=1, seed=0), 1, seed=0)
    with pytest.raises(InvalidInput, match="layers"):
        get_sampler("exact").sample(random_problem((2, 2, 2), images=1, seed=0), 1, seed=0)
    with pytest.raises(InvalidInput, match="beta"):
        get_sampler("exact", beta=0.0)


def test_collapsed_takes_wide_layers_and_strong_couplings():
    """Over many blocks of hidden spins, cold and with fields of all sizes, the outputs still follow their exact distribution."""
    random = np.random.default_rng(5)
    couplings = (random.standard_normal((300, 4)) * random.choice([0.01, 0.3, 3.0], size=(300, 1))).astype(np.float32)
    fields = (random.standard_normal((2, 304)) * 0.5).astype(np.float32)
    from qnn_core import IsingProblem

    problem = IsingProblem((300, 4), fields, (couplings,))
    beta = 0.05
    outputs = get_sampler("collapsed", sweeps=60, beta=(beta, beta)).sample(problem, 40_000, seed=1).spins[..., 300:]
    states = ((outputs > 0) * (1 << np.arange(4))).sum(axis=-1)
    log_weights = output_log_weights(problem, beta)
    exact = np.exp(log_weights - np.logaddexp.reduce(log_weights, axis=1, keepdims=True))
    for image in range(2):
        assert chi_square_p(np.bincount(states[image], minlength=16), exact[image]) > 1e-3


def test_collapsed_refuses_deep_problems():
    with pytest.raises(InvalidInput, match="layers"):
        get_sampler("collapsed").sample(random_problem((2, 2, 2), images=1, seed=0), 1, seed=0)


def test_coherent_refuses_large_problems():
    with pytest.raises(InvalidInput, match="spins = 21"):
        get_sampler("coherent").sample(random_problem((11, 10), images=1, seed=0), 1, seed=0)
