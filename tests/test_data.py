"""Data sets: what comes out, and every way a file can be wrong."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from qnn_core import DamagedFile, InvalidInput, MissingData, load_dataset, mnist
from qnn_core import data as data_module

MNIST = Path(os.environ.get("QNN_DATA_DIR", Path(__file__).parents[2] / "shared" / "mnist"))
needs_mnist = pytest.mark.skipif(
    not (MNIST / "train-images-idx3-ubyte.gz").is_file(), reason="MNIST files are not on this machine; set QNN_DATA_DIR"
)


def own(tmp_path, **changes):
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.uniform(0, 1, (20, 3, 4)),
        "y_train": np.arange(20) % 3,
        "x_test": random.uniform(0, 1, (6, 3, 4)),
        "y_test": np.arange(6) % 3,
    } | changes
    path = tmp_path / "own.npz"
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path, arrays


def test_digits_are_all_there_scaled_and_split(digits):
    pixels, labels = load_digits(return_X_y=True)
    assert len(digits.x_train) + len(digits.x_test) == len(labels) == 1797
    both = np.concatenate([digits.x_train, digits.x_test])
    assert both.min() == 0
    assert both.max() == 1
    expected = np.sort((pixels / 16).astype(np.float32).sum(axis=1))
    np.testing.assert_allclose(np.sort(both.sum(axis=1)), expected, atol=1e-4)
    train_rows = {row.tobytes() for row in digits.x_train}
    assert sum(row.tobytes() in train_rows for row in digits.x_test) <= len(labels) - len(np.unique(pixels, axis=0))
    shares = [np.bincount(part) / len(part) for part in (digits.y_train, digits.y_test)]
    np.testing.assert_allclose(*shares, atol=0.01)
    assert digits.image_shape == (8, 8)


@needs_mnist
def test_mnist_and_its_first_thousand():
    whole = load_dataset("mnist", data_dir=MNIST)
    assert whole.x_train.shape == (60_000, 784)
    assert whole.x_test.shape == (10_000, 784)
    assert whole.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert whole.x_train.min() == 0
    assert whole.x_train.max() == 1
    small = load_dataset("mnist-1000", data_dir=MNIST)
    assert np.bincount(small.y_train).tolist() == [100] * 10
    assert np.bincount(small.y_test).tolist() == [10] * 10
    firsts = [np.flatnonzero(whole.y_train == label)[:100] for label in range(10)]
    np.testing.assert_array_equal(small.x_train, whole.x_train[np.sort(np.concatenate(firsts))])


@needs_mnist
def test_damaged_mnist_is_noticed(tmp_path):
    for path in MNIST.glob("*.gz"):
        (tmp_path / path.name).symlink_to(path)
    labels = tmp_path / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(gzip.decompress(labels.read_bytes()))
    labels.unlink()
    content[100] ^= 1
    labels.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(DamagedFile, match=r"t10k-labels-idx1-ubyte.gz holds 10008 bytes with SHA-256"):
        load_dataset("mnist", data_dir=tmp_path)
    labels.write_bytes(gzip.compress(bytes(content))[:50])
    with pytest.raises(DamagedFile, match="not a complete gzip file"):
        load_dataset("mnist", data_dir=tmp_path)


def test_missing_mnist_says_what_was_found(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(MissingData, match=r"train-images-idx3-ubyte.gz .* found \['notes.txt'\]"):
        load_dataset("mnist", data_dir=tmp_path)
    with pytest.raises(MissingData, match="no such folder"):
        load_dataset("mnist", data_dir=tmp_path / "nowhere")


def test_the_environment_variable_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QNN_DATA_DIR", str(tmp_path / "elsewhere"))
    with pytest.raises(MissingData, match="no such folder"):
        load_dataset("mnist")


def test_a_failed_download_names_the_mirrors_and_leaves_nothing(tmp_path, monkeypatch):
    import pooch

    monkeypatch.delenv("QNN_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)

    def unreachable(*_, **__):
        raise ConnectionError("offline")

    monkeypatch.setattr(pooch, "retrieve", unreachable)
    with pytest.raises(MissingData, match=r"ossci-datasets.*ConnectionError.*cvdf-datasets.*ConnectionError"):
        load_dataset("mnist")


def test_a_download_with_wrong_content_is_not_kept(tmp_path, monkeypatch):
    import pooch

    monkeypatch.delenv("QNN_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)

    def forged(_, *, fname, path, **__):
        path.mkdir(parents=True, exist_ok=True)
        (path / fname).write_bytes(gzip.compress(b"not MNIST"))
        return str(path / fname)

    monkeypatch.setattr(pooch, "retrieve", forged)
    with pytest.raises(MissingData, match="DamagedFile"):
        load_dataset("mnist")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@needs_mnist
def test_a_download_is_checked_and_used(tmp_path, monkeypatch):
    import pooch

    monkeypatch.delenv("QNN_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    asked = []

    def from_folder(url, *, fname, path, **__):
        asked.append(url)
        if url.startswith(mnist.MNIST_MIRRORS[0]):
            raise ConnectionError("first mirror down")
        path.mkdir(parents=True, exist_ok=True)
        (path / fname).write_bytes((MNIST / url.rsplit("/", 1)[1]).read_bytes())
        return str(path / fname)

    monkeypatch.setattr(pooch, "retrieve", from_folder)
    data_module._mnist.cache_clear()
    try:
        assert load_dataset("mnist").x_train.shape == (60_000, 784)
    finally:
        data_module._mnist.cache_clear()
    assert len(asked) == 8
    assert all(url.startswith("https://") for url in asked)


def test_own_images_come_out_as_they_went_in(tmp_path):
    path, arrays = own(tmp_path)
    data = load_dataset(str(path))
    np.testing.assert_allclose(data.x_train, arrays["x_train"].reshape(20, 12), rtol=1e-6)
    assert data.image_shape == (3, 4)
    assert data.num_classes == 3
    path, arrays = own(tmp_path, x_train=np.full((20, 12), 255, np.uint8), x_test=np.zeros((6, 12), np.uint8))
    data = load_dataset(path.name, data_dir=tmp_path)
    assert (data.x_train == 1).all()
    assert (data.x_test == 0).all()
    assert data.image_shape == (3, 4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"y_test": None}, "y_test"),
        ({"x_train": np.full((20, 12), np.nan)}, "x = 'nan in row 0, column 0, and 20 such rows"),
        ({"x_test": np.full((6, 3, 4), np.inf)}, "x_test = 'inf in row 0, column 0"),
        ({"x_train": np.zeros(20)}, r"x = 'shape \(20,\)' .* x.reshape\(-1, 1\)"),
        ({"x_test": np.zeros((6, 11))}, "x_test"),
        ({"y_train": np.arange(20) / 2}, "y = '0.5 in row 1, and 10 such rows"),
        ({"y_test": np.full(6, 3)}, "y_test = '3 in row 0' .* one of the 3 classes 0, 1, 2"),
        ({"x_train": np.zeros((0, 12)), "y_train": np.zeros(0, int)}, r"shape \(0, 12\)"),
    ],
)
def test_unusable_files_are_refused_by_name(tmp_path, changes, named):
    path, _ = own(tmp_path, **changes)
    with pytest.raises(InvalidInput, match=named):
        load_dataset(str(path))


def test_pickles_broken_archives_and_missing_files_are_refused(tmp_path):
    path, _ = own(tmp_path, x_train=np.array([{"a": 1}] * 20, dtype=object))
    with pytest.raises(InvalidInput, match=r"x_train = 'unreadable in own\.npz' .* arrays of Python objects"):
        load_dataset(str(path))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DamagedFile, match=r"own\.npz is not a readable"):
        load_dataset(str(path))
    with pytest.raises(MissingData, match=r"absent\.npz' does not exist"):
        load_dataset(str(tmp_path / "absent.npz"))
    with pytest.raises(InvalidInput, match="dataset = 'emnist'"):
        load_dataset("emnist")


def test_validation_images_come_from_the_training_part(digits):
    held = digits.hold_out(0.2, seed=1)
    assert len(held.x_train) + len(held.x_test) == len(digits.x_train)
    known = {row.tobytes() for row in digits.x_train}
    assert all(row.tobytes() in known for row in held.x_test)
    assert held.sha256 != digits.hold_out(0.2, seed=2).sha256
    assert held.sha256 == digits.hold_out(0.2, seed=1).sha256
    with pytest.raises(InvalidInput, match="fraction = 1"):
        digits.hold_out(1.0, seed=0)


def test_chosen_classes_are_relabelled_in_order(digits):
    chosen = digits.only_classes((7, 2))
    assert chosen.num_classes == 2
    assert len(chosen.x_train) == np.isin(digits.y_train, (2, 7)).sum()
    sevens = digits.x_test[digits.y_test == 7]
    np.testing.assert_array_equal(chosen.x_test[chosen.y_test == 0], sevens)
    with pytest.raises(InvalidInput, match="classes"):
        digits.only_classes((1, 10))
