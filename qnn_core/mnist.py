"""MNIST's four files: found in a folder or downloaded once, and always checked."""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings
from pathlib import Path

import numpy as np

from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import check_writable, reading

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the decompressed IDX files: two gzip streams of one file can differ, its content cannot."""

MNIST_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
DATA_DIR_VARIABLE = "QNN_DATA_DIR"
_MAX_IDX_BYTES = 16 + 60_000 * 784 + 1
"""One more than the longest of the four files: no more is unpacked of a file that claims to be one of them."""


def mnist_files(folder: Path | None) -> dict[str, np.ndarray]:
    """Images (n, 28, 28) and labels (n,), uint8, by the names of the files; from `folder`, or downloaded."""
    return {name: _read_idx(_mnist_file(name, folder), name) for name in MNIST_SHA256}


def _mnist_file(name: str, folder: Path | None) -> Path:
    if folder is None:
        return _downloaded(name)
    for candidate in (folder / f"{name}.gz", folder / name):
        if candidate.is_file():
            return candidate
    found = sorted(path.name for path in folder.iterdir())[:8] if folder.is_dir() else "no such folder"
    raise MissingData(
        f"MNIST file {name}.gz (or {name}) is not in the data folder; found {found}. Put the four IDX files there, or unset "
        f"data_dir and {DATA_DIR_VARIABLE} to download them."
    )


def _downloaded(name: str) -> Path:
    import pooch

    cache_folder = Path(pooch.os_cache("qnn-artifact")) / "mnist"
    kept = cache_folder / f"{name}.gz"
    if kept.is_file():
        try:
            _read_idx(kept, name)
            return kept
        except DamagedFile as failure:
            warnings.warn(f"{failure} It is fetched again now.", stacklevel=2)
    check_writable(kept)
    failures = []
    for mirror in MNIST_MIRRORS:
        # A name of this process alone: several notebooks may start on an empty cache together.
        part = f"{name}.{os.getpid()}.part.gz"
        try:
            fetched = pooch.retrieve(f"{mirror}{name}.gz", known_hash=None, fname=part, path=cache_folder, progressbar=True)
            _read_idx(Path(fetched), name)
            os.replace(fetched, kept)
        except (OSError, ValueError) as failure:
            failures.append(f"{mirror}: {type(failure).__name__}")
            (cache_folder / part).unlink(missing_ok=True)
            continue
        return kept
    raise MissingData(
        f"MNIST could not be downloaded ({'; '.join(failures)}). Check the connection, or fetch the four files by hand and set "
        f"{DATA_DIR_VARIABLE} to their folder."
    )


def _read_idx(path: Path, name: str) -> np.ndarray:
    """The array of an IDX file, after its content was checked against the known SHA-256."""
    unpack = gzip.open if path.name.endswith(".gz") else open
    with reading(path, "a complete gzip file", "delete it and fetch it again"), unpack(path, "rb") as file:
        content = file.read(_MAX_IDX_BYTES)
    found = hashlib.sha256(content).hexdigest()
    if found != MNIST_SHA256[name]:
        raise DamagedFile(
            f"{path.name} holds {len(content)} bytes with SHA-256 {found[:12]}.., expected {MNIST_SHA256[name][:12]}..: it is "
            f"not MNIST's {name}, or it was damaged; delete it and fetch it again."
        )
    dimensions = content[3]
    shape = tuple(int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(dimensions))
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
