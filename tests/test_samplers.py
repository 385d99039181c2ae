"""One suite for every sampler, and each against exact enumeration."""

import resource
import tempfile

import numba
import numpy as np
import pytest
from conftest import random_problem
from machines import TOKEN, Machine
from scipy import stats

from qnn_core import QNN, InvalidInput, IsingProblem, get_sampler, train
from qnn_core.samplers import SAMPLERS
from qnn_core.samplers.base import annealing_betas, own_range
from qnn_core.samplers.descent import quench
from qnn_core.samplers.exact import local_minima, lowest_energies, output_log_weights, output_states

EMBEDDINGS = tempfile.TemporaryDirectory()
OPTIONS = {
    "gibbs": {"sweeps": 200},
    "collapsed": {"sweeps": 50},
    "exact": {},
    "sa": {"sweeps": 200},
    "pia": {"sweeps": 50},
    "coherent": {"duration": 40.0, "steps": 400},
    "mock": {"topology": ("zephyr", 3), "sweeps": 400, "embeddings": EMBEDDINGS.name},
    "qpu": {"embeddings": EMBEDDINGS.name, "max_qpu_seconds": 20.0},
    "replay": {},
}


@pytest.fixture(params=sorted(set(SAMPLERS) - {"replay"}))
def sampler(request, monkeypatch, tmp_path):
    """Every sampler, `qpu` with a simulated machine; `replay` is what another recorded, see test_hardware."""
    options = OPTIONS[request.param]
    if request.param == "qpu":
        monkeypatch.setenv("DWAVE_API_TOKEN", TOKEN)
        monkeypatch.setattr("dwave.system.DWaveSampler", Machine)
        options = {**options, "record": str(tmp_path / "record")}
    return get_sampler(request.param, **options)


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


WARM = {
    "gibbs": {"sweeps": 20, "beta": (0.1, 0.5)},
    "collapsed": {"sweeps": 20, "beta": (0.1, 0.5)},
    "exact": {"beta": 0.5},
    "sa": {"sweeps": 20, "beta": (0.1, 0.5)},
    "pia": {"sweeps": 20, "beta": 0.5},
    "coherent": {"duration": 1.0},
    "mock": {"topology": ("zephyr", 3), "sweeps": 20, "beta": (0.1, 0.5), "embeddings": EMBEDDINGS.name},
}


@pytest.mark.parametrize("name", sorted(WARM))
def test_reads_differ_between_seeds_and_equal_images_are_read_independently(name):
    """Hot enough that reads differ: as images of equal fields, then as reads of one, then under another seed."""
    images = 400 if name in ("gibbs", "collapsed", "exact") else 40
    problem = random_problem((5, 3), images=1, seed=2, scale=0.3).select(np.zeros(images, int))
    sampler = get_sampler(name, **WARM[name])
    spins, others = (sampler.sample(problem, 8, seed=seed).spins for seed in (3, 4))
    assert not np.array_equal(spins, others)
    values = spins.astype(float) - spins.mean(axis=(0, 1))
    spread = (values**2).mean()
    standard_error = spread / np.sqrt(images * 8 * 8)
    assert abs((values[1:] * values[:-1]).mean()) < 5 * standard_error
    assert abs((values[:, 1:] * values[:, :-1]).mean()) < 5 * standard_error


def test_ground_states_are_found(sampler):
    problem = random_problem((6, 4), images=12, seed=5)
    lowest = lowest_energies(problem).min(axis=1)
    reads = sampler.sample(problem, 20, seed=6)
    assert (reads.energies.min(axis=1) >= lowest - 1e-4).all()
    assert np.mean(np.abs(reads.energies.min(axis=1) - lowest) < 1e-3) >= 0.9


def test_ground_states_of_a_trained_network_are_found(sampler, digits):
    """Weights and fields as training leaves them: unequal, and far larger for some spins than for others."""
    net = QNN((64, 6, 4), seed=0)
    few = digits.only_classes((0, 1, 2))
    train(net, few, get_sampler("exact"), epochs=1, reads=4, seed=0)
    problem = net.problem(few.x_test[:12])
    lowest = lowest_energies(problem).min(axis=1)
    reads = quench(problem, sampler.sample(problem, 20, seed=6))
    assert np.mean(np.abs(reads.energies.min(axis=1) - lowest) < 1e-3) >= 0.9


LIMITS = {
    "exact": ((2, 21), "outputs = 21 .* at most 20"),
    "collapsed": ((2, 2, 2), r"layers = \(2, 2, 2\) .* one hidden layer"),
    "coherent": ((11, 10), "spins = 21 .* at most 20"),
    "mock": ((400, 40), r"layers = \(400, 40\) .* 336 qubits"),
    "gibbs": ((3, 2), "sweeps = 1000000000 .* at most 858993458 for 5 spins"),
}


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_problems_past_a_samplers_limit_are_refused(name):
    layers, message = LIMITS[name]
    options = {"sweeps": 10**9} if name == "gibbs" else OPTIONS[name]
    with pytest.raises(InvalidInput, match=message):
        get_sampler(name, **options).sample(random_problem(layers, images=1, seed=0), 1, seed=0)


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
    with pytest.raises(InvalidInput, match="beta"):
        get_sampler("exact", beta=0.0)


def chi_square_p(observed: np.ndarray, probability: np.ndarray) -> float:
    """P-value of counts against probabilities, rare states pooled so that each cell expects at least five."""
    order = np.argsort(probability)
    expected = probability[order] * observed.sum()
    cell = np.minimum(np.floor(np.cumsum(expected) / 8), np.floor(expected.sum() / 8) - 1)
    cells = np.unique(cell, return_inverse=True)[1]
    return stats.chisquare(np.bincount(cells, observed[order]), np.bincount(cells, expected)).pvalue


def assert_outputs_follow(problem: IsingProblem, outputs: np.ndarray, beta: float) -> None:
    """Outputs (B, R, O) against the exact Boltzmann distribution with the hidden spins summed out."""
    numbers = 1 << np.arange(outputs.shape[2])
    log_weights = output_log_weights(problem, beta)
    exact = np.exp(log_weights - np.logaddexp.reduce(log_weights, axis=1, keepdims=True))
    for states, probability in zip(((outputs > 0) * numbers).sum(axis=-1), exact, strict=True):
        assert chi_square_p(np.bincount(states, minlength=len(probability)), probability) > 1e-3


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "exact"])
def test_outputs_follow_the_boltzmann_distribution(name):
    beta = 0.6
    problem = random_problem((7, 10), images=3, seed=8, scale=0.4)
    sampler = get_sampler("exact", beta=beta) if name == "exact" else get_sampler(name, sweeps=120, beta=(beta, beta))
    assert_outputs_follow(problem, sampler.sample(problem, 40_000, seed=11).spins[..., 7:], beta)


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
    sampler = get_sampler(name, sweeps=5, beta=(0.1, 5.0))
    reads = sampler.sample(problem, 7, seed=1).spins
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    try:
        np.testing.assert_array_equal(reads, sampler.sample(problem, 7, seed=1).spins)
    finally:
        numba.set_num_threads(1)
    np.testing.assert_array_equal(reads[:13], sampler.sample(problem.select(np.arange(13)), 7, seed=1).spins)


@pytest.mark.parametrize("name", ["gibbs", "collapsed"])
def test_paramagnet_energy_of_the_sherrington_kirkpatrick_layers(name):
    """[U] = -beta sigma^2 N_h N_o (1 - [<q_h q_o>]) for gaussian couplings without fields, in equilibrium."""
    hidden = outputs = 40
    sigma, beta = np.sqrt(2 / (hidden + outputs)), 0.5
    random = np.random.default_rng(0)
    energies, products = [], []
    for sample in range(30):
        couplings = (sigma * random.standard_normal((hidden, outputs))).astype(np.float32)
        problem = IsingProblem((hidden, outputs), np.zeros((1, hidden + outputs), np.float32), (couplings,))
        reads = get_sampler(name, sweeps=150 if name == "gibbs" else 30, beta=(beta, beta)).sample(problem, 400, seed=sample)
        spins = reads.spins[0].astype(float)
        energies.append(reads.energies.mean())
        q_hidden, q_outputs = (spins[:200, part] * spins[200:, part] for part in (slice(0, 40), slice(40, 80)))
        products.append((q_hidden.mean(axis=1) * q_outputs.mean(axis=1)).mean())
    expected = -beta * sigma**2 * hidden * outputs * (1 - np.mean(products))
    difference = np.array(energies) + beta * sigma**2 * hidden * outputs * (1 - np.array(products))
    assert abs(np.mean(energies) - expected) < 4 * difference.std() / np.sqrt(30)


def stable_states(problem: IsingProblem, image: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of all configurations of nine spins no single flip lowers, and the energies of all."""
    energies = problem.select(np.array([image])).energy(output_states(9)[None])[0]
    rows = np.arange(512)
    return np.all([energies <= energies[rows ^ (1 << spin)] for spin in range(9)], axis=0), energies


def test_minima_are_the_one_flip_stable_states():
    problem = random_problem((5, 4), images=6, seed=9)
    every, outputs = output_states(9), output_states(4)
    stable_outputs = local_minima(problem)
    for image in range(6):
        stable, _ = stable_states(problem, image)
        assert {tuple(state[5:]) for state in every[stable]} == {tuple(state) for state in outputs[stable_outputs[image]]}


def test_exact_reads_are_the_deepest_minima_in_order():
    problem = random_problem((5, 4), images=6, seed=10)
    reads = get_sampler("exact").sample(problem, 3, seed=0)
    for image in range(6):
        stable, energies = stable_states(problem, image)
        deepest = np.sort(energies[stable])[:3]
        np.testing.assert_allclose(np.unique(reads.energies[image].round(4)), np.unique(deepest.round(4)), atol=2e-4)
        assert reads.energies[image, 0] == pytest.approx(deepest[0], abs=1e-4)


def test_exact_draws_do_not_depend_on_how_images_are_grouped(monkeypatch):
    problem = random_problem((5, 6), images=9, seed=10, scale=0.2)
    sampler = get_sampler("exact", beta=0.5)
    whole = sampler.sample(problem, 6, seed=3).spins
    monkeypatch.setattr("qnn_core.samplers.exact._BLOCK_CELLS", 100)
    np.testing.assert_array_equal(sampler.sample(problem, 6, seed=3).spins, whole)


def test_collapsed_takes_wide_layers_and_strong_couplings():
    """Over many blocks of hidden spins, cold and with fields of all sizes, the outputs still follow their exact distribution."""
    random = np.random.default_rng(5)
    couplings = (random.standard_normal((300, 4)) * random.choice([0.01, 0.3, 3.0], size=(300, 1))).astype(np.float32)
    fields = (random.standard_normal((2, 304)) * 0.5).astype(np.float32)
    problem = IsingProblem((300, 4), fields, (couplings,))
    beta = 0.05
    outputs = get_sampler("collapsed", sweeps=60, beta=(beta, beta)).sample(problem, 40_000, seed=1).spins[..., 300:]
    assert_outputs_follow(problem, outputs, beta)


def test_memory_of_energies_stays_bounded():
    """Energies of a large batch add less than 200 MiB to the spins, which would be 800 MiB as floats."""
    problem = random_problem((60, 20), images=2_500, seed=0)
    spins = np.ones((2_500, 1_000, 80), np.int8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    energies = problem.energy(spins)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    np.testing.assert_allclose(energies[:, 7], problem.energy(spins[:, 7:8])[:, 0], atol=1e-4)


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "sa", "pia"])
def test_reads_do_not_depend_on_the_unit_of_energy(name):
    """Without temperatures of their own, samplers follow the problem's scale: the same problem in another unit gives the same reads."""
    problem = random_problem((9, 4), images=3, seed=2)
    # A power of two, so that no rounding differs.
    scaled = IsingProblem(problem.layers, problem.fields * 8, tuple(matrix * 8 for matrix in problem.couplings))
    first, second = (get_sampler(name, sweeps=10).sample(one, 6, seed=1) for one in (problem, scaled))
    np.testing.assert_array_equal(first.spins, second.spins)
    fixed = get_sampler(name, sweeps=10, beta=0.01 if name == "pia" else (0.01, 0.05))
    assert fixed.sample(problem, 6, seed=1).energies.mean() > first.energies.mean() + 1


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "sa", "pia"])
def test_an_image_is_read_alike_in_any_batch(name):
    """By temperatures of its own choosing too: neighbours of an image that pull a hundred times as hard change none of its reads."""
    problem = random_problem((9, 4), images=3, seed=2)
    fields = problem.fields * np.array([[1], [100], [100]], np.float32)
    company = IsingProblem(problem.layers, fields, problem.couplings)
    alone, among = (get_sampler(name, sweeps=10).sample(one, 20, seed=1) for one in (problem.select(np.array([0])), company))
    np.testing.assert_array_equal(alone.spins[0], among.spins[0])


def test_own_range_goes_by_the_couplings_of_layers():
    """Two layers: the root of <sum J^2> of each, by hand; a layer without couplings has no say."""
    couplings = (np.array([[1.0], [2.0]], np.float32),)
    problem = IsingProblem((2, 1), np.array([[3.0, 4.0, 0.0]], np.float32), couplings)
    hidden, outputs = np.sqrt((1 + 4) / 2), np.sqrt(1 + 4)
    assert own_range(problem) == pytest.approx((1 / outputs, 3 / hidden))
    longer = IsingProblem((2, 1, 3), np.ones((1, 6), np.float32), (*couplings, np.zeros((1, 3), np.float32)))
    assert own_range(longer) == own_range(problem)
    betas = annealing_betas(problem, 10, None)
    assert np.diff(np.log(betas[:8]), n=2) == pytest.approx(np.zeros(6), abs=1e-5)
    assert betas[7] == pytest.approx(3 / hidden)
    assert (betas[8:] > 100 * betas[7]).all()
    np.testing.assert_allclose(annealing_betas(problem, 3, (0.1, 10.0)), [0.1, 1, 10], rtol=1e-5)
    alone = IsingProblem((2,), np.array([[-0.5, 2.0]], np.float32), ())
    assert (get_sampler("gibbs").sample(alone, 20, seed=0).spins == [-1, 1]).all()
    still = IsingProblem((2,), np.zeros((1, 2), np.float32), ())
    assert np.isfinite(get_sampler("gibbs").sample(still, 2, seed=0).energies).all()


@pytest.mark.parametrize(("name", "least"), [("collapsed", 0.7), ("gibbs", 0.1), ("sa", 0.1)])
def test_reads_end_in_ground_states(name, least):
    """K_256,10 as a network starts: the share of reads of 100 sweeps that are the exact ground state, found by enumeration."""
    net = QNN((16, 256, 10), seed=0)
    problem = net.problem(np.random.default_rng(1).uniform(-1, 1, (20, 16)).astype(np.float32))
    lowest = lowest_energies(problem).min(axis=1, keepdims=True)
    reads = get_sampler(name, sweeps=100).sample(problem, 20, seed=0)
    assert (reads.energies <= lowest + 1e-2).mean() > least


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "sa", "pia"])
def test_descending_reads_are_minima_below_those_of_the_sampler(name):
    problem = random_problem((9, 4), images=3, seed=2)
    options = {"sweeps": 5, "beta": 0.3 if name == "pia" else (0.1, 0.3)}
    hot, finished = (get_sampler(name, **options, descend=descend).sample(problem, 6, seed=1) for descend in (False, True))
    assert (finished.energies <= hot.energies + 1e-4).all()
    assert (finished.energies < hot.energies - 1e-3).any()
    for spin in range(problem.num_spins):
        flipped = finished.spins.copy()
        flipped[..., spin] *= -1
        assert (problem.energy(flipped) >= finished.energies - 1e-4).all()
    np.testing.assert_allclose(finished.energies, problem.energy(finished.spins), atol=1e-5)
    assert get_sampler(name, descend=True).kind.endswith("finished by descent")


@pytest.mark.parametrize("name", ["collapsed", "exact"])
def test_spins_that_do_not_interact_are_drawn_alike_by_all(name):
    """Hidden spins with the outputs held: P(+1) = 1 / (1 + exp(-2 beta h)); without a temperature each follows its field."""
    fields = np.array([[0.3, -1.0, 2.0, 0.0]], np.float32)
    problem = IsingProblem((4,), fields, ())
    sampler = get_sampler(name, beta=(0.8, 0.8) if name == "collapsed" else 0.8)
    found = sampler.sample(problem, 40_000, seed=1).spins[0].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(found, np.tanh(0.8 * fields[0]), atol=0.02)
    if name == "exact":
        assert (get_sampler("exact").sample(problem, 3, seed=0).spins[0] == [1, -1, 1, 1]).all()
