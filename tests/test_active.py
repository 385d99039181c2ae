"""Windows of a deep network against the energy of the whole."""

import numpy as np
import pytest
from conftest import random_problem, random_spins

from qnn_core import InvalidInput, get_sampler
from qnn_core.active import WindowSampler, window_problem, window_size


@pytest.mark.parametrize(("first", "width"), [(0, 1), (0, 2), (1, 1), (1, 2), (2, 2), (1, 3), (0, 4)])
def test_window_energies_differ_from_the_whole_by_a_constant(first, width):
    problem = random_problem((3, 4, 2, 3), images=2, seed=0)
    frozen = random_spins(problem, reads=1, seed=1)[:, 0]
    part = window_problem(problem, frozen, first, width)
    inside = random_spins(part, reads=6, seed=2)
    start = problem.layer_slices[first].start
    whole = np.repeat(frozen[:, None], 6, axis=1)
    whole[..., start : start + part.num_spins] = inside
    difference = problem.energy(whole) - part.energy(inside)
    np.testing.assert_allclose(difference, difference[:, :1] * np.ones(6), atol=1e-4)


def test_a_window_over_everything_is_the_sampler_itself():
    problem = random_problem((3, 4, 2), images=3, seed=0)
    gibbs = get_sampler("gibbs", sweeps=5)
    expected = gibbs.sample(problem, 4, seed=9).spins
    np.testing.assert_array_equal(WindowSampler(gibbs, 3).sample(problem, 4, seed=9).spins, expected)


def test_sampled_windows_lower_the_energy_of_the_forward_pass():
    problem = random_problem((6, 5, 4), images=20, seed=3)
    cold = get_sampler("gibbs", sweeps=30, beta=(0.1, 20.0))
    lowest = cold.sample(problem, 30, seed=0).energies.min(axis=1)
    windowed = {width: WindowSampler(cold, width, passes=3).sample(problem, 10, seed=1) for width in (1, 2)}
    for reads in windowed.values():
        np.testing.assert_allclose(reads.energies, problem.energy(reads.spins), atol=1e-4)
        assert (reads.energies >= lowest[:, None] - 1e-3).all()
    assert windowed[2].energies.mean() < windowed[1].energies.mean()


def test_sizes_of_windows():
    assert window_size((64, 32, 10), 1) == {"spins": 64, "couplers": 0}
    assert window_size((64, 32, 10), 2) == {"spins": 96, "couplers": 2048}
    assert window_size((64, 32, 10), 3) == {"spins": 106, "couplers": 2368}


def test_impossible_windows_are_refused():
    problem = random_problem((3, 2), images=1, seed=0)
    with pytest.raises(InvalidInput, match="window"):
        window_problem(problem, random_spins(problem, 1, 0)[:, 0], 1, 2)
    with pytest.raises(InvalidInput, match="width = 0"):
        WindowSampler(get_sampler("gibbs"), 0)
