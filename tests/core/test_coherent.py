"""Coherent dynamics against matrix exponentials."""

import functools

import numpy as np
import pytest
from conftest import random_problem
from scipy import stats
from scipy.linalg import expm
from scipy.sparse import csr_array
from scipy.sparse.linalg import expm_multiply

from qnn_core import InvalidInput, MissingData, get_sampler
from qnn_core.samplers.coherent import AnnealingUnitary, all_energies, configurations
from qnn_core.samplers.schedule import load_schedule

X = np.array([[0, 1], [1, 0]])


def exact_evolution(energies: np.ndarray, duration: float, steps: int, schedule: str) -> np.ndarray:
    """The annealed state by matrix exponentials of the full H(s), constant over short intervals."""
    spins = len(energies).bit_length() - 1
    field = np.zeros((len(energies), len(energies)))
    for spin in range(spins):
        # Bit 0 is the fastest-running index, so its factor stands rightmost in the Kronecker product.
        field += functools.reduce(np.kron, [X if other == spin else np.eye(2) for other in reversed(range(spins))])
    state = np.full(len(energies), len(energies) ** -0.5, complex)
    for step in range(steps):
        transverse, strength = (float(value[0]) for value in load_schedule(schedule).at(np.array([(step + 0.5) / steps])))
        generator = -1j * duration / steps * (-transverse * field + strength * np.diag(energies))
        state = expm(generator) @ state if spins < 6 else expm_multiply(csr_array(generator), state, traceA=generator.trace())
    return state


@pytest.fixture(scope="module")
def problem():
    return random_problem((3, 2), images=2, seed=0)


@pytest.mark.parametrize("schedule", ["linear", "dwave-like"])
@pytest.mark.parametrize("layers", [(3, 2), (5, 3)])
def test_evolution_is_the_matrix_exponential(layers, schedule):
    problem = random_problem(layers, images=2, seed=0, scale=0.5)
    unitary = AnnealingUnitary(all_energies(problem), 3.0, 3000, load_schedule(schedule))
    state = unitary.apply(unitary.start)
    steps = 1500 if layers == (3, 2) else 600
    for image in range(2):
        exact = exact_evolution(unitary.energies[image], 3.0, steps, schedule)
        np.testing.assert_allclose(state[image], exact, atol=2e-4)


def test_the_norm_of_twenty_spins_is_conserved():
    problem = random_problem((12, 8), images=1, seed=3)
    unitary = AnnealingUnitary(all_energies(problem), 5.0, 12, load_schedule("dwave-like"))
    assert np.linalg.norm(unitary.apply(unitary.start)) == pytest.approx(1, abs=1e-10)


def test_reads_are_drawn_from_the_final_state():
    problem = random_problem((4, 3), images=2, seed=4, scale=0.4)
    sampler = get_sampler("coherent", duration=2.0, steps=60, schedule="dwave-like")
    spins = sampler.sample(problem, 40_000, seed=5).spins
    unitary = AnnealingUnitary(all_energies(problem), 2.0, 60, load_schedule("dwave-like"))
    probability = np.abs(unitary.apply(unitary.start)) ** 2
    for image in range(2):
        rows = ((spins[image] > 0) * (1 << np.arange(7))).sum(axis=1)
        expected = probability[image] * 40_000
        common = expected >= 8
        observed = np.bincount(rows, minlength=128)
        cells = [np.append(counts[common], counts[~common].sum() + 1e-9) for counts in (observed, expected)]
        assert stats.chisquare(*cells).pvalue > 1e-3


def test_images_evolve_as_if_alone(monkeypatch):
    problem = random_problem((4, 3), images=5, seed=4, scale=0.4)
    sampler = get_sampler("coherent", duration=2.0, steps=20)
    together = sampler.sample(problem, 10, seed=5).spins
    monkeypatch.setattr("qnn_core.samplers.coherent._BLOCK_AMPLITUDES", 256)
    np.testing.assert_array_equal(sampler.sample(problem, 10, seed=5).spins, together)
    np.testing.assert_array_equal(sampler.sample(problem.select(np.arange(3)), 10, seed=5).spins, together[:3])


def test_tables_of_schedules(tmp_path):
    dwave = load_schedule("dwave-like")
    transverse, strength = dwave.at(np.array([0.0, 0.25, 0.6, 1.0]))
    assert transverse[0] == 1
    assert transverse[3] == 0
    assert (np.diff(transverse) < 0).all()
    assert (np.diff(strength) > 0).all()
    table = tmp_path / "mine.csv"
    table.write_text("s, A, B\n0,2,0\n0.5,1,1\n1,0,4\n")
    np.testing.assert_allclose(load_schedule(str(table)).at(np.array([0.75])), [[0.5], [2.5]])
    for content, message in (
        ("s,A\n0,1\n", "first line is s,A,B"),
        ("s,A,B\n0,1,0\n1,nan,1\n", "A = "),
        ("s,A,B\n0,1,0\n0.5,0,1\n", "the first 0 and the last 1"),
        ("s,A,B\n0,1,zero\n1,0,1\n", "a table of numbers"),
        ("s,A,B\n0,1\n1,0\n", "three numbers"),
    ):
        table.write_text(content)
        with pytest.raises(InvalidInput, match=message):
            load_schedule(str(table))
    with pytest.raises(InvalidInput, match="one of dwave-like, linear, or the path"):
        load_schedule("quadratic")
    with pytest.raises(MissingData, match="is not there"):
        load_schedule(str(tmp_path / "none.csv"))


def test_trotter_error_falls_with_the_square_of_the_step(problem):
    energies = all_energies(problem)
    fine = AnnealingUnitary(energies, 3.0, 6400)
    exact = fine.apply(fine.start)
    errors = []
    for steps in (100, 200, 400):
        unitary = AnnealingUnitary(energies, 3.0, steps)
        errors.append(np.abs(unitary.apply(unitary.start) - exact).max())
    assert 3.5 < errors[0] / errors[1] < 4.5
    assert 3.5 < errors[1] / errors[2] < 4.5


def test_norm_is_conserved_and_the_inverse_undoes_the_anneal(problem):
    unitary = AnnealingUnitary(all_energies(problem), 5.0, 100)
    random = np.random.default_rng(1)
    state = random.standard_normal((2, 32)) + 1j * random.standard_normal((2, 32))
    state /= np.linalg.norm(state, axis=1, keepdims=True)
    forward = unitary.apply(state)
    np.testing.assert_allclose(np.linalg.norm(forward, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(unitary.apply(forward, backwards=True), state, atol=1e-12)
    assert np.abs(forward - state).max() > 0.1


def test_slow_anneals_end_in_the_ground_state(problem):
    energies = all_energies(problem)
    lowest = energies.argmin(axis=1)
    weights = []
    for duration in (0.1, 200.0):
        unitary = AnnealingUnitary(energies, duration, max(100, int(20 * duration)))
        state = unitary.apply(unitary.start)
        weights.append(np.abs(state[[0, 1], lowest]) ** 2)
    assert (weights[1] > 0.98).all()
    np.testing.assert_allclose(weights[0], 1 / 32, atol=0.02)


def test_energies_of_all_configurations(problem):
    energies = all_energies(problem)
    for row, spins in enumerate(configurations(5)):
        assert spins.tolist() == [1 if row >> spin & 1 else -1 for spin in range(5)]
        expected = problem.energy(np.broadcast_to(spins, (2, 1, 5)).copy())[:, 0]
        np.testing.assert_allclose(energies[:, row], expected, atol=1e-5)


def test_bad_input_is_refused(problem):
    energies = all_energies(problem)
    with pytest.raises(InvalidInput, match="duration = 0"):
        AnnealingUnitary(energies, 0.0, 10)
    with pytest.raises(InvalidInput, match="steps = 0"):
        AnnealingUnitary(energies, 1.0, 0)
