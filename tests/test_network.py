"""The network against enumeration of every hidden state, and the exported module against the network."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qnn_core import QNN, DamagedFile, InvalidInput, MissingData, load_dataset


def images_for(net, count, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, size=(count, net.sizes[0])).astype(np.float32)


def lowest_by_enumeration(net, x, label):
    """Energy and state of the lowest configuration with the outputs held at a class's code, over every hidden state."""
    problem = net.problem(x[None])
    hidden = sum(net.layers[:-1])
    best = (np.inf, None)
    for state in itertools.product((-1, 1), repeat=hidden):
        spins = np.array([*state, *net.codes[label]], np.int8)
        energy = float(problem.energy(spins[None, None])[0, 0])
        best = min(best, (energy, spins), key=lambda pair: pair[0])
    return best


@given(seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_one_hidden_layer_is_solved_exactly(seed):
    net = QNN((4, 5, 3), copies=2, seed=seed)
    random = np.random.default_rng(seed)
    net.set_parameters([random.standard_normal(value.shape).astype(np.float32) for value in net.parameters])
    x = images_for(net, 2, seed)
    scores = net.class_energies(x)
    for image, label in itertools.product(range(2), range(3)):
        energy, spins = lowest_by_enumeration(net, x[image], label)
        assert scores[image, label] == pytest.approx(energy, abs=1e-4)
        clamped = net.clamped(x[image : image + 1], np.array([label]))[0]
        assert net.problem(x[image : image + 1]).energy(clamped[None, None])[0, 0] == pytest.approx(energy, abs=1e-4)
        assert (clamped[-6:] == net.codes[label]).all()
        assert spins is not None


@pytest.mark.parametrize("bright", range(7))
def test_fields_of_images_are_sums_over_their_bright_pixels(bright):
    random = np.random.default_rng(bright)
    net = QNN((6, 11, 2), seed=1, centre=random.random(6).astype(np.float32))
    x = np.zeros((5, 6), np.float32)
    for row in x:
        row[random.permutation(6)[:bright]] = random.uniform(0.1, 1, bright)
    expected = (x.astype(float) - net.centre) @ net.weights[0] + net.biases[0]
    found = net.problem(x).fields
    np.testing.assert_allclose(found[:, :11], expected, atol=2e-6)
    x.flags.writeable = False  # As images on disk are.
    np.testing.assert_array_equal(net.problem(x).fields, found)


def test_problem_fields_are_the_driven_inputs_and_the_biases(small_net):
    x = images_for(small_net, 4)
    problem = small_net.problem(x)
    np.testing.assert_allclose(problem.fields[:, :5], x @ small_net.weights[0] + small_net.biases[0], rtol=1e-6)
    np.testing.assert_array_equal(problem.fields[:, 5:], np.tile(small_net.biases[1], (4, 1)))


def test_codes_are_one_hot_and_repeated():
    net = QNN((2, 3, 3), copies=2)
    np.testing.assert_array_equal(net.codes, [[1, 1, -1, -1, -1, -1], [-1, -1, 1, 1, -1, -1], [-1, -1, -1, -1, 1, 1]])
    np.testing.assert_array_equal(net.decode(net.codes), [0, 1, 2])


def test_decoding_takes_the_code_of_largest_overlap(small_net):
    for outputs in itertools.product((-1, 1), repeat=6):
        outputs = np.array(outputs, np.int8)
        overlaps = small_net.codes.astype(int) @ outputs
        assert small_net.decode(outputs[None])[0] == np.flatnonzero(overlaps == overlaps.max())[0]


def test_wrong_by_class_and_by_spins(small_net):
    every = np.array(list(itertools.product((-1, 1), repeat=6)), np.int8)[None]
    label = np.array([1])
    overlaps = every[0].astype(int) @ small_net.codes.T.astype(int)
    beaten = np.maximum(overlaps[:, 0], overlaps[:, 2]) >= overlaps[:, 1]
    np.testing.assert_array_equal(small_net.is_wrong(every, label, "class")[0], beaten)
    np.testing.assert_array_equal(small_net.is_wrong(every, label, "spins")[0], (every[0] != small_net.codes[1]).any(axis=1))


@pytest.mark.parametrize("sizes", [(6, 5, 3), (6, 5, 4, 3), (6, 4, 5, 4, 3)])
def test_exported_module_answers_as_the_network(sizes):
    net = QNN(sizes, copies=2, seed=1)
    random = np.random.default_rng(1)
    net.set_parameters([random.standard_normal(value.shape).astype(np.float32) for value in net.parameters])
    x = images_for(net, 200)
    with torch.no_grad():
        scores = net.to_torch()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(scores, -net.class_energies(x), atol=1e-4)
    np.testing.assert_array_equal(scores.argmax(axis=1), net.predict(x))


def test_exported_module_is_saved_and_loaded_as_a_state_dict(small_net, tmp_path):
    module = small_net.to_torch()
    torch.save(module.state_dict(), tmp_path / "net.pt")
    other = QNN((6, 5, 3), copies=2, seed=99).to_torch()
    other.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    x = torch.from_numpy(images_for(small_net, 10))
    assert torch.equal(module(x), other(x))


@pytest.mark.parametrize("sizes", [(6, 5, 3), (6, 5, 4, 3), (6, 4, 5, 4, 3)])
def test_exported_to_onnx_it_answers_as_the_network(sizes, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    net = QNN(sizes, copies=2, seed=1, drive=2.0)
    net.to_torch().to_onnx(str(tmp_path / "net.onnx"))
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    for number in (1, 3, 200):
        x = images_for(net, number)
        scores = session.run(["scores"], {"images": x})[0]
        np.testing.assert_allclose(scores, -net.class_energies(x), atol=1e-4)
        np.testing.assert_array_equal(scores.argmax(axis=1), net.predict(x))


def test_an_onnx_file_says_nothing_of_this_machine_and_is_the_same_each_time(small_net, tmp_path):
    for name in ("one", "two"):
        small_net.to_torch().to_onnx(str(tmp_path / name))
    content = (tmp_path / "one").read_bytes()
    assert b"deployment" not in content
    assert content == (tmp_path / "two").read_bytes()


def test_exporting_copies_the_weights(small_net):
    module = small_net.to_torch()
    before = module.weights[0].detach().clone()
    small_net.weights[0] += 1
    assert torch.equal(module.weights[0], before)


def test_same_seed_same_network_other_seed_another():
    first, same, other = QNN((4, 3, 2), seed=5), QNN((4, 3, 2), seed=5), QNN((4, 3, 2), seed=6)
    np.testing.assert_array_equal(first.weights[0], same.weights[0])
    assert not np.array_equal(first.weights[0], other.weights[0])


@pytest.mark.parametrize("sizes", [(4, 3), (4, 0, 3), (4, 3, 1), ()])
def test_impossible_sizes_are_refused(sizes):
    with pytest.raises((InvalidInput, ValueError), match="sizes"):
        QNN(sizes)


def test_bad_images_and_copies_are_refused(small_net):
    with pytest.raises(InvalidInput, match="copies = 0"):
        QNN((4, 3, 2), copies=0)
    with pytest.raises(InvalidInput, match=r"x = 'shape \(2, 5\)'"):
        small_net.predict(np.zeros((2, 5), np.float32))
    with pytest.raises(InvalidInput, match="values"):
        small_net.set_parameters(small_net.parameters[:-1])


@pytest.mark.parametrize("centred", [False, True])
def test_a_saved_network_is_the_same_network(tmp_path, centred):
    x = load_dataset("digits").x_test
    net = QNN((64, 7, 5, 10), copies=2, seed=3, centre=x.mean(axis=0) if centred else None)
    net.save(tmp_path / "net.npz")
    loaded = QNN.load(tmp_path / "net.npz")
    assert (loaded.sizes, loaded.copies) == (net.sizes, net.copies)
    np.testing.assert_array_equal(loaded.class_energies(x), net.class_energies(x))
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


def test_each_damaged_byte_of_a_saved_network_is_noticed_or_changes_nothing(small_net, tmp_path):
    file = tmp_path / "net.npz"
    small_net.save(file)
    whole = file.read_bytes()
    for place in range(0, len(whole), 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            loaded = QNN.load(file)
        except DamagedFile:
            continue
        assert (loaded.sizes, loaded.copies, loaded.centre) == (small_net.sizes, small_net.copies, None)
        for value, expected in zip(loaded.parameters, small_net.parameters, strict=True):
            np.testing.assert_array_equal(value, expected)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFile, match="save the network again"):
        QNN.load(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": np.array(3)},
        {"codes": np.ones((3, 6), np.int8)},
        {"classes": np.array(["a", "b"])},
        {"origin": np.array("{")},
        {"format": None},
        {"format": np.array([])},
        {"format": np.zeros(2, [("a", "f4")])},
        {"origin": np.array("[" * 100_000)},
        {"origin": np.array("[1]")},
        {"seed": np.array([])},
        {"sizes": None},
        {"sizes": np.array([6, 4, 3])},
        {"copies": np.array(0)},
        {"centre": np.zeros(5, np.float32)},
        {"parameter_1": None},
        {"parameter_0": np.array(["a"])},
    ],
)
def test_what_is_no_network_is_not_loaded(small_net, tmp_path, changes):
    small_net.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as archive:
        arrays = {name: value for name, value in {**archive, **changes}.items() if value is not None}
    np.savez(tmp_path / "net.npz", **arrays)
    with pytest.raises(DamagedFile, match=r"net\.npz"):
        QNN.load(tmp_path / "net.npz")
    with pytest.raises(MissingData, match="does not exist"):
        QNN.load(tmp_path / "other.npz")
