"""Whatever a damaged file holds, reading it gives what was written or one of the project's errors: thousands of damages of every kind."""

import gzip
import hashlib
import json
import warnings

import numpy as np
import pytest

from artifact.origins import page_digest, read_page
from qnn_core import mnist
from qnn_core.checkpoint import Checkpoint, kept_arrays
from qnn_core.errors import DamagedFile, InvalidInput
from qnn_core.files import read_arrays, read_record, read_sealed, reading, write_json, write_record, write_sealed

ARRAYS = {"x": np.arange(6.0).reshape(2, 3), "y": np.array([1, 2], np.int8), "name": np.array("text")}
IDX = bytes([0, 0, 8, 1, 0, 0, 1, 0]) + bytes(range(256))
CELLS = [{"cell_type": "markdown", "source": ["text"]}]


def arrays(path):
    np.savez(path, **ARRAYS)
    return lambda: {name: (array.tolist(), array.dtype.str) for name, array in read_arrays(path, "write it again").items()}


def packed_arrays(path):
    np.savez_compressed(path, **ARRAYS)
    return lambda: {name: (array.tolist(), array.dtype.str) for name, array in read_arrays(path, "write it again").items()}


def record(path):
    write_record(path, {"name": "välue", "numbers": [1, 2.5, None]})
    return lambda: read_record(path, "run again")


def page(path):
    write_json(path, {"cells": CELLS, "metadata": {"provenance": {"page_sha256": page_digest(CELLS)}}})
    return lambda: read_page(path, "render it again")["cells"]


def sealed(path):
    write_sealed(path, bytes(range(64)))
    return lambda: read_sealed(path, "run again")


def packed(path):
    path.write_bytes(gzip.compress(IDX, mtime=0))
    return lambda: mnist._read_idx(path, "train-labels-idx1-ubyte").tolist()


def damages(whole, number, seed):
    """Flipped bits, cuts, repeated and inserted parts."""
    random = np.random.default_rng(seed)
    for _ in range(number):
        at, to = sorted(random.integers(len(whole) + 1, size=2))
        byte = int(random.integers(len(whole)))
        yield (
            whole[:byte] + bytes([whole[byte] ^ 1 << int(random.integers(8))]) + whole[byte + 1 :],
            whole[:at],
            whole[at:],
            whole[:at] + whole[to:],
            whole[:at] + random.bytes(int(random.integers(1, 9))) + whole[at:],
            whole[:to] + whole[at:],
        )[int(random.choice(6, p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1]))]


@pytest.mark.parametrize("kind", [arrays, packed_arrays, record, page, sealed, packed], ids=lambda kind: kind.__name__)
def test_damage_of_any_kind_is_recognised(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "MNIST_SHA256", {"train-labels-idx1-ubyte": hashlib.sha256(IDX).hexdigest()})
    path = tmp_path / {"arrays": "x.npz", "packed_arrays": "x.npz", "packed": "x.gz"}.get(kind.__name__, "x.json")
    read = kind(path)
    whole, written = path.read_bytes(), read()
    noticed = 0
    for damaged in damages(whole, 500, seed=0):
        path.write_bytes(damaged)
        try:
            assert read() == written, damaged
        except (DamagedFile, InvalidInput):
            noticed += 1
    assert noticed > 300


def test_every_flipped_bit_of_an_arrays_header_is_recognised(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.arange(5.0))
    whole = path.read_bytes()
    begin = whole.index(b"\x93NUMPY")
    for bit in range(8 * 128):
        place = begin + bit // 8
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit % 8]) + whole[place + 1 :])
        with pytest.raises((DamagedFile, InvalidInput)):
            read_arrays(path, "write it again")


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "content", [DEEP.encode(), b'{"a": ' + DEEP.encode() + b"}", b"\xff\xfe{}", b"", b"3", b'"x"', b"[1]", b"{}"]
)
@pytest.mark.parametrize("read", [read_record, read_page, read_arrays, read_sealed], ids=lambda read: read.__name__)
def test_files_of_another_kind_are_damaged_ones(content, read, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"file .*; run again\.$"):
        read(path, "run again")


def test_a_sealed_checkpoint_that_holds_none_is_damaged(tmp_path):
    path = tmp_path / "run.checkpoint"
    write_sealed(path, b"no archive of arrays")
    with pytest.raises(DamagedFile, match="is no checkpoint; delete it"):
        Checkpoint(str(path), {}).load()


def test_arrays_kept_in_a_sealed_file_of_another_kind_are_made_again(tmp_path):
    for payload in (b"", b"no archive", b"PK\x05\x06"):
        write_sealed(tmp_path / "run.checkpoint", payload)
        assert kept_arrays(tmp_path / "run.checkpoint", lambda: {"x": np.ones(2)})["x"].tolist() == [1, 1]
        assert kept_arrays(tmp_path / "run.checkpoint", lambda: pytest.fail("made twice"))["x"].tolist() == [1, 1]


def test_the_projects_own_errors_and_missing_files_pass():
    for error in (InvalidInput("a", 1, "2"), FileNotFoundError("gone"), PermissionError("no")):
        with pytest.raises(type(error)), reading("x", "a file", "run again"):
            raise error


@pytest.mark.parametrize("damage", ["cut", "flipped", "no gzip", "deflate"])
def test_a_damaged_download_is_fetched_again(damage, tmp_path, monkeypatch):
    import pooch

    name = "train-labels-idx1-ubyte"
    monkeypatch.setattr(mnist, "MNIST_SHA256", {name: hashlib.sha256(IDX).hexdigest()})
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)

    def fetch(_, *, fname, path, **__):
        (path / fname).write_bytes(gzip.compress(IDX))
        return str(path / fname)

    monkeypatch.setattr(pooch, "retrieve", fetch)
    kept = mnist._downloaded(name)
    whole = kept.read_bytes()
    broken = {"cut": whole[:-9], "flipped": whole[:30] + bytes([whole[30] ^ 255]) + whole[31:], "no gzip": b"<html>"}
    kept.write_bytes(broken.get(damage, whole[:10] + b"\xff" + whole[11:]))
    with pytest.warns(UserWarning, match="It is fetched again now"):
        assert mnist._downloaded(name) == kept
    assert kept.read_bytes()[10:] == whole[10:]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mnist._downloaded(name)


def test_json_that_is_a_record_but_says_nothing_is_told(tmp_path, capsys):
    from artifact.origins import main

    for number, content in enumerate([{"notebook": "n"}, {"notebook": 3, "parameters": []}, {"provenance": [1]}, {"file": "x"}]):
        path = tmp_path / f"x{number}.json"
        write_record(path, content)
        path.with_suffix(".npz").write_bytes(b"")
        for name in (path, path.with_suffix(".npz")):
            assert main(["show", str(name)]) == 1
            assert capsys.readouterr().err.count("\n") == 1
    page_path = tmp_path / "page.ipynb"
    for raw in (b'\xff"page_sha256"', json.dumps({"page_sha256": 1}).encode(), DEEP.encode() + b'"page_sha256"'):
        page_path.write_bytes(raw)
        assert main(["show", str(page_path)]) == 1
        assert capsys.readouterr().err.count("\n") == 1
