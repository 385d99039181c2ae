"""Data sets of the user's own: labels that leave classes out, classes of one image, and memory."""

import tracemalloc

import numpy as np
import pytest

from qnn_core import QNN, files, mnist, train, train_backprop
from qnn_core.data import Dataset, load_dataset
from qnn_core.errors import DamagedFile, InvalidInput, NotWritten


def labelled(y_train, y_test=None):
    y_train = np.asarray(y_train, np.int64)
    y_test = y_train if y_test is None else np.asarray(y_test, np.int64)
    x = np.linspace(0, 1, 4 * len(y_train), dtype=np.float32).reshape(-1, 4)
    return Dataset("own", x, y_train, x[: len(y_test)], y_test, (2, 2))


@pytest.mark.parametrize("labels", [[1, 2, 3, 1, 2, 3], [0, 2, 0, 2], [0, 1, 3, 4], [5, 5], [0, 2**40]])
def test_labels_from_one_or_with_gaps_are_refused_with_what_to_do(labels):
    with pytest.raises(InvalidInput, match=r"y_train = 'labels .*Dataset\.from_arrays"):
        labelled(labels)
    classes = np.unique(labels)
    assert labelled(np.searchsorted(classes, labels)).num_classes == len(classes)


def test_a_class_of_one_image_cannot_be_divided():
    single = labelled([0, 0, 0, 0, 1, 1, 1, 1, 2])
    for divide in (lambda: single.hold_out(0.4, 0), lambda: single.take(5, 0)):
        with pytest.raises(InvalidInput, match=r"1 image of class 2.*at least 2 of every class"):
            divide()
    with pytest.raises(InvalidInput, match=r"fraction = 0\.1"):
        labelled([0, 0, 1, 1, 2, 2]).hold_out(0.1, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_an_archive_takes_little_more_than_itself_and_its_32_bit_numbers(dtype, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2000, 784))
    x = pixels.astype(dtype) if np.issubdtype(dtype, np.integer) else (pixels / 255).astype(dtype)
    y = np.arange(2000) % 10
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
    tracemalloc.start()
    loaded = load_dataset(str(tmp_path / "own.npz"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.1 * (x.nbytes + 4 * x.size)
    np.testing.assert_array_equal(loaded.x_train, (pixels / 255).astype(np.float32))


def test_what_32_bit_numbers_take_is_counted_before_anything_is_unpacked(tmp_path, monkeypatch):
    x, y = np.zeros((100, 100), np.uint8), np.arange(100) % 2
    np.savez_compressed(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    monkeypatch.setattr(files, "MAX_ARRAY_BYTES", 90_000)
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(InvalidInput, match=r"own\.npz, 10\d+ bytes unpacked and as 32-bit numbers.*fewer or smaller"):
        load_dataset(str(tmp_path / "own.npz"))


@pytest.fixture
def on_disk(tmp_path):
    """A folder of 30,000 images of bytes."""
    pixels = np.random.default_rng(0).integers(0, 256, (30_000, 20, 20)).astype(np.uint8)
    np.save(tmp_path / "x.npy", pixels)
    np.save(tmp_path / "y.npy", np.array(["dark", "light"])[(pixels.mean(axis=(1, 2)) > 127).astype(int)])
    return tmp_path


def test_rows_on_disk_are_read_as_they_are_needed(on_disk):
    """Training, errors and answers take no more memory than the file has bytes, a quarter of their 32-bit numbers."""
    few = Dataset.from_arrays(np.load(on_disk / "x.npy")[:40], np.arange(40) % 2)

    def use(data, x):
        split = data.hold_out(0.5, seed=0)
        net = QNN.for_data(split, hidden=(2,), copies=1)
        train(net, data, epochs=1, asked=5, evaluations=1, reads=1, callbacks=[lambda entry: entry["step"] > 0])
        return net.predict(x)

    use(few, few.x_train)  # Imports and compiles.
    tracemalloc.start()
    answers = use(load_dataset(on_disk), np.load(on_disk / "x.npy", mmap_mode="r"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(answers) == 30_000
    assert most < 12e6


@pytest.mark.parametrize("scaling", ["auto", "range", "standard"])
def test_rows_on_disk_are_those_in_memory(on_disk, scaling):
    x, y = np.load(on_disk / "x.npy", mmap_mode="r")[:9000], np.load(on_disk / "y.npy")[:9000]
    there, here = (Dataset.from_arrays(rows, y, scaling=scaling, seed=1) for rows in (x, np.array(x)))
    for one, other in (
        (there, here),
        (there.hold_out(0.3, 1), here.hold_out(0.3, 1)),
        (there.take(99, 0).sample(9, 0), here.take(99, 0).sample(9, 0)),
    ):
        assert one.sha256 == other.sha256
    np.testing.assert_array_equal(np.asarray(there.x_test), here.x_test)
    np.testing.assert_array_equal(there.x_train[-1], here.x_train[-1])
    nets = []
    for data in (there, here):
        nets.append(QNN.for_data(data, hidden=(3,), copies=1))
        np.testing.assert_allclose(nets[-1].centre, here.x_train.mean(axis=0), atol=1e-5)
        nets[-1].centre = nets[0].centre
        train(nets[-1], data, epochs=1, batch_size=600, reads=2, asked=5)
    np.testing.assert_array_equal(nets[0].weights[0], nets[1].weights[0])
    np.testing.assert_array_equal(nets[0].predict(x), nets[1].predict(np.array(x)))
    baselines = [train_backprop("mlp", data, hidden=3, epochs=1, batch_size=600) for data in (there, here)]
    assert baselines[0].loss == baselines[1].loss


def test_folders_that_cannot_be_used_are_refused(on_disk):
    (on_disk / "y.npy").unlink()
    with pytest.raises(InvalidInput, match=r"with \['x'\].* also x_train"):
        load_dataset(on_disk)
    (on_disk / "y.npy").write_bytes(b"no numbers")
    with pytest.raises(DamagedFile, match=r"a folder of readable \.npy files .* numpy\.save"):
        load_dataset(on_disk)
    np.save(on_disk / "y.npy", np.arange(30_000) % 2)
    rows = np.load(on_disk / "x.npy").astype(np.float32)
    rows[29_999, 0, 3] = np.nan
    np.save(on_disk / "x.npy", rows)
    with pytest.raises(InvalidInput, match="nan in row 29999, column 3, and 1 such rows"):
        load_dataset(on_disk)


@pytest.mark.parametrize("name", ["n" * 300 + ".npz", "a\0.npz", "\ud800.npz"])
def test_names_that_no_file_has_are_told_in_words(name):
    with pytest.raises(InvalidInput, match="names of at most 255 bytes"):
        load_dataset(name)


def test_a_cache_that_cannot_be_written_is_no_fault_of_the_connection(tmp_path, monkeypatch):
    import pooch

    (tmp_path / "mnist").write_text("a file")
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: pytest.fail("it was fetched"))
    with pytest.raises(NotWritten, match="could not be written"):
        mnist._downloaded("train-labels-idx1-ubyte")
