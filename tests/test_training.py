"""Cuts against automatic differentiation, and training against what it promises."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from conftest import random_spins

from qnn_core import QNN, DamagedFile, InvalidInput, get_sampler, train, train_backprop
from qnn_core.backprop import Binary, EnergyScores
from qnn_core.cutting import code_reads, complete, cut_gradient, find_heads, head_weights
from qnn_core.data import Dataset
from qnn_core.errors import Diverged
from qnn_core.history import evaluation_steps, log_spaced_steps, minibatches, snapshots_of
from qnn_core.rules import Rule
from qnn_core.samplers.base import Reads
from qnn_core.samplers.exact import output_log_weights
from qnn_core.training import TrainingWarning, default_rate


def easy_data(seed=0, train_images=60, test_images=40):
    """Three classes of noisy 3 x 3 patterns that a small network can tell apart."""
    random = np.random.default_rng(seed)
    patterns = random.choice([-1.0, 1.0], size=(3, 9))

    def draw(count):
        labels = random.integers(0, 3, count)
        labels[:3] = [0, 1, 2]
        noisy = patterns[labels] + 0.4 * random.standard_normal((count, 9))
        return np.clip(noisy, -1, 1).astype(np.float32), labels.astype(np.int64)

    return Dataset("easy", *draw(train_images), *draw(test_images), (3, 3))


@pytest.mark.parametrize("sizes", [(9, 5, 3), (9, 5, 4, 3)])
def test_cut_is_the_gradient_by_automatic_differentiation(sizes):
    net = QNN(sizes, copies=2, seed=1)
    data = easy_data()
    x, labels = data.x_train[:8], data.y_train[:8]
    problem = net.problem(x)
    clamped = net.clamped(x, labels)
    spins = random_spins(problem, reads=6, seed=2)
    heads = np.random.default_rng(3).random((8, 6)) < 0.4
    heads[2] = False
    weights_of_heads = np.random.default_rng(4).random((8, 6)).astype(np.float32) * heads

    weights = [torch.tensor(value, requires_grad=True) for value in net.weights]
    biases = [torch.tensor(value, requires_grad=True) for value in net.biases]
    ends = np.cumsum(net.layers)[:-1]

    def energy(image, state):
        parts = [torch.tensor(part, dtype=torch.float32) for part in np.split(state, ends)]
        total = -torch.tensor(x[image]) @ weights[0] @ parts[0]
        total = total - sum(bias @ part for bias, part in zip(biases, parts, strict=True))
        return total - sum(left @ matrix @ right for left, matrix, right in zip(parts, weights[1:], parts[1:], strict=False))

    objective = sum(
        float(weights_of_heads[image, read]) * (energy(image, clamped[image]) - energy(image, spins[image, read]))
        for image in range(8)
        for read in np.flatnonzero(heads[image])
    )
    (objective / 8).backward()
    expected = [value.grad.numpy() for value in [*weights, *biases]]
    for found, wanted in zip(cut_gradient(net, x, clamped[:, None], spins, weights_of_heads), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_without_heads_nothing_is_cut():
    net = QNN((9, 5, 3), seed=1)
    data = easy_data()
    x, labels = data.x_train[:4], data.y_train[:4]
    spins = random_spins(net.problem(x), reads=3, seed=0)
    gradients = cut_gradient(net, x, net.clamped(x, labels)[:, None], spins, np.zeros((4, 3), np.float32))
    assert all((gradient == 0).all() for gradient in gradients)


@pytest.mark.parametrize("sizes", [(9, 5, 3), (9, 5, 4, 3)])
def test_completed_reads_are_the_code_states_of_what_they_decode_to(sizes):
    net = QNN(sizes, copies=2, seed=1)
    data = easy_data()
    x, labels = data.x_train[:20], data.y_train[:20]
    problem = net.problem(x)
    reads = Reads(random_spins(problem, reads=15, seed=0), np.zeros((20, 15), np.float32))
    done = complete(net, problem, labels, reads)
    outputs = problem.split(reads.spins)[-1].astype(int)
    np.testing.assert_array_equal(
        net.is_wrong(problem.split(done.spins)[-1], labels), net.is_wrong(outputs.astype(np.int8), labels)
    )
    ties = 0
    for image in range(20):
        for read in range(15):
            overlaps = net.codes.astype(int) @ outputs[image, read]
            best = np.flatnonzero(overlaps == overlaps.max())
            ties += len(best) > 1
            states = [
                net.clamped(x[image : image + 1], np.array([label]))[0]
                for label in best
                if label != labels[image] or len(best) == 1
            ]
            assert any(np.array_equal(done.spins[image, read], state) for state in states)
    assert ties
    np.testing.assert_allclose(done.energies, problem.energy(done.spins), atol=1e-5)


def test_weights_of_heads():
    heads = np.array([[True, False, True], [False, False, False], [False, True, False]])
    energies = np.array([[1.0, -9.0, 0.5], [0.0, 0.0, 0.0], [0.0, 3.0, -1.0]], np.float32)
    np.testing.assert_array_equal(head_weights(heads, energies, "deepest"), [[0, 0, 1], [0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(head_weights(heads, energies, "uniform"), [[0.5, 0, 0.5], [0, 0, 0], [0, 1, 0]])
    with pytest.raises(Exception, match="weighting"):
        head_weights(heads, energies, "all")


def test_heads_are_wrong_and_below_the_bar():
    net = QNN((9, 5, 3), seed=1)
    data = easy_data()
    x, labels = data.x_train[:20], data.y_train[:20]
    problem = net.problem(x)
    reads = get_sampler("gibbs", sweeps=3).sample(problem, 15, seed=0)
    clamped = code_reads(net, problem, labels)
    bar = net.class_energies(x)[np.arange(20), labels]
    for margin in (0.0, 2.0):
        heads = find_heads(net, problem, reads, clamped, labels, margin, "class")
        outputs = reads.spins[..., 5:].astype(int)
        right = np.array(
            [
                [
                    outputs[i, r] @ net.codes[labels[i]] > max(outputs[i, r] @ net.codes[c] for c in range(3) if c != labels[i])
                    for r in range(15)
                ]
                for i in range(20)
            ]
        )
        clear = np.abs(reads.energies - bar[:, None] - margin) > 1e-4
        np.testing.assert_array_equal(heads[clear], (~right & (reads.energies <= bar[:, None] + margin))[clear])
    assert heads.any()


@pytest.mark.parametrize("name", ["gibbs", "exact", "sa"])
def test_training_learns_with_every_sampler(name):
    data = easy_data()
    net = QNN((9, 8, 3), seed=0)
    sampler = get_sampler(name) if name == "exact" else get_sampler(name, sweeps=20)
    history = train(net, data, sampler, epochs=8, reads=5, lr=0.02, batch_size=10, seed=1, rest=0)
    assert history.test_error[0] > 0.3
    assert history.test_error[-1] <= 0.05
    assert history.test_error[-1] == net.error(data.x_test, data.y_test)
    assert history.reads[-1] == 8 * 60 * 5


def test_digits_are_learned_as_well_as_the_reference(digits):
    """The one-page prototype reached 4 % after 20 epochs at a constant rate; half the epochs must do with a falling one."""
    net = QNN((64, 120, 10), seed=0)
    history = train(
        net, digits, get_sampler("gibbs", sweeps=20), epochs=10, lr=0.003, batch_size=10, rule=Rule(margin=3.0), seed=0
    )
    assert history.test_error[-1] < 0.04
    assert history.own_error[-1] < 0.05 < 0.5 < history.own_error[0]
    assert history.overlap[-1] > 0.9 > 0.3 > history.overlap[0]
    assert history.reads_wrong[-1] < 0.2 < 0.8 < history.reads_wrong[0]
    assert history.head_fraction[-1] < 0.1 < 0.9 < history.head_fraction[1]


def test_same_seed_same_training_and_the_seed_matters():
    data = easy_data()
    runs = []
    for seed in (3, 3, 4):
        net = QNN((9, 6, 3), seed=0)
        train(net, data, get_sampler("gibbs", sweeps=5), epochs=2, batch_size=10, seed=seed)
        runs.append(net.weights[0])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize(("sizes", "copies"), [((9, 200, 3), 4), ((9, 300, 3), 1), ((9, 60, 90, 3), 2)])
def test_default_rate_bounds_the_energy_that_a_step_moves(sizes, copies):
    """32 units is what the energy of an image can change by, on average, when every parameter moves by the rate, with the worst signs."""
    data = easy_data()
    net = QNN(sizes, copies=copies, seed=0)
    rate = default_rate(net, data)
    spins = np.where(np.random.default_rng(0).random((len(data.x_train), sum(net.layers))) < 0.5, 1, -1).astype(np.int8)
    absolute = dataclasses.replace(data, x_train=np.abs(data.x_train))
    moved = QNN(sizes, copies=copies)
    moved.set_parameters([np.full_like(value, rate) for value in moved.parameters])
    largest = -moved.problem(absolute.x_train).energy(np.ones_like(spins)[:, None])
    assert largest.mean() == pytest.approx(32, rel=1e-5)
    assert (np.abs(moved.problem(data.x_train).energy(spins[:, None])) <= largest + 1e-4).all()
    assert default_rate(QNN((9, 6, 3)), data) == 0.01
    default, named = QNN(sizes, copies=copies, seed=0), QNN(sizes, copies=copies, seed=0)
    for network, lr in ((default, None), (named, rate)):
        train(network, data, get_sampler("gibbs", sweeps=5), epochs=1, lr=lr, seed=0)
    np.testing.assert_array_equal(default.weights[0], named.weights[0])


class Stops:
    """A sampler that is killed after some calls."""

    name, kind = "stops", "test"

    def __init__(self, calls):
        self.calls = calls

    def __repr__(self):
        return "the sampler"

    def sample(self, problem, num_reads, seed):
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        return get_sampler("gibbs", sweeps=5).sample(problem, num_reads, seed)


@pytest.mark.parametrize("calls", [3, 15, 25, 32])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, calls):
    data = easy_data()
    file = str(tmp_path / "run.checkpoint")
    options = {"epochs": 3, "batch_size": 10, "snapshots": 5, "asked": 10, "seed": 0}
    whole, killed = QNN((9, 6, 3), seed=0), QNN((9, 6, 3), seed=0)
    sampler = Stops(1000)
    expected = train(whole, data, sampler, **options)
    needed = 1000 - sampler.calls
    with pytest.raises(KeyboardInterrupt):
        train(killed, data, Stops(calls), checkpoint=file, **options)
    again = QNN((9, 6, 3), seed=0)
    sampler = Stops(1000)
    history = train(again, data, sampler, checkpoint=file, **options)
    for one, other in zip(whole.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(one, other)
    for name, values in expected.arrays().items():
        np.testing.assert_array_equal(history.arrays()[name], values)
    used = 1000 - sampler.calls
    sampler = Stops(0)
    finished = train(QNN((9, 6, 3), seed=0), data, sampler, checkpoint=file, **options)
    assert finished.test_mistakes == expected.test_mistakes
    assert used <= needed if calls < 20 else used < 0.75 * needed


def test_checkpoints_of_other_runs_and_damaged_ones_are_refused(tmp_path):
    data = easy_data()
    file = tmp_path / "run.checkpoint"
    sampler = get_sampler("gibbs", sweeps=5)
    train(QNN((9, 6, 3), seed=0), data, sampler, epochs=1, seed=0, checkpoint=str(file))
    with pytest.raises(InvalidInput, match="other lr, seed"):
        train(QNN((9, 6, 3), seed=0), data, sampler, epochs=1, lr=0.5, seed=1, checkpoint=str(file))
    with pytest.raises(InvalidInput, match="other initial weights"):
        train(QNN((9, 6, 3), seed=1), data, sampler, epochs=1, seed=0, checkpoint=str(file))
    with pytest.raises(InvalidInput, match="other data"):
        train(QNN((9, 6, 3), seed=0), easy_data(1), sampler, epochs=1, seed=0, checkpoint=str(file))
    whole = file.read_bytes()
    for damage in (whole[:-200], b"", whole[: len(whole) // 2]):
        file.write_bytes(damage)
        with pytest.raises(DamagedFile, match=r"is damaged: .* delete it to train from the start"):
            train(QNN((9, 6, 3), seed=0), data, sampler, epochs=1, seed=0, checkpoint=str(file))


def test_runs_that_go_wrong_say_so():
    data = easy_data()
    with np.errstate(all="ignore"), pytest.raises(Diverged, match=r"learning rate 1e\+37 is too high"):
        train(QNN((9, 6, 3), seed=0), data, get_sampler("gibbs", sweeps=5), lr=1e37, epochs=3, seed=0)
    with pytest.warns(TrainingWarning, match="nearly every image still has a head"):
        train(QNN((9, 6, 3), seed=0), data, get_sampler("gibbs", sweeps=5), lr=1e-9, epochs=20, batch_size=5, seed=0)


def test_progress_tells_heads_errors_and_rate(capsys):
    train(QNN((9, 6, 3), seed=0), easy_data(), get_sampler("gibbs", sweeps=5), epochs=2, seed=0, progress=True)
    line = capsys.readouterr().err.split("\r")[-1]
    assert re.search(r"epoch 2\.0/2, heads [\d.]+%, errors [\d.]+% train [\d.]+% test [\d.]+% own, rate", line)


def test_snapshots_are_kept_and_read_back():
    data = easy_data()
    net = QNN((9, 6, 3), seed=0)
    first = net.weights[0].copy()
    history = train(net, data, get_sampler("gibbs", sweeps=5), epochs=2, batch_size=10, snapshots=4, seed=0)
    snapshots = snapshots_of(history.arrays())
    assert list(snapshots) == log_spaced_steps(12, 4)
    np.testing.assert_array_equal(snapshots[0][0], first)
    np.testing.assert_array_equal(snapshots[12][0], net.weights[0])
    assert "seconds" not in history.arrays()


def test_energy_scores_are_the_free_energies_of_the_codes(small_net):
    """F_c sums the hidden spins out: against the enumerated Boltzmann weights of every output state."""
    x = np.random.default_rng(0).uniform(-1, 1, (5, 6)).astype(np.float32)
    for beta in (0.5, 2.0):
        with torch.no_grad():
            scores = EnergyScores(small_net, beta)(torch.from_numpy(x)).numpy()
        log_weights = output_log_weights(small_net.problem(x), beta)
        rows = [sum(1 << k for k, spin in enumerate(code) if spin > 0) for code in small_net.codes]
        np.testing.assert_allclose(scores, log_weights[:, rows], rtol=1e-4)


def test_binary_units_are_spins_with_the_gradient_of_linear_ones_cut_off():
    values = torch.tensor([-3.0, -1.0, -0.3, 0.0, 0.2, 0.9, 1.7], requires_grad=True)
    units = Binary()(values)
    torch.testing.assert_close(units, torch.tensor([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0]))
    (gradient,) = torch.autograd.grad(units.sum(), values)
    assert gradient[[0, 6]].tolist() == [0, 0]
    assert gradient[2:6].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("method", ["mlp", "binary", "energy"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_baselines_learn(method, optimiser):
    history = train_backprop(method, easy_data(), hidden=8, epochs=8, lr=0.1 if optimiser == "sgd" else 0.02, optimiser=optimiser)
    assert history.test_error[-1] <= 0.05 < 0.3 < history.test_error[0]
    assert np.isnan(history.head_fraction).all()
    with torch.no_grad():
        answers = history.model(torch.from_numpy(easy_data().x_test)).numpy().argmax(axis=1)
    assert (answers != easy_data().y_test).mean() == history.test_error[-1]


def test_a_baseline_can_be_averaged_over_its_updates():
    runs = [
        train_backprop("mlp", easy_data(), hidden=8, epochs=4, lr=0.05, optimiser="adam", schedule="constant", averaged=averaged)
        for averaged in (False, True)
    ]
    first = runs[0].step.index(1)
    assert runs[0].cross_entropy[: first + 1] == runs[1].cross_entropy[: first + 1]  # The average of one is that one.
    assert runs[0].cross_entropy[-1] < runs[1].cross_entropy[-1] < runs[1].cross_entropy[first]  # Later ones lag behind.


def test_every_method_sees_the_same_images_in_the_same_order():
    batches = minibatches(23, 5, 3, seed=7)
    assert len(batches) == 15
    for epoch in range(3):
        assert sorted(np.concatenate(batches[5 * epoch : 5 * epoch + 5])) == list(range(23))
    again = minibatches(23, 5, 3, seed=7)
    assert all((left == right).all() for left, right in zip(batches, again, strict=True))
    assert evaluation_steps(30, 10) >= {0, 10, 20, 30}


def test_bad_settings_are_refused_before_any_work():
    data, sampler = easy_data(), get_sampler("gibbs", sweeps=2)
    for wrong, named in (
        ({"epochs": 0}, "epochs = 0"),
        ({"lr": 0.0}, "lr = 0.0"),
        ({"lr": float("nan")}, "lr = nan"),
        ({"batch_size": 61}, "batch_size = 61"),
        ({"reads": 0}, "num_reads = 0"),
        ({"evaluations": 0}, "evaluations = 0"),
        ({"evaluation_images": 0}, "evaluation_images = 0"),
        ({"asked": -1}, "asked = -1"),
        ({"seed": -1}, "seed = -1"),
        ({"snapshots": -1}, "snapshots = -1"),
    ):
        net = QNN((9, 4, 3), seed=0)
        before = net.weights[0].copy()
        with pytest.raises(InvalidInput, match=named):
            train(net, data, sampler, **{"epochs": 1, **wrong})
        np.testing.assert_array_equal(net.weights[0], before)
    with pytest.raises(InvalidInput, match="sizes"):
        train(QNN((8, 4, 3)), data, sampler, epochs=1)
    with pytest.raises(InvalidInput, match="classes"):
        train(QNN((9, 4, 2)), data, sampler, epochs=1)
    with pytest.raises(InvalidInput, match="hidden"):
        train_backprop("mlp", data, hidden=(), epochs=1)
    with pytest.raises(InvalidInput, match="one hidden layer"):
        train_backprop("energy", data, hidden=(4, 4), epochs=1)
