"""Learning rules against exact enumeration and automatic differentiation, and what each of them makes of a network."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from qnn_core import QNN, InvalidInput, get_sampler, train
from qnn_core.answers import own_answers
from qnn_core.cutting import cut_gradient
from qnn_core.rules import Batch, Rule
from qnn_core.samplers.base import Reads
from qnn_core.samplers.exact import output_states


@dataclasses.dataclass(frozen=True)
class Shows:
    """A sampler that shows given states, whatever the problem."""

    spins: np.ndarray
    name = kind = "shows"

    def sample(self, problem, num_reads, _seed):
        spins = np.broadcast_to(self.spins, (problem.num_images, num_reads, problem.num_spins)).copy()
        return Reads(spins, problem.energy(spins), {"spin_updates": 0})


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return random.uniform(-1, 1, (6, 6)).astype(np.float32), random.integers(0, 3, 6)


def batch_of(net, x, labels, sampler, num_reads, seed=0):
    return Batch(net, x, labels, net.problem(x), sampler, num_reads, seed)


class Enumerated:
    """Energies of all configurations of a network of one hidden layer, as functions of its parameters that torch can differentiate."""

    def __init__(self, net, x, labels):
        self.parameters = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in net.parameters]
        self.x, self.labels = torch.tensor(x, dtype=torch.float64), labels
        hidden, outputs = net.layers
        states = np.array(list(itertools.product((-1, 1), repeat=hidden + outputs)), np.int8)
        self.outputs = states[:, hidden:]
        self.hidden, self.shown = (torch.tensor(part, dtype=torch.float64) for part in np.split(states, [hidden], axis=1))
        self.codes = torch.tensor(net.codes, dtype=torch.float64)
        self.held = torch.tensor((self.outputs[None] == net.codes[labels][:, None]).all(axis=2))
        self.wrong = torch.tensor(net.is_wrong(np.repeat(self.outputs[None], len(x), axis=0), labels))

    @property
    def energies(self):
        """(B, 2^N)"""
        inputs, couplings, hidden, outputs = self.parameters
        driven = self.x @ inputs + hidden
        own = torch.einsum("kh,ho,ko->k", self.hidden, couplings, self.shown) + self.shown @ outputs
        return -(driven @ self.hidden.T) - own

    def free_energies(self, energies, beta):
        return -torch.logsumexp(-beta * energies, dim=1) / beta

    def gradients(self, objective):
        return [value.numpy() for value in torch.autograd.grad(objective, self.parameters)]


def gradients_of(contrast, batch):
    return cut_gradient(batch.net, batch.x, contrast.lowered, contrast.raised, contrast.weights)


def agree(found, expected, atol):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=atol)


def test_boltzmann_learning_follows_the_likelihood(small_net, images):
    """Mean over many exact draws against the gradient of -ln P(answer | image) / beta over all 2^11 configurations."""
    x, labels = images
    beta = 0.4
    world = Enumerated(small_net, x, labels)
    energies = world.energies
    held = world.free_energies(energies.masked_fill(~world.held, torch.inf), beta)
    expected = world.gradients((held - world.free_energies(energies, beta)).mean())
    batch = batch_of(small_net, x, labels, get_sampler("exact", beta=beta), 4000)
    contrast = Rule("boltzmann").contrast(batch)
    agree(gradients_of(contrast, batch), expected, atol=0.03)
    assert max(np.abs(value).max() for value in expected) > 0.3
    assert contrast.effort["anneals"] == 2 * 6 * 4000


def test_equilibrium_propagation_follows_the_nudged_free_energy(small_net, images):
    x, labels = images
    beta, nudge = 0.4, 0.8
    world = Enumerated(small_net, x, labels)
    energies = world.energies
    nudged = energies - nudge * (world.codes[labels] @ world.shown.T)
    expected = world.gradients((world.free_energies(nudged, beta) - world.free_energies(energies, beta)).mean() / nudge)
    batch = batch_of(small_net, x, labels, get_sampler("exact", beta=beta), 6000)
    contrast = Rule("equilibrium", weighting="uniform", nudge=nudge).contrast(batch)
    agree(gradients_of(contrast, batch), expected, atol=0.05)
    assert max(np.abs(value).max() for value in expected) > 0.2


def test_equilibrium_propagation_of_ground_states(small_net, images):
    """At zero temperature: the ground state without and with the nudge, both by enumeration."""
    x, labels = images
    world = Enumerated(small_net, x, labels)
    energies = world.energies
    nudged = energies - 2.0 * (world.codes[labels] @ world.shown.T)
    expected = world.gradients(((nudged.min(dim=1).values - energies.min(dim=1).values) / 2.0).mean())
    batch = batch_of(small_net, x, labels, get_sampler("exact"), 5)
    contrast = Rule("equilibrium", nudge=2.0).contrast(batch)
    agree(gradients_of(contrast, batch), expected, atol=1e-5)
    assert max(np.abs(value).max() for value in expected) > 0.1


@pytest.mark.parametrize("copies", [1, 2])
def test_heads_as_they_are_follow_the_perceptron_loss_of_the_ground_state(images, copies):
    """E(clamped) - min E where the ground state is wrong, by enumeration of all configurations."""
    x, labels = images
    net = QNN((6, 5, 3), copies=copies, seed=5, glass=2.0)
    world = Enumerated(net, x, labels)
    energies = world.energies
    lowest, ground = energies.min(dim=1)
    lost = world.wrong[torch.arange(6), ground]
    clamped = energies.masked_fill(~world.held, torch.inf).min(dim=1).values
    expected = world.gradients(((clamped - lowest) * lost).sum() / 6)
    assert lost.sum() > 0
    batch = batch_of(net, x, labels, get_sampler("exact"), 1)
    contrast = Rule("as-read", margin=0.0).contrast(batch)
    agree(gradients_of(contrast, batch), expected, atol=1e-5)
    np.testing.assert_array_equal(contrast.heads[:, 0], lost.numpy())


def test_completed_heads_follow_the_hinge_loss_of_the_classes(small_net, images):
    """E(right) - min E(wrong class) where that is within the margin, by enumeration, when the reads show every class."""
    x, labels = images
    world = Enumerated(small_net, x, labels)
    energies = world.energies
    codes = [torch.tensor((world.outputs == code).all(axis=1)) for code in small_net.codes]
    classes = torch.stack([energies.masked_fill(~code, torch.inf).min(dim=1).values for code in codes], dim=1)
    right = classes[torch.arange(6), labels]
    others = classes.masked_fill(torch.nn.functional.one_hot(torch.tensor(labels), 3).bool(), torch.inf).min(dim=1).values
    active = others <= right + 3.0
    expected = world.gradients(((right - others) * active).sum() / 6)
    assert 0 < active.sum() < 6
    every = np.concatenate([np.ones((3, 5), np.int8), small_net.codes], axis=1)
    batch = batch_of(small_net, x, labels, Shows(every), 3)
    contrast = Rule("completed", margin=3.0).contrast(batch)
    agree(gradients_of(contrast, batch), expected, atol=1e-5)


def test_both_is_half_of_each(small_net, images):
    x, labels = images
    batch = batch_of(small_net, x, labels, get_sampler("gibbs", sweeps=5), 6)
    parts = [gradients_of(Rule(name).contrast(batch), batch) for name in ("as-read", "completed", "both")]
    agree(parts[2], [(one + other) / 2 for one, other in zip(*parts[:2], strict=True)], atol=1e-6)
    assert not np.allclose(parts[0][1], parts[1][1], atol=1e-3)


@pytest.mark.parametrize(("name", "kept"), [("as-read", True), ("both", True), ("completed", False)])
def test_only_what_should_be_completed_is(small_net, images, name, kept):
    """A read whose outputs are no code is raised as it was read, unless the rule completes it."""
    x, labels = images
    between = np.ones((1, 11), np.int8)
    contrast = Rule(name, margin=1e6).contrast(batch_of(small_net, x, labels, Shows(between), 1))
    raised = contrast.raised[contrast.weights > 0]
    assert (raised == between).all(axis=1).any() == kept
    assert contrast.weights.sum(axis=1) == pytest.approx(np.ones(6))


@pytest.mark.parametrize("name", ["both", "as-read", "completed", "boltzmann", "equilibrium"])
def test_every_rule_learns_and_all_but_one_order_the_ground_state(digits, name):
    """The annealer's own answer is the ground state, found exactly: it is near the deployed one, and far from it if reads were completed."""
    data = digits.only_classes((0, 1, 2, 3, 4))
    net = QNN((64, 24, 5), copies=2, seed=0, centre=data.x_train.mean(axis=0))
    beta = (0.1, 1.0) if name == "boltzmann" else None
    history = train(net, data, get_sampler("gibbs", sweeps=20, beta=beta), epochs=10, batch_size=10, reads=5, rule=name, seed=0)
    deployed = history.test_error[-1]
    own = own_answers(net, data.x_test, data.y_test, get_sampler("exact"), 1).wrong.mean()
    assert deployed < 0.04 < history.test_error[0]
    assert (own > deployed + 0.1) if name == "completed" else (own <= deployed + 0.02)


def test_own_answers_are_those_of_enumerated_ground_states(digits):
    """A trained digits network: -sum_j |a_j + (W o)_j| - b.o of all 1024 outputs, against the deepest exact read and that of ten anneals."""
    net = QNN((64, 30, 10), seed=0, centre=digits.x_train.mean(axis=0))
    train(net, digits, epochs=8, batch_size=10, reads=5, seed=0)
    x, labels = digits.x_test, digits.y_test
    every = output_states(10).astype(np.float64)
    driven = net.measured(x) @ net.weights[0] + net.biases[0]
    energies = -np.abs(driven[:, None] + every @ net.weights[1].T).sum(axis=2) - every @ net.biases[1]
    ground = every[energies.argmin(axis=1)]
    exact = (ground == net.codes[labels]).all(axis=1)
    level = ground @ net.codes.T
    rivals = np.where(np.eye(10, dtype=bool)[labels], -np.inf, level).max(axis=1)
    wrong = rivals >= level[np.arange(len(x)), labels]
    right_energy = net.class_energies(x)[np.arange(len(x)), labels]
    below = energies.min(axis=1) < right_energy - 1e-3
    found = own_answers(net, x, labels, get_sampler("exact"), 3)
    np.testing.assert_array_equal(found.wrong, wrong)
    np.testing.assert_array_equal(found.exact, exact)
    np.testing.assert_array_equal(found.below, below)
    assert found.wrong.mean() <= net.error(x, labels) + 0.01
    annealed = own_answers(net, x, labels, get_sampler("gibbs", sweeps=100), 10)
    assert (annealed.wrong != wrong).mean() < 0.02
    assert annealed.below.mean() <= below.mean() + 0.01


def test_overlap_and_wrong_reads(small_net, images):
    x, labels = images
    clamped = small_net.clamped(x, labels)
    turned = clamped.copy()
    turned[:, :4] *= -1

    class Half:
        name = kind = "half"

        def sample(self, problem, _num_reads, _seed):
            spins = np.stack([clamped, turned, -clamped], axis=1)
            return Reads(spins, problem.energy(spins), {"spin_updates": 0})

    found = own_answers(small_net, x, labels, Half(), 3)
    np.testing.assert_allclose(found.overlap, np.full(6, (1 + 3 / 11 - 1) / 3), rtol=1e-5)
    np.testing.assert_allclose(found.reads_wrong, np.full(6, 1 / 3), rtol=1e-5)


def test_settings_that_cannot_be_used_are_refused():
    for wrong, named in (
        ({"name": "cut"}, "name = 'cut'"),
        ({"margin": -1.0}, "margin = -1.0"),
        ({"nudge": 0.0}, "nudge = 0.0"),
        ({"code_reads": 0}, "code_reads = 0"),
        ({"weighting": "all"}, "weighting = 'all'"),
        ({"wrong": "some"}, "wrong = 'some'"),
        ({"name": "completed", "wrong": "spins"}, "wrong = 'spins'"),
    ):
        # What is no choice at all is stopped by the shape checker here, and by the rule itself elsewhere.
        with pytest.raises(Exception, match=named.split(" = ")[0]):
            Rule(**wrong)
    with pytest.raises(InvalidInput, match="wrong = 'spins'"):
        Rule("completed", wrong="spins")


def test_reads_of_rules_are_reproducible(small_net, images):
    x, labels = images
    for name in ("boltzmann", "equilibrium", "both"):
        batch = batch_of(small_net, x, labels, get_sampler("gibbs", sweeps=3), 4, seed=7)
        first, again = (Rule(name).contrast(batch) for _ in range(2))
        np.testing.assert_array_equal(first.raised, again.raised)
        np.testing.assert_array_equal(first.lowered, again.lowered)
