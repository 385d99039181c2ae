"""Data sets of labelled images: scikit-learn's digits, MNIST, or a file of your own.

All come out alike: pixels as float32 scaled linearly to [0, 1] (from [0, 16] for digits, [0, 255] for MNIST), one row an
image; labels as int64 from 0.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.files import check_name, check_writable, read_arrays, reading

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the decompressed IDX files: two gzip streams of one file can differ, its content cannot."""

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
DATA_DIR_VARIABLE = "QNN_DATA_DIR"
_MAX_IDX_BYTES = 16 + 60_000 * 784 + 1
"""One more than the longest of the four files: no more is unpacked of a file that claims to be one of them."""
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_NAMES = '"digits", "mnist", "mnist-1000" or the path of an .npz file'
_WRITE_AGAIN = "write it again with numpy.savez"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, split into training and test.

    name: for pages and provenance. x_train, x_test: (images, pixels) float32. y_train, y_test: (images,) int64, the class of each image from 0.
    image_shape: height and width of an image in pixels, for pictures. Raises InvalidInput when they do not fit together.
    """

    name: str
    x_train: Float32[np.ndarray, "_ _"]
    y_train: Int64[np.ndarray, " _"]
    x_test: Float32[np.ndarray, "_ _"]
    y_test: Int64[np.ndarray, " _"]
    image_shape: tuple[int, int]

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if len(x) == 0 or len(x) != len(y):
                raise InvalidInput(f"x_{part}, y_{part}", f"{len(x)} images, {len(y)} labels", "equal numbers, at least 1")
            if not _finite(x):
                raise InvalidInput(f"x_{part}", "NaN or infinity", "finite pixels")
            if y.min() < 0:
                raise InvalidInput(f"y_{part}", int(y.min()), "labels counted from 0")
        present = np.unique(self.y_train)
        if present[-1] != len(present) - 1:
            raise InvalidInput(
                "y_train",
                f"labels {_some(present)}",
                "all labels from 0 to the largest: take classes = numpy.unique(y_train), and numpy.searchsorted(classes, y) of both y",
            )
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise InvalidInput(
                "x_test", f"{self.x_test.shape[1]} pixels", f"the {self.x_train.shape[1]} pixels of the training images"
            )
        if self.y_test.max() >= self.num_classes:
            raise InvalidInput("y_test", int(self.y_test.max()), f"a class seen in training, 0 .. {self.num_classes - 1}")

    @property
    def num_pixels(self) -> int:
        """Inputs of a network for these images."""
        return self.x_train.shape[1]

    @property
    def num_classes(self) -> int:
        """One more than the largest training label."""
        return int(self.y_train.max()) + 1

    @property
    def sha256(self) -> str:
        """Of the four arrays' bytes, for provenance."""
        digest = hashlib.sha256()
        for name in _ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self, name)).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def hold_out(self, fraction: float, seed: int, num_train: int | None = None) -> Dataset:
        """A split of the *training* images alone: its `test` part is a validation set, in proportion for every class.

        Choose rates and other settings on this, so that the test images are seen only once. fraction: of the training images, between 0
        and 1. seed: of the split. num_train: how many of the other images to train on, None for all of them. Raises InvalidInput for
        what cannot be had.

        >>> split = load_dataset("digits").hold_out(0.2, seed=0)
        >>> len(split.y_train), len(split.y_test)
        (1149, 288)
        """
        from sklearn.model_selection import train_test_split

        if not 0 < fraction < 1:
            raise InvalidInput("fraction", fraction, "a number between 0 and 1")
        self._check_divisible()
        total = len(self.y_train)
        most = total - int(np.ceil(total * fraction))
        if total - most < self.num_classes:
            raise InvalidInput(
                "fraction", fraction, f"enough of {total} images for one of each of the {self.num_classes} classes"
            )
        if num_train is not None and not self.num_classes <= num_train <= most:
            raise InvalidInput("num_train", num_train, f"{self.num_classes} .. {most}, the training images that are not held out")
        kept, held = train_test_split(
            np.arange(total), test_size=fraction, train_size=num_train, random_state=seed, stratify=self.y_train
        )
        return replace(
            self,
            name=f"{self.name}-validation",
            x_train=self.x_train[kept],
            y_train=self.y_train[kept],
            x_test=self.x_train[held],
            y_test=self.y_train[held],
        )

    def take(self, num_train: int, seed: int) -> Dataset:
        """The same test images with `num_train` of the training images, in proportion for every class; all of them if that many.

        seed: of the choice.
        """
        from sklearn.model_selection import train_test_split

        total = len(self.y_train)
        if not self.num_classes <= num_train <= total:
            raise InvalidInput("num_train", num_train, f"{self.num_classes} .. {total}, the training images of {self.name}")
        if num_train > total - self.num_classes:
            return self if num_train == total else self._of_training(np.random.default_rng(seed).permutation(total)[:num_train])
        self._check_divisible()
        kept, _ = train_test_split(np.arange(total), train_size=num_train, random_state=seed, stratify=self.y_train)
        return self._of_training(kept)

    def _check_divisible(self) -> None:
        counts = np.bincount(self.y_train)
        if counts.min() < 2:
            raise InvalidInput("y_train", f"1 image of class {counts.argmin()}", "at least 2 of every class, to divide them")

    def _of_training(self, rows: Int64[np.ndarray, " n"]) -> Dataset:
        return replace(self, name=f"{self.name}-{len(rows)}", x_train=self.x_train[rows], y_train=self.y_train[rows])

    def sample(self, images: int, seed: int) -> Dataset:
        """At most `images` of the training and of the test images each, drawn by the seed: enough to estimate errors on."""
        random = np.random.default_rng([seed, 0x5A])
        rows, others = (np.sort(random.permutation(len(labels))[:images]) for labels in (self.y_train, self.y_test))
        return replace(self._of_training(rows), x_test=self.x_test[others], y_test=self.y_test[others])

    def only_classes(self, classes: tuple[int, ...]) -> Dataset:
        """The images of some classes, relabelled 0, 1, ... in the order given."""
        unknown = sorted(set(classes) - set(range(self.num_classes)))
        if len(classes) < 2 or len(set(classes)) < len(classes) or unknown:
            raise InvalidInput("classes", classes, f"at least two different labels out of 0 .. {self.num_classes - 1}")
        parts: dict[str, Any] = {}
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            chosen = np.isin(y, classes)
            position = {label: new for new, label in enumerate(classes)}
            parts[f"x_{part}"] = x[chosen]
            parts[f"y_{part}"] = np.array([position[int(label)] for label in y[chosen]], np.int64)
        return replace(self, name=f"{self.name}-{''.join(map(str, classes))}", **parts)


@dataclass(frozen=True)
class Size:
    """How large a data set is: different labels, training images, test images."""

    labels: int
    train: int
    test: int


_SIZES = {"digits": Size(10, 1437, 360), "mnist": Size(10, 60_000, 10_000), "mnist-1000": Size(10, 1000, 100)}


def size_of(name: str, data_dir: str | os.PathLike[str] | None = None) -> Size:
    """How large a data set is, found without loading images; raises as `load_dataset` for names that it does not know."""
    if name in _SIZES:
        return _SIZES[name]
    if not name.endswith(".npz"):
        raise InvalidInput("dataset", name, _NAMES)
    labels = read_arrays(_own_file(name, data_dir), _WRITE_AGAIN, ("y_train", "y_test"))
    if len(labels) < 2:
        raise InvalidInput("dataset", f"{name} with {sorted(labels)}", f"arrays {', '.join(_ARRAYS)}")
    train, test = (_own_labels(part, labels[part]) for part in ("y_train", "y_test"))
    return Size(int(train.max(initial=-1)) + 1, len(train), len(test))


def load_dataset(name: str, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set by name.

    "digits": scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, four fifths for training, split in proportion with a
    fixed seed; nothing is downloaded.
    "mnist": 60,000 + 10,000 images of 28 x 28 pixels. Looked for in `data_dir`, else in the folder named by the environment
    variable QNN_DATA_DIR, else downloaded once from public mirrors into the user's cache; the content is always checked.
    "mnist-1000": the first 100 training and the first 10 test images of every class of MNIST.
    "path/to/file.npz": arrays x_train, y_train, x_test, y_test of your own. Images (n, pixels) or (n, height, width);
    whole-number pixels 0 .. 255 are scaled to [0, 1], floating-point pixels must already lie there.

    Raises MissingData, DamagedFile or InvalidInput, each saying what was found, what was expected and what to do.

    >>> data = load_dataset("digits")
    >>> data.x_train.shape, data.num_classes, data.image_shape
    ((1437, 64), 10, (8, 8))
    """
    if name == "digits":
        return _digits()
    if name in ("mnist", "mnist-1000"):
        folder = data_dir or os.environ.get(DATA_DIR_VARIABLE) or None
        data = _mnist(Path(folder) if folder else None)
        return data if name == "mnist" else _first_of_each_class(data, "mnist-1000", 100, 10)
    if isinstance(name, str) and name.endswith(".npz"):
        return _npz(_own_file(name, data_dir))
    raise InvalidInput("dataset", name, _NAMES)


@cache
def _digits() -> Dataset:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    x = (pixels / 16).astype(np.float32)
    y = labels.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
    return Dataset("digits", x_train, y_train, x_test, y_test, (8, 8))


@cache
def _mnist(folder: Path | None) -> Dataset:
    parts = {name: _read_idx(_mnist_file(name, folder), name) for name in MNIST_SHA256}
    return Dataset(
        "mnist",
        _scaled_images(parts["train-images-idx3-ubyte"]),
        parts["train-labels-idx1-ubyte"].astype(np.int64),
        _scaled_images(parts["t10k-images-idx3-ubyte"]),
        parts["t10k-labels-idx1-ubyte"].astype(np.int64),
        (28, 28),
    )


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
    if kept.is_file() and _is_whole(kept, name):
        return kept
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


def _is_whole(path: Path, name: str) -> bool:
    """Whether a downloaded file still is what was downloaded; if not, that is said and it is fetched again."""
    try:
        _read_idx(path, name)
    except DamagedFile as failure:
        warnings.warn(f"{failure} It is fetched again now.", stacklevel=2)
        return False
    return True


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


def _scaled_images(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    # NumPy converts block by block here: no second array of the whole size is made.
    return np.divide(flat, np.float32(255), out=np.empty(flat.shape, np.float32), dtype=np.float32)


def _first_of_each_class(data: Dataset, name: str, train: int, test: int) -> Dataset:
    chosen: dict[str, Any] = {}
    for part, count in (("train", train), ("test", test)):
        labels = getattr(data, f"y_{part}")
        firsts = [np.flatnonzero(labels == label)[:count] for label in range(data.num_classes)]
        rows = np.sort(np.concatenate(firsts))
        chosen |= {f"x_{part}": getattr(data, f"x_{part}")[rows], f"y_{part}": labels[rows]}
    return replace(data, name=name, **chosen)


def _own_file(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """A file of the user's: relative to `data_dir`, else to the current folder."""
    check_name(name)
    path = Path(data_dir or ".") / name
    if path.is_file():
        return path.absolute()
    raise MissingData(f"dataset = {name!r} does not exist; give the path of an .npz file with {', '.join(_ARRAYS)}.")


def _npz(path: Path) -> Dataset:
    arrays = read_arrays(path, _WRITE_AGAIN, _ARRAYS, converted=("x_train", "x_test"))
    if missing := [name for name in _ARRAYS if name not in arrays]:
        raise InvalidInput("dataset", f"{path.name} with {sorted(arrays)}", f"also {', '.join(missing)}")
    shape = arrays["x_train"].shape[1:]
    labels = {}
    images = {}
    for part in ("train", "test"):
        images[f"x_{part}"] = _own_images(f"x_{part}", arrays.pop(f"x_{part}"))
        labels[f"y_{part}"] = _own_labels(f"y_{part}", arrays.pop(f"y_{part}"))
    image_shape = (int(shape[0]), int(shape[1])) if len(shape) == 2 else _nearly_square(int(shape[0]))
    return Dataset(path.stem, **images, **labels, image_shape=image_shape)


def _some(labels: np.ndarray) -> str:
    """The first few labels."""
    return ", ".join(map(str, labels[:12].tolist())) + (", .." if len(labels) > 12 else "")


def _own_images(name: str, images: np.ndarray) -> np.ndarray:
    if images.ndim not in (2, 3):
        raise InvalidInput(name, f"shape {images.shape}", "shape (images, pixels) or (images, height, width)")
    if images.size == 0:
        raise InvalidInput(name, f"shape {images.shape}", "at least one image of at least one pixel")
    flat = images.reshape(len(images), -1)
    if np.issubdtype(images.dtype, np.integer):
        if flat.min() < 0 or flat.max() > 255:
            raise InvalidInput(name, f"whole numbers {flat.min()} .. {flat.max()}", "0 .. 255")
        return _scaled_images(flat)
    if not np.issubdtype(images.dtype, np.floating):
        raise InvalidInput(name, f"dtype {images.dtype}", "whole numbers 0 .. 255, or floating point in [0, 1]")
    if not _finite(flat):
        raise InvalidInput(name, "NaN or infinity", "finite pixels")
    if flat.min() < 0 or flat.max() > 1:
        raise InvalidInput(
            name, f"pixels {flat.min():.4g} .. {flat.max():.4g}", "floating-point pixels in [0, 1]; scale them first"
        )
    return flat.astype(np.float32, copy=False)


def _finite(pixels: np.ndarray) -> bool:
    """Whether no pixel is NaN or infinite, without an array of answers."""
    return bool(np.isfinite(pixels.min(initial=0)) and np.isfinite(pixels.max(initial=0)))


def _own_labels(name: str, labels: np.ndarray) -> np.ndarray:
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InvalidInput(name, f"{labels.dtype} of shape {labels.shape}", "whole numbers of shape (images,)")
    return labels.astype(np.int64)


def _nearly_square(pixels: int) -> tuple[int, int]:
    height = next(side for side in range(int(np.sqrt(pixels)), 0, -1) if pixels % side == 0)
    return height, pixels // height
