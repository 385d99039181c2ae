"""Samplers as people have them: any of Ocean's trains, ours stand in the place of Ocean's, and what is neither is named."""

import unittest

import dimod
import dimod.testing
import numpy as np
import pytest
from conftest import random_problem
from dwave.preprocessing import SpinReversalTransformComposite
from dwave.samplers import (
    PathIntegralAnnealingSampler,
    RandomSampler,
    SimulatedAnnealingSampler,
    SteepestDescentSampler,
    TabuSampler,
    TreeDecompositionSampler,
)
from dwave.system import EmbeddingComposite
from dwave.system.testing import MockDWaveSampler

from qnn_core import QNN, InvalidInput, get_sampler, train
from qnn_core.errors import AnnealerError
from qnn_core.ising import relax
from qnn_core.samplers import OceanSampler, as_dimod
from qnn_core.samplers.exact import lowest_energies
from qnn_core.samplers.gibbs import GibbsSampler


class OneRead(dimod.Sampler):
    """A hybrid solver in small: no reads to ask for, no seed, one answer, binary, its variables in an order of its own."""

    parameters = {"time_limit": []}  # noqa: RUF012
    properties = {}  # noqa: RUF012

    def sample(self, bqm, time_limit=None):  # noqa: ARG002
        found = SteepestDescentSampler().sample(bqm, num_reads=1, seed=1)
        order = sorted(bqm.variables, key=lambda variable: -variable)
        states = (found.samples()[0][variable] for variable in order)
        answer = dimod.SampleSet.from_samples_bqm((list(states), order), bqm)
        return answer.change_vartype("BINARY", inplace=False)


PUBLIC = {
    "tabu": lambda: (TabuSampler(), {"timeout": 5}),
    "simulated annealing": lambda: (SimulatedAnnealingSampler(), {"num_sweeps": 50}),
    "path integral": lambda: (PathIntegralAnnealingSampler(), {"num_sweeps": 50}),
    "steepest descent": lambda: (SteepestDescentSampler(), {}),
    "random": lambda: (RandomSampler(), {}),
    "tree": lambda: (TreeDecompositionSampler(), {"beta": 5.0}),
    "exact": lambda: (dimod.ExactSolver(), {}),
    "spin reversal": lambda: (SpinReversalTransformComposite(TabuSampler(), seed=0), {"num_spin_reversal_transforms": 2, "timeout": 5}),
    "embedded": lambda: (EmbeddingComposite(MockDWaveSampler(topology_type="zephyr", topology_shape=[2, 4], parameter_warnings=False)), {}),
    "one read": lambda: (OneRead(), {"time_limit": 3}),
}  # fmt: skip


@pytest.fixture(params=PUBLIC)
def ocean(request):
    sampler, options = PUBLIC[request.param]()
    return get_sampler(sampler, **options)


def test_every_sampler_of_ocean_gives_what_was_asked_for(ocean):
    problem = random_problem((5, 3), images=3, seed=0)
    reads = ocean.sample(problem, 4, seed=1)
    assert reads.spins.shape == (3, 4, 8)
    assert reads.spins.dtype == np.int8
    assert set(np.unique(reads.spins)) <= {-1, 1}
    for image in range(3):
        expected = problem.to_bqm(image).energies((reads.spins[image], range(8)))
        np.testing.assert_allclose(reads.energies[image], expected, atol=1e-4)
    assert reads.info["spin_updates"] == 0
    assert reads.info["kernel_seconds"] > 0
    assert "quantum" not in ocean.kind
    assert type(ocean.sampler).__name__ in ocean.kind


def test_every_sampler_of_ocean_trains(ocean, digits):
    few = digits.only_classes((0, 1)).take(8, seed=0)
    net = QNN((64, 3, 2), seed=0)
    before = [parameter.copy() for parameter in net.parameters]
    history = train(net, few, ocean, epochs=1, reads=2, batch_size=4, asked=2)
    assert history.reads[-1] == 16
    assert any((one != other).any() for one, other in zip(before, net.parameters, strict=True))


def test_a_sampler_is_accepted_by_name_as_an_object_or_from_ocean(digits):
    few = digits.only_classes((0, 1)).take(20, seed=0)

    class Ours:
        name, kind = "ours", "a sampler of somebody's own"

        def sample(self, problem, num_reads, seed):
            return GibbsSampler().sample(problem, num_reads, seed)

    nets = []
    for sampler in ("gibbs", GibbsSampler(), Ours()):
        net = QNN((64, 4, 2), seed=0)
        train(net, few, sampler, epochs=1, reads=2, batch_size=10, asked=0)
        nets.append(net.parameters)
    for other in nets[1:]:
        for one, two in zip(nets[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("sampler", "sentence"),
    [
        ("tabu", "sampler = 'tabu' is not usable: expected one of gibbs"),
        (TabuSampler, "a name, a sampler of Ocean, or an object with name, kind and sample"),
        (3, "sampler = 3 is not usable"),
        (MockDWaveSampler(), "EmbeddingComposite"),
    ],
)
def test_what_is_no_sampler_is_named_before_any_work(sampler, sentence, digits):
    with pytest.raises(InvalidInput, match=sentence):
        train(QNN((64, 4, 2)), digits.only_classes((0, 1)), sampler)


def test_options_of_a_sampler_that_has_its_own_are_refused():
    with pytest.raises(InvalidInput, match="with its options set"):
        get_sampler(GibbsSampler(), sweeps=5)


class Listed(dimod.Sampler):
    """Gives fixed states, each as often as told, without any figures."""

    parameters = properties = {}  # noqa: RUF012

    def __init__(self, states, times):
        self.states, self.times = states, times

    def sample(self, bqm):
        variables = list(bqm.variables)[::-1]
        states = np.array(self.states, np.int8).reshape(-1, len(variables))[:, ::-1]
        return dimod.SampleSet.from_samples_bqm((states, variables), bqm, num_occurrences=self.times)


def test_multiplicities_few_and_many_reads():
    problem = random_problem((2, 1), images=1, seed=3)
    up, down, mixed = [1, 1, 1], [-1, -1, -1], [1, -1, 1]
    by_energy = sorted((up, down, mixed), key=lambda state: problem.energy(np.array([[state]], np.int8)).item())
    reads = get_sampler(Listed([up, down], [2, 1])).sample(problem, 3, seed=0)
    assert reads.spins[0].tolist() == [up, up, down]
    fewer = get_sampler(Listed([up, mixed], [1, 1])).sample(problem, 5, seed=0)
    assert fewer.spins[0].tolist() == [up, mixed, up, mixed, up]
    assert fewer.info["reads_an_image"] == 2
    more = get_sampler(Listed([up, down, mixed], [1, 3, 2])).sample(problem, 1, seed=0)
    assert more.spins[0].tolist() == by_energy[:1]
    with pytest.raises(AnnealerError, match="Listed gave no reads"):
        get_sampler(Listed([], [])).sample(problem, 1, seed=0)


def test_seeds_reach_the_sampler_and_images_differ():
    problem = random_problem((6, 4), images=1, seed=1, scale=0.1).select(np.zeros(6, int))
    sampler = get_sampler(RandomSampler())
    first, again, other = (sampler.sample(problem, 5, seed=seed).spins for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert len({image.tobytes() for image in first}) == 6


def test_descent_and_names_that_do_not_change_from_run_to_run():
    problem = random_problem((6, 4), images=4, seed=1)
    reads = get_sampler(RandomSampler(), descend=True).sample(problem, 5, seed=0)
    np.testing.assert_array_equal(reads.spins, relax(problem, reads.spins))
    composed = OceanSampler(SpinReversalTransformComposite(TabuSampler()), {"timeout": 5})
    assert repr(composed) == "OceanSampler(SpinReversalTransformComposite(TabuSampler), timeout=5)"


# The other way round


for name, options in (("gibbs", {"sweeps": 20}), ("exact", {}), ("sa", {"sweeps": 20})):
    globals()[f"TestAsDimod{name}"] = dimod.testing.load_sampler_bqm_tests(as_dimod(name, **options))(
        type(f"TestAsDimod{name}", (unittest.TestCase,), {"__doc__": "Ocean's own tests of samplers."})
    )


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "exact", "sa", "pia", "coherent"])
def test_ours_have_the_interface_of_oceans_and_find_ground_states(name):
    problem = random_problem((6, 4), images=3, seed=2)
    sampler = as_dimod(name)
    dimod.testing.assert_sampler_api(sampler)
    assert sampler.properties["kind"] == get_sampler(name).kind
    for image, lowest in enumerate(lowest_energies(problem).min(axis=1)):
        bqm = problem.to_bqm(image)
        answer = sampler.sample(bqm.change_vartype("BINARY", inplace=False), num_reads=20, seed=image)
        assert answer.first.energy == pytest.approx(lowest, abs=1e-3)
        dimod.testing.assert_sampleset_energies(answer, bqm.change_vartype("BINARY", inplace=False), precision=3)


def test_a_network_of_three_layers_under_any_names_is_two_sides():
    problem = random_problem((4, 3, 2), images=1, seed=4)
    bqm = problem.to_bqm(0)
    lowest = dimod.ExactSolver().sample(bqm).first
    names = {spin: f"spin {spin}" for spin in range(9)}
    answer = as_dimod("exact").sample(bqm.relabel_variables(names, inplace=False), num_reads=5, seed=0)
    assert answer.first.energy == pytest.approx(lowest.energy, abs=1e-4)
    assert answer.first.sample == {names[spin]: state for spin, state in lowest.sample.items()}


def test_rings_of_odd_length_are_refused_and_their_zeros_are_not():
    ring = {("a", "b"): 1.0, ("b", "c"): 1.0, ("c", "a"): 1.0}
    with pytest.raises(InvalidInput, match="between two sides only"):
        as_dimod("gibbs").sample_ising({}, ring)
    answer = as_dimod("gibbs").sample_ising({"a": 1.0}, {**ring, ("c", "a"): 0.0}, seed=0)
    assert answer.first.energy == -3


def test_ours_go_where_oceans_go():
    """In a composite of Ocean, and back as one of ours."""
    problem = random_problem((5, 3), images=2, seed=5)
    composed = SpinReversalTransformComposite(as_dimod("gibbs", sweeps=100))
    reads = get_sampler(composed).sample(problem, 10, seed=0)
    np.testing.assert_allclose(reads.energies.min(axis=1), lowest_energies(problem).min(axis=1), atol=1e-3)
