"""The path to an annealer, with a machine that fails on demand in the place of a real one."""

import json
import traceback

import networkx as nx
import numpy as np
import pytest
import requests
from conftest import random_problem
from dwave.cloud import exceptions
from dwave.cloud.api.exceptions import ResourceAuthenticationError
from dwave.embedding import is_valid_embedding
from machines import TOKEN, Machine

from qnn_core import QNN, InvalidInput, MissingData, get_sampler, train
from qnn_core.data import Dataset
from qnn_core.errors import AnnealerError, OverBudget
from qnn_core.files import write_record
from qnn_core.samplers.exact import lowest_energies
from qnn_dwave.chips import chip, chip_of, graph_identifier, working_graph
from qnn_dwave.control_errors import WithControlErrors
from qnn_dwave.device import Anneal
from qnn_dwave.hardware import _read_chains
from qnn_dwave.records import Question, probe_energies
from qnn_dwave.tiles import find_tiles, layered_graph

SMALL = ("zephyr", 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Embeddings found once for all tests here."""
    return str(tmp_path_factory.mktemp("embeddings"))


@pytest.fixture(scope="module")
def graph():
    return chip(*SMALL)


@pytest.fixture
def machine(monkeypatch):
    """A machine that `qpu` connects to, with a token in the environment."""
    machine = Machine()
    monkeypatch.setenv("DWAVE_API_TOKEN", TOKEN)
    monkeypatch.setattr("dwave.system.DWaveSampler", lambda **_: machine)
    return machine


@pytest.fixture
def qpu(machine, folder, tmp_path):  # noqa: ARG001
    def make(**options):
        options = {"max_qpu_seconds": 20.0, **options}
        return get_sampler("qpu", record=str(tmp_path / "record"), embeddings=folder, pause=0.0, tiles=4, **options)

    return make


@pytest.fixture
def problem():
    return random_problem((8, 4), images=6, seed=0)


def small_data():
    """Three classes of six pixels, far apart, 30 images to train and 12 to test on."""
    random = np.random.default_rng(1)
    y_train, y_test = np.arange(30) % 3, np.arange(12) % 3
    centres = random.standard_normal((3, 6))
    x_train, x_test = (np.clip(centres[y] + 0.3 * random.standard_normal((len(y), 6)), -1, 1) for y in (y_train, y_test))
    return Dataset("small", x_train.astype(np.float32), y_train, x_test.astype(np.float32), y_test, (2, 3))


# Embeddings


@pytest.mark.parametrize("layers", [(8, 4), (12, 3), (5,), (5, 4, 3)])
def test_tiles_are_disjoint_embeddings(graph, folder, layers):
    tiles = find_tiles(layers, graph, 3, folder)
    assert len(tiles) == 3
    qubits = [qubit for embedding in tiles.embeddings for chain in embedding for qubit in chain]
    assert len(qubits) == len(set(qubits)) == tiles.num_qubits
    for embedding in tiles.embeddings:
        assert is_valid_embedding(dict(enumerate(embedding)), layered_graph(layers), graph)


def test_embeddings_are_found_once_and_damaged_ones_again(graph, tmp_path, monkeypatch):
    first = find_tiles((8, 4), graph, 2, str(tmp_path))
    file = tmp_path / graph_identifier(graph) / "8-4-tiles2.json"
    with monkeypatch.context() as patch:
        patch.setattr("qnn_dwave.tiles._find", lambda *_: pytest.fail("looked for again"))
        assert find_tiles((8, 4), graph, 2, str(tmp_path)).embeddings == first.embeddings
    content = json.loads(file.read_text())
    content["tiles"][0][0] = content["tiles"][1][0]
    odd = [{}, {"layers": [8, 4], "tiles": 3}, {"layers": [8, 4], "tiles": [[[[1]]]]}, {"layers": 8, "tiles": [[["a"]]]}]
    for damage in (json.dumps(content), file.read_text()[:-40], "", *odd):
        if isinstance(damage, str):
            file.write_text(damage)
        else:
            write_record(file, damage)
        with pytest.warns(UserWarning, match="it is made again"):
            assert find_tiles((8, 4), graph, 2, str(tmp_path)).embeddings == first.embeddings
        assert json.loads(file.read_text())["layers"] == [8, 4]


def test_missing_qubits_make_another_embedding(graph, tmp_path):
    broken = graph.copy()
    broken.remove_nodes_from(list(graph.nodes)[::7])
    tiles = find_tiles((8, 4), broken, 2, str(tmp_path))
    assert is_valid_embedding(dict(enumerate(tiles.embeddings[0])), layered_graph((8, 4)), broken)
    assert graph_identifier(broken) != graph_identifier(graph)


def test_networks_that_do_not_fit_are_refused(graph, tmp_path):
    with pytest.raises(InvalidInput, match=r"layers = \(500,\) .* 336 qubits"):
        find_tiles((500,), graph, 1, str(tmp_path))


# On the chip


def test_the_chips_energies_are_the_networks_after_the_scale_is_undone(folder, problem):
    sampler = get_sampler("mock", topology=SMALL, embeddings=folder, tiles=6)
    chains = sampler._tiles((8, 4)).chains(6)
    model, scale, _ = sampler._on_chip(problem, chains)
    random = np.random.default_rng(0)
    spins = random.choice(np.array([-1, 1], np.int8), size=(6, 20, 12))
    on_qubits = {
        qubit: spins.transpose(0, 2, 1).reshape(72, 20)[variable] for variable, chain in enumerate(chains) for qubit in chain
    }
    chip = model.energies((np.array([on_qubits[qubit] for qubit in model.variables]).T, list(model.variables)))
    expected = problem.energy(spins).sum(axis=0)
    np.testing.assert_allclose((chip - chip[0]) / scale, expected - expected[0], atol=1e-3)


@pytest.mark.parametrize("fields", [0.1, 100.0])
def test_the_chips_ranges_are_filled_and_not_passed(folder, fields):
    problem = random_problem((8, 4), images=3, seed=1)
    problem = type(problem)(problem.layers, problem.fields * np.float32(fields), problem.couplings)
    sampler = get_sampler("mock", topology=SMALL, embeddings=folder)
    chains = sampler._tiles((8, 4)).chains(3)
    for sums in ([-18.0, 15.0], [-0.5, 0.5]):
        sampler._device.properties["per_qubit_coupling_range"] = sums
        model, *_ = sampler._on_chip(problem, chains)
        linear, (_, _, quadratic), _ = model.to_numpy_vectors()
        total = np.array([sum(model.adj[qubit].values()) for qubit in model.variables])
        used = [abs(linear).max() / 4, quadratic.max() / 1, -quadratic.min() / 2, total.max() / sums[1], total.min() / sums[0]]
        assert max(used) == pytest.approx(1)


def test_a_fixed_scale_is_kept_or_refused(folder, problem):
    weak = get_sampler("mock", topology=SMALL, embeddings=folder, scale=0.01)
    assert set(weak.sample(problem, 2, seed=0).info["scale"]) == {0.01}
    with pytest.raises(InvalidInput, match=r"scale = 50\.0 .* at most"):
        get_sampler("mock", topology=SMALL, embeddings=folder, scale=50.0).sample(problem, 2, seed=0)


def test_images_side_by_side_are_the_images_asked(folder):
    """Strong fields of its own decide each image's spins, on whichever tile it lies."""
    random = np.random.default_rng(2)
    problem = random_problem((8, 4), images=7, seed=3, scale=0.05)
    wanted = random.choice(np.array([-1, 1], np.int8), size=(7, 12))
    problem = type(problem)(problem.layers, wanted.astype(np.float32) * 3, problem.couplings)
    reads = get_sampler("mock", topology=SMALL, embeddings=folder, tiles=3).sample(problem, 5, seed=0)
    np.testing.assert_array_equal(reads.spins, np.repeat(wanted[:, None], 5, axis=1))
    assert reads.info["submissions"] == 3
    assert reads.info["images_at_once"] == 3


def test_weak_chains_break_and_strong_ones_do_not(folder):
    problem = random_problem((12, 10), images=2, seed=4)
    broken = [
        get_sampler("mock", topology=SMALL, embeddings=folder, chain_strength=strength)
        .sample(problem, 20, seed=0)
        .info["broken_chains"]
        for strength in (0.05, 2.0)
    ]
    assert broken[0] > 0.2
    assert broken[1] < 0.05


def test_reverse_anneals_are_asked_in_oceans_form():
    forward = Anneal(20.0, 0.4, 10.0)
    assert forward.parameters == {"annealing_time": 20.0}
    assert forward.microseconds == 20.0
    reverse = Anneal(20.0, 0.4, 10.0, start={3: -1})
    assert reverse.parameters["anneal_schedule"] == [(0.0, 1.0), (12.0, 0.4), (22.0, 0.4), (34.0, 1.0)]
    assert reverse.parameters["initial_state"] == {3: -1}
    assert reverse.parameters["reinitialize_state"]
    assert reverse.microseconds == 34.0
    assert len(Anneal(20.0, 0.4, 0.0, start={3: -1}).parameters["anneal_schedule"]) == 3


def test_cycles_start_from_the_best_read_and_keep_the_deepest(machine, qpu, problem):
    problem = problem.select(np.arange(4))
    reads = qpu(cycles=2).sample(problem, 5, seed=0)
    assert (np.diff(reads.energies, axis=1) >= 0).all()
    assert reads.info["anneals_per_read"] == 3
    forward, first, second = (parameters for _, parameters in machine.submissions)
    assert "anneal_schedule" not in forward
    seen = reads.energies[:, :0]
    sampler = qpu(cycles=2)
    for cycle, parameters in ((1, first), (2, second)):
        answer = sampler._records.find(Question(0, 0, cycle - 1, 5, probe_energies(problem)))
        spins, _ = _read_chains(answer, sampler._tiles((8, 4)).chains(4))
        seen = np.concatenate([seen, problem.energy(spins.reshape(5, 4, 12).transpose(1, 0, 2))], axis=1)
        chains = sampler._tiles((8, 4)).chains(4)
        start = np.array([parameters["initial_state"][chain[0]] for chain in chains], np.int8).reshape(4, 1, 12)
        np.testing.assert_allclose(problem.energy(start)[:, 0], seen.min(axis=1), atol=1e-4)
        assert all(len({parameters["initial_state"][qubit] for qubit in chain}) == 1 for chain in chains)
    replay = get_sampler("replay", record=sampler.record)
    np.testing.assert_array_equal(replay.sample(problem, 5, seed=0).spins, reads.spins)


def test_cycles_go_deeper(folder):
    problem = random_problem((16, 8), images=8, seed=5)
    options = {"topology": SMALL, "embeddings": folder, "sweeps": 3, "tiles": 2}
    once, again = (
        get_sampler("mock", cycles=cycles, **options).sample(problem, 10, seed=0).energies.min(axis=1) for cycles in (0, 4)
    )
    assert (again <= once + 1e-4).all()
    assert (again < once - 1e-4).sum() >= 2


def test_control_errors_spoil_the_mock(folder):
    problem = random_problem((12, 6), images=6, seed=6)
    good, bad = (
        get_sampler("mock", topology=SMALL, embeddings=folder, control_error=(error, error))
        .sample(problem, 20, seed=0)
        .energies.mean()
        for error in (0.0, 0.5)
    )
    assert good < bad - 1


# Records and replay


def test_training_is_replayed_bit_for_bit_without_a_token(machine, qpu, monkeypatch):
    net, replayed = QNN((6, 8, 3), seed=0), QNN((6, 8, 3), seed=0)
    data = small_data()
    sampler = qpu(max_qpu_seconds=60.0)
    history = train(net, data, sampler, epochs=2, reads=4, batch_size=10, seed=5)
    asked = len(machine.submissions)
    monkeypatch.delenv("DWAVE_API_TOKEN")
    monkeypatch.setattr("dwave.system.DWaveSampler", lambda **_: pytest.fail("connected"))
    replay = get_sampler("replay", record=sampler.record)
    again = train(replayed, data, replay, epochs=2, reads=4, batch_size=10, seed=5)
    assert replay.kind == "recorded reads: D-Wave quantum annealer"
    assert len(machine.submissions) == asked
    for one, other in zip(net.parameters, replayed.parameters, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(history.train_error, again.train_error)


def test_replay_refuses_what_was_not_recorded(qpu, problem):
    sampler = qpu()
    sampler.sample(problem, 3, seed=1)
    replay = get_sampler("replay", record=sampler.record)
    with pytest.raises(MissingData, match="holds no answer"):
        replay.sample(problem, 3, seed=2)
    other = random_problem((8, 4), images=6, seed=9)
    for changed, reads in ((other, 3), (problem, 4)):
        with pytest.raises(InvalidInput, match="answers another problem"):
            replay.sample(changed, reads, seed=1)
    with pytest.raises(MissingData, match="no recorded reads"):
        get_sampler("replay", record="data/recorded/nowhere").sample(problem, 3, seed=1)


def test_a_folder_records_one_run(qpu, problem):
    qpu().sample(problem, 3, seed=1)
    with pytest.raises(InvalidInput, match="other annealing_time"):
        qpu(annealing_time=30.0).sample(problem, 3, seed=1)


def test_answers_are_on_disk_before_they_are_used(machine, qpu, problem, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("qnn_dwave.hardware._read_chains", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            qpu().sample(problem, 3, seed=1)
    assert len(machine.submissions) == 1
    qpu().sample(problem, 3, seed=1)
    assert len(machine.submissions) == 2  # the second block of images only


# Failures


@pytest.mark.parametrize(
    "fault",
    [
        exceptions.RequestTimeout("slow"),
        exceptions.PollingTimeout("slow"),
        requests.ConnectionError("dropped"),
        requests.Timeout("slow"),
        ConnectionResetError("dropped"),
        exceptions.ProblemUploadError("dropped"),
    ],
)
def test_passing_failures_are_tried_again(machine, qpu, problem, fault):
    machine.faults = [fault, fault]
    reads = qpu().sample(problem.select(np.arange(2)), 3, seed=1)
    assert len(machine.submissions) == 3
    assert reads.spins.shape == (2, 3, 12)


def test_lasting_failures_keep_what_was_paid_for(machine, qpu, problem):
    machine.faults = [None, *[exceptions.RequestTimeout("slow")] * 3]
    with pytest.raises(AnnealerError, match=r"did not answer.*Tried 3 times.*run again to go on"):
        qpu(attempts=3).sample(problem, 3, seed=1)
    assert len(machine.submissions) == 4
    reads = qpu(attempts=3).sample(problem, 3, seed=1)
    assert len(machine.submissions) == 5
    assert reads.info["submissions"] == 2


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (exceptions.SolverOfflineError("offline"), "annealer is gone"),
        (exceptions.SolverNotFoundError("none"), "annealer is gone"),
        (exceptions.SolverFailureError("bad"), "rejected the problem"),
        (exceptions.InvalidProblemError("bad"), "rejected the problem"),
        (ResourceAuthenticationError(f"token {TOKEN} expired"), "refused the API token"),
    ],
)
def test_other_failures_are_said_at_once_without_the_token(machine, qpu, problem, fault, sentence):
    machine.faults = [fault]
    with pytest.raises(AnnealerError, match=sentence) as caught:
        qpu().sample(problem, 3, seed=1)
    assert len(machine.submissions) == 1
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_programming_errors_are_not_disguised(machine, qpu, problem):
    machine.faults = [KeyError("ours")]
    with pytest.raises(KeyError, match="ours"):
        qpu().sample(problem, 3, seed=1)


def test_an_answer_on_its_way_is_fetched_and_not_paid_twice(machine, qpu, problem):
    machine.lose_answers = True
    qpu().sample(problem.select(np.arange(2)), 3, seed=1)
    assert len(machine.submissions) == 1
    machine.lose_answers = True
    with pytest.raises(AnnealerError, match="did not answer"):
        qpu(attempts=1).sample(problem.select(np.arange(2)), 3, seed=2)
    qpu(attempts=1).sample(problem.select(np.arange(2)), 3, seed=2)
    assert len(machine.submissions) == 2


def test_no_token_is_one_sentence(monkeypatch, tmp_path, folder, problem):
    monkeypatch.setattr("dwave.cloud.config.load_config", lambda **_: {"token": None})
    with pytest.raises(AnnealerError, match="no D-Wave API token: run `dwave setup --auth` or set"):
        get_sampler("qpu", record=str(tmp_path / "record"), embeddings=folder).sample(problem, 1, seed=0)


def test_the_token_is_nowhere_on_disk_or_in_print(qpu, problem, tmp_path, capsys):
    sampler = qpu()
    sampler.sample(problem, 3, seed=1)
    printed = capsys.readouterr()
    assert TOKEN not in printed.out + printed.err + repr(sampler)
    assert not any(TOKEN.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


# Cost


def test_cost_is_said_first_and_refused_above_the_limit(machine, qpu, problem):
    sampler = qpu(max_qpu_seconds=0.02)
    with pytest.raises(OverBudget, match=r"about 0\.0308 s of annealer time: .*\. max_qpu_seconds = 0\.02 does not accept that"):
        sampler.sample(problem, 3, seed=1)
    assert not machine.submissions
    with pytest.raises(OverBudget, match="Nothing was submitted"):
        train(QNN((6, 8, 3), seed=0), small_data(), sampler, epochs=1, reads=4, batch_size=10, seed=5)
    assert not machine.submissions


def test_a_used_up_limit_stops_and_keeps_the_reads(machine, qpu, problem):
    sampler = qpu(max_qpu_seconds=0.05)
    sampler.sample(problem, 3, seed=1)
    with pytest.raises(OverBudget, match="is used up"):
        sampler.sample(problem, 3, seed=2)
    assert len(machine.submissions) == 3
    qpu(max_qpu_seconds=1.0).sample(problem, 3, seed=2)
    assert len(machine.submissions) == 4


def test_the_plan_is_what_happens(machine, qpu, problem):
    sampler = qpu(cycles=1, max_qpu_seconds=60.0)
    plan = sampler.plan((8, 4), images=6, num_reads=3, calls=1)
    reads = sampler.sample(problem, 3, seed=1)
    assert plan.submissions == len(machine.submissions) == reads.info["submissions"] == 4
    assert plan.qpu_seconds == pytest.approx(reads.info["qpu_seconds"])
    assert plan.per_image < plan.one_by_one / 2


def test_without_a_limit_the_price_is_told_and_nothing_is_sent(machine, qpu, problem):
    for run in (
        lambda sampler: sampler.sample(problem, 3, seed=1),
        lambda sampler: train(QNN((6, 8, 3), seed=0), small_data(), sampler, epochs=1, reads=4, batch_size=10),
    ):
        with pytest.raises(OverBudget, match=r"about 0\.\d+ s of annealer time.*max_qpu_seconds = None .* Nothing was submitted"):
            run(qpu(max_qpu_seconds=None))
    assert not machine.submissions


def test_a_rehearsal_keeps_to_price_and_limit(folder, problem, capsys):
    def mock(**options):
        return get_sampler("mock", topology=SMALL, embeddings=folder, tiles=4, sweeps=5, **options)

    with pytest.raises(OverBudget, match=r"about 0\.0308 s .* max_qpu_seconds = None"):
        mock(max_qpu_seconds=None).sample(problem, 3, seed=1)
    limited = mock(max_qpu_seconds=0.05)
    limited.sample(problem, 3, seed=1)
    assert "about 0.0308 s" in capsys.readouterr().out
    with pytest.raises(OverBudget, match="is used up"):
        limited.sample(problem, 3, seed=2)


def test_waiting_is_shown_and_pages_drop_it(machine, qpu, problem, monkeypatch, capfd):
    machine.slow = 5
    machine.faults = [requests.Timeout("slow")]
    monkeypatch.setattr("qnn_dwave.device._SILENCE", 0.01)
    qpu().sample(problem.select(np.arange(2)), 3, seed=1)
    told = capfd.readouterr().err
    assert "The annealer did not answer. (Timeout: slow) Attempt 2 of 5 in 0 s." in told
    assert "Waiting for the annealer" in told
    assert all(line.startswith("\r") for line in told.split("\n") if line)


# Topologies


CHIPS = [("zephyr", 2), ("pegasus", 3), ("chimera", 4), ("zephyr", 2, 2), ("zephyr_torus", 3), ("pegasus_torus", 3)]


@pytest.mark.parametrize("topology", [*CHIPS, nx.complete_graph(24)], ids=str)
def test_any_graph_is_a_chip(topology, tmp_path):
    problem = random_problem((4, 3), images=2, seed=0)
    sampler = get_sampler("mock", topology=topology, embeddings=str(tmp_path), tiles=2)
    reads = sampler.sample(problem, 20, seed=0)
    np.testing.assert_allclose(reads.energies.min(axis=1), lowest_energies(problem).min(axis=1), atol=1e-3)
    for embedding in sampler._tiles((4, 3)).embeddings:
        assert is_valid_embedding(dict(enumerate(embedding)), layered_graph((4, 3)), chip_of(topology))


def test_a_machine_reports_its_own_graph():
    whole = chip("pegasus", 3, missing=5, seed=1)
    known = working_graph({"type": "pegasus", "shape": [3]}, list(whole), list(whole.edges))
    assert graph_identifier(known) == graph_identifier(whole)
    ring = nx.cycle_graph(6)
    unknown = working_graph({"type": "ring", "shape": [6]}, [*ring, 7], list(ring.edges))
    assert sorted(unknown) == [0, 1, 2, 3, 4, 5, 7]
    assert set(map(frozenset, unknown.edges)) == set(map(frozenset, ring.edges))


@pytest.mark.parametrize(
    "topology", [("king", 3), ("zephyr",), ("zephyr", "two"), ("zephyr", 0), nx.Graph(), nx.Graph([("a", "b")])], ids=str
)
def test_graphs_that_are_no_chips_are_refused(topology):
    with pytest.raises(InvalidInput, match="topology"):
        get_sampler("mock", topology=topology)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"annealing_time": 0.0}, "annealing_time"),
        ({"cycles": -1}, "cycles"),
        ({"tiles": 0}, "tiles"),
        ({"turning_point": 1.0}, "turning_point"),
        ({"hold": -1.0}, "hold"),
        ({"chain_strength": float("nan")}, "chain_strength"),
        ({"control_error": (0.1, -0.1)}, "control_error"),
        ({"sweeps": 0}, "sweeps"),
        ({"max_qpu_seconds": -1.0}, "max_qpu_seconds"),
    ],
)
def test_bad_options_are_refused(options, name):
    with pytest.raises(InvalidInput, match=name):
        get_sampler("mock", **options)


@pytest.mark.parametrize("name", ["qpu", "mock"])
def test_reads_beyond_the_machines_range_are_refused(name, machine, qpu, problem, folder):
    def sample(num_reads, **options):
        sampler = qpu(**options) if name == "qpu" else get_sampler("mock", topology=SMALL, embeddings=folder, **options)
        sampler.sample(problem, num_reads, seed=0)

    with pytest.raises(InvalidInput, match=r"num_reads = 10001 .* 1 \.\. 10000"):
        sample(10_001)
    with pytest.raises(InvalidInput, match=r"annealing_time = 9000\.0 .*0\.5 \.\. 2000"):
        sample(1, annealing_time=9000.0)
    with pytest.raises(InvalidInput, match=r"10000 of 1500 µs.* at most 1e\+07 µs in all"):
        sample(10_000, annealing_time=1500.0)
    assert not machine.submissions


# Control errors of the other samplers


def test_control_errors_have_the_stated_size_and_energies_are_those_meant():
    problem = random_problem((60, 50), images=1, seed=7)
    sampler = get_sampler("gibbs", sweeps=50, control_error=(0.05, 0.03))
    assert isinstance(sampler, WithControlErrors)
    assert sampler.kind == "classical annealer (block Gibbs), with control errors"
    programmed = sampler._programmed(problem, 1)
    unit = max(np.abs(problem.fields).max() / 4, np.abs(problem.couplings[0]).max())
    assert np.std(programmed.couplings[0] - problem.couplings[0]) == pytest.approx(0.03 * unit, rel=0.05)
    assert np.std(programmed.fields - problem.fields) == pytest.approx(0.05 * unit, rel=0.3)
    reads = sampler.sample(problem, 5, seed=0)
    np.testing.assert_array_equal(reads.energies, problem.energy(reads.spins))


@pytest.mark.parametrize("name", ["gibbs", "collapsed", "exact", "sa", "pia", "coherent"])
def test_every_classical_sampler_takes_control_errors(name):
    problem = random_problem((6, 4), images=8, seed=8)
    good = get_sampler(name).sample(problem, 5, seed=0).energies.min(axis=1)
    sampler = get_sampler(name, control_error=(1.0, 1.0))
    reads = sampler.sample(problem, 5, seed=0)
    assert reads.energies.min(axis=1).mean() > good.mean() + 0.3
    np.testing.assert_array_equal(sampler.sample(problem, 5, seed=0).spins, reads.spins)
    with pytest.raises(InvalidInput, match="control_error"):
        get_sampler(name, control_error=(0.1, np.inf))
