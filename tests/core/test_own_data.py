"""Data sets of the user's own: labels that leave classes out, classes of one image, and memory."""

import tracemalloc

import numpy as np
import pytest

from qnn_core import files, mnist
from qnn_core.data import Dataset, load_dataset
from qnn_core.errors import InvalidInput, NotWritten


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
