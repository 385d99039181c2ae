"""Labelled data, split into training and test: scikit-learn's digits, MNIST, or arrays of your own.

Digits and MNIST have pixels in [0, 1]; your own data are scaled by a rule that is stored with them.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from functools import cache
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from qnn_core.errors import InvalidInput, MissingData, check, check_count
from qnn_core.files import check_name, read_arrays, reading
from qnn_core.inputs import Images, Labels, Rows, Scaling, Streamed, as_labels, as_rows, blocks, class_numbers, some, some_rows
from qnn_core.mnist import DATA_DIR_VARIABLE, mnist_files

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_NAMES = '"digits", "mnist", "mnist-1000", or the path of an .npz file or of a folder of .npy files'
_WRITE_AGAIN = "write it again with numpy.savez"
_ANY_KIND = "Dataset.from_arrays takes arrays and labels of any kind"
_TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labelled images, or rows of a table, split into training and test parts; `from_arrays` makes one from your own data.

    name: for pages and provenance. x_train, x_test: (images, pixels) float32, scaled for a network. y_train, y_test: (images,) int64, the
    class of each image, from 0. image_shape: height and width of an image in pixels, and colours if it has them, for drawing. names: of the
    classes (classes,), None for their numbers. scaling: how x was made from the unscaled numbers. Raises InvalidInput when these do not fit
    together.
    """

    name: str
    x_train: Images
    y_train: Int64[np.ndarray, " _"]
    x_test: Images
    y_test: Int64[np.ndarray, " _"]
    image_shape: tuple[int, ...]
    names: np.ndarray | None = None
    scaling: Scaling = field(default_factory=Scaling)

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if not isinstance(x, Streamed):
                as_rows(f"x_{part}", x)
            found, allowed = f"{x.dtype} of shape {x.shape}, {y.dtype}", f"float32 of shape (images, pixels), int64; {_ANY_KIND}"
            check(x.ndim == 2 and (x.dtype, y.dtype) == (np.float32, np.int64), f"x_{part}, y_{part}", found, allowed)
            check(len(x) == len(y), f"x_{part}, y_{part}", f"{len(x)} images, {len(y)} labels", "equal numbers")
            check(y.min() >= 0, f"y_{part}", int(y.min()), "labels counted from 0")
        if self.scaling.rule == "none":
            self.scaling.check("x_train", self.x_train)
        present = np.unique(self.y_train)
        pixels, classes, most = self.num_pixels, self.num_classes, self.y_test.max()
        check(len(present) == classes, "y_train", f"labels {some(present)}", f"all labels from 0 to the largest; {_ANY_KIND}")
        check(len(self.classes) == classes, "names", some(self.classes), f"a name for each of {classes} classes")
        width, shape = self.x_test.shape[1], self.image_shape
        check(width == pixels, "x_test", f"{width} pixels", f"the {pixels} pixels of the training images")
        check(np.prod(shape) == pixels, "image_shape", shape, f"a height and a width of {pixels} pixels in all")
        check(most < classes, "y_test", int(most), f"a class seen in training, 0 .. {classes - 1}")

    @classmethod
    def from_arrays(
        cls,
        x: Rows,
        y: Labels,
        *,
        test: float | tuple[Rows, Labels] = _TEST_SHARE,
        seed: int = 0,
        scaling: str = "auto",
        image_shape: tuple[int, ...] | None = None,
        name: str = "own",
    ) -> Dataset:
        """A data set from your own arrays, lists, pandas tables or torch tensors.

        x: rows of real numbers, (rows, features), (images, height, width) or (images, height, width, colours). y: the class of each row,
        (rows,): strings, integers or booleans. test: the share of the rows to test on, drawn with `seed` in proportion for every class, or
        a separate (x, y). scaling: "auto", "none", "pixels", "range" or "standard", see `Scaling`; fitted to the training part.
        image_shape: of rows that are images, if the shape of x does not show it. name: for pages. Raises InvalidInput, which names the row at
        fault and says what to do.

        >>> data = Dataset.from_arrays([[1.0], [2.0], [3.0], [4.0]], ["low", "low", "high", "high"], test=0.5)
        >>> data
        Dataset('own', 2 + 2 rows of 1 x 1, 2 classes high, low, scaling 'standard')
        """
        rows, labels = as_rows("x", x), as_labels("y", y)
        check(len(rows) == len(labels), "x, y", f"{len(rows)} rows, {len(labels)} labels", "a label for each row")
        classes, numbers = np.unique(labels, return_inverse=True)
        check(len(classes) >= 2, "y", f"one class, {some(classes)}", "at least two classes")
        shape = image_shape or rows.shape[1:]
        kept = held = None
        if isinstance(test, tuple | list) and len(test) == 2:
            rows_test, y_test = as_rows("x_test", test[0]), class_numbers("y_test", test[1], classes)
            alike = rows_test.shape[1:] == rows.shape[1:]
            check(alike, "x_test", f"shape {rows_test.shape}", f"rows of the shape of x, {rows.shape[1:]}")
        else:
            kept, held = _split(numbers, test, seed, classes)
            rows_test, y_test = rows, numbers[held]
        fitted = Scaling.fitted(scaling, rows, kept)
        return cls(
            name, fitted.of(rows, kept), numbers if kept is None else numbers[kept], fitted.of(rows_test, held), y_test,
            shape if len(shape) > 1 else _nearly_square(shape[0]), classes, fitted,
        )  # fmt: skip

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.image_shape))
        classes = f"{self.num_classes} classes {some(self.classes)}"
        return f"Dataset({self.name!r}, {len(self.y_train)} + {len(self.y_test)} rows of {shape}, {classes}, scaling {self.scaling.rule!r})"

    @property
    def num_pixels(self) -> int:
        """Inputs of a network for these images."""
        return self.x_train.shape[1]

    @property
    def num_classes(self) -> int:
        """One more than the largest training label."""
        return int(self.y_train.max()) + 1

    @property
    def classes(self) -> np.ndarray:
        """The name of each class, or its number."""
        return np.arange(self.num_classes) if self.names is None else self.names

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes of the four arrays, for provenance."""
        digest = hashlib.sha256()
        for name in _ARRAYS:
            for block in blocks(getattr(self, name)):
                digest.update(np.ascontiguousarray(block).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def hold_out(self, fraction: float, seed: int, num_train: int | None = None) -> Dataset:
        """A split of the *training* images alone: its `test` part is a validation set, in proportion for every class.

        Choose rates and other settings on it, so that the test images are used only once. fraction: held out of the training images,
        between 0 and 1. seed: of the split. num_train: how many of the remaining images to train on, None for all. Raises InvalidInput for
        a split that is impossible.

        >>> split = load_dataset("digits").hold_out(0.2, seed=0)
        >>> len(split.y_train), len(split.y_test)
        (1149, 288)
        """
        from sklearn.model_selection import train_test_split

        check(0 < fraction < 1, "fraction", fraction, "a number between 0 and 1")
        self._check_divisible()
        total, classes = len(self.y_train), self.num_classes
        most = total - int(np.ceil(total * fraction))
        check(total - most >= classes, "fraction", fraction, f"enough of {total} images for one of each of the {classes} classes")
        fits = num_train is None or classes <= num_train <= most
        check(fits, "num_train", num_train, f"{classes} .. {most}, the training images that are not held out")
        kept, held = train_test_split(
            np.arange(total), test_size=fraction, train_size=num_train, random_state=seed, stratify=self.y_train
        )
        validation = {"x_test": some_rows(self.x_train, held), "y_test": self.y_train[held]}
        return self._of_training(kept, "validation", **validation)

    def take(self, num_train: int, seed: int) -> Dataset:
        """The same test images with `num_train` of the training images, in proportion for every class. seed: of the choice."""
        from sklearn.model_selection import train_test_split

        total, classes = len(self.y_train), self.num_classes
        fits = classes <= num_train <= total
        check(fits, "num_train", num_train, f"{classes} .. {total}, the training images of {self.name}")
        if num_train > total - classes:
            return self if num_train == total else self._of_training(np.random.default_rng(seed).permutation(total)[:num_train])
        self._check_divisible()
        kept, _ = train_test_split(np.arange(total), train_size=num_train, random_state=seed, stratify=self.y_train)
        return self._of_training(kept)

    def _check_divisible(self) -> None:
        counts = np.bincount(self.y_train)
        check(counts.min() > 1, "y_train", f"1 image of class {counts.argmin()}", "at least 2 of every class, to divide them")

    def _of_training(self, rows: Int64[np.ndarray, " n"], name: str = "", **others: Any) -> Dataset:
        """Some training images, with a name added to that of the data, and with other fields as given."""
        chosen = {"x_train": some_rows(self.x_train, rows), "y_train": self.y_train[rows]}
        return replace(self, name=f"{self.name}-{name or len(rows)}", **chosen | others)

    def sample(self, images: int, seed: int) -> Dataset:
        """A random part of the training and of the test images, at most `images` of each, to estimate errors on.

        At least one training image of each class is kept. seed: of the choice.
        """
        random = np.random.default_rng([seed, 0x5A])
        rows, others = (np.sort(random.permutation(len(labels))[:images]) for labels in (self.y_train, self.y_test))
        absent = np.setdiff1d(self.y_train, self.y_train[rows])
        rows = np.union1d(rows, np.unique(self.y_train, return_index=True)[1][absent])
        return self._of_training(rows, x_test=some_rows(self.x_test, others), y_test=self.y_test[others])

    def only_classes(self, classes: tuple[int, ...]) -> Dataset:
        """The images of some classes, relabelled 0, 1, ... in the order given."""
        fits = len(set(classes)) == len(classes) > 1 and set(classes) <= set(range(self.num_classes))
        check(fits, "classes", classes, f"at least two different labels out of 0 .. {self.num_classes - 1}")
        number = np.full(self.num_classes, -1)
        number[list(classes)] = np.arange(len(classes))
        train, test = (number[labels] for labels in (self.y_train, self.y_test))
        return self._of_training(
            np.flatnonzero(train >= 0), "".join(map(str, classes)), y_train=train[train >= 0], y_test=test[test >= 0],
            x_test=some_rows(self.x_test, np.flatnonzero(test >= 0)), names=None if self.names is None else self.classes[list(classes)],
        )  # fmt: skip


@dataclass(frozen=True)
class Size:
    """The size of a data set: numbers of classes, training images and test images."""

    labels: int
    train: int
    test: int


_SIZES = {"digits": Size(10, 1437, 360), "mnist": Size(10, 60_000, 10_000), "mnist-1000": Size(10, 1000, 100)}


def size_of(name: str, data_dir: str | os.PathLike[str] | None = None) -> Size:
    """The size of a data set, without loading its images; raises like `load_dataset` for an unknown name."""
    if name in _SIZES:
        return _SIZES[name]
    check(name.endswith(".npz"), "dataset", name, _NAMES)
    labels = read_arrays(_own_file(name, data_dir), _WRITE_AGAIN, ("y", "y_train", "y_test"))
    if "y" in labels:
        counts = np.unique(as_labels("y", labels["y"]), return_counts=True)[1]
        held = int(_held(counts, _TEST_SHARE).sum())
        return Size(len(counts), int(counts.sum()) - held, held)
    check(len(labels) == 2, "dataset", f"{name} with {sorted(labels)}", f"arrays x and y, or {', '.join(_ARRAYS)}")
    train, test = (as_labels(part, labels[part]) for part in ("y_train", "y_test"))
    return Size(len(np.unique(train)), len(train), len(test))


def load_dataset(name: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set by name.

    "digits": scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, four fifths for training, split in proportion with a
    fixed seed; nothing is downloaded.
    "mnist": 60,000 + 10,000 images of 28 x 28 pixels, from `data_dir` or else the folder named by the environment variable QNN_DATA_DIR;
    without either they are downloaded once from public mirrors into the user's cache. The content is always checked.
    "mnist-1000": the first 100 training and the first 10 test images of every class of MNIST. With so few test images, the errors of equally
    good networks differ by whole percentage points.
    "path/to/file.npz": your own arrays, x and y, or x_train, y_train, x_test and y_test, treated as by `Dataset.from_arrays`. The path is
    relative to `data_dir`, or else to the current folder.
    "path/to/folder": the same arrays as x.npy, y.npy and so on. Rows stay on disk until they are used, however many there are.

    Raises MissingData, DamagedFile or InvalidInput, which say what was found, what was expected and what to do.

    >>> data = load_dataset("digits")
    >>> data.x_train.shape, data.num_classes, data.image_shape
    ((1437, 64), 10, (8, 8))
    """
    name = os.fspath(name) if isinstance(name, os.PathLike) else name
    if name == "digits":
        return _digits()
    if name in ("mnist", "mnist-1000"):
        folder = data_dir or os.environ.get(DATA_DIR_VARIABLE) or None
        data = _mnist(Path(folder) if folder else None)
        return data if name == "mnist" else _first_of_each_class(data)
    if isinstance(name, str) and (name.endswith(".npz") or (Path(data_dir or ".") / name).is_dir()):
        return _own(_own_file(name, data_dir))
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
    arrays = list(mnist_files(folder).values())
    pixels = Scaling.fitted("pixels", arrays[0])
    x_train, x_test = pixels(arrays[0]), pixels(arrays[2])
    return Dataset("mnist", x_train, arrays[1].astype(np.int64), x_test, arrays[3].astype(np.int64), (28, 28))


def _first_of_each_class(data: Dataset) -> Dataset:
    rows, held = (
        np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(data.num_classes)]))
        for labels, count in ((data.y_train, 100), (data.y_test, 10))
    )
    return data._of_training(rows, x_test=data.x_test[held], y_test=data.y_test[held])


def _own_file(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """A file or folder of the user's: relative to `data_dir`, else to the current folder."""
    check_name(name)
    path = Path(data_dir or ".") / name
    if path.exists():
        return path.absolute()
    raise MissingData(f"dataset = {name!r} does not exist; give the path of an .npz file with x and y, or {', '.join(_ARRAYS)}.")


def own_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those arrays of an .npz file that are there, or, left on disk, of a folder of .npy files."""
    if not path.is_dir():
        return read_arrays(path, _WRITE_AGAIN, names, converted=[name for name in names if name.startswith("x")])
    found = {name: path / f"{name}.npy" for name in names if (path / f"{name}.npy").is_file()}
    with reading(path, "a folder of readable .npy files", "write them again with numpy.save"):
        return {name: np.load(file, mmap_mode="r", allow_pickle=False) for name, file in found.items()}


def _own(path: Path) -> Dataset:
    arrays = own_arrays(path, (*_ARRAYS, "x", "y"))
    if {"x", "y"} <= arrays.keys():
        return Dataset.from_arrays(arrays["x"], arrays["y"], name=path.stem)
    missing = [name for name in _ARRAYS if name not in arrays]
    check(not missing, "dataset", f"{path.name} with {sorted(arrays)}", f"also {', '.join(missing)}; or x and y alone")
    x_train, y_train, x_test, y_test = (arrays[name] for name in _ARRAYS)
    return Dataset.from_arrays(x_train, y_train, test=(x_test, y_test), name=path.stem)


def _split(numbers: Int64[np.ndarray, " n"], share: float, seed: int, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to test on, every class in proportion and in both."""
    check_count("seed", seed, least=0)
    fits = isinstance(share, Real) and 0 < share < 1
    check(fits, "test", share, "a share between 0 and 1, or (x, y) to test on")
    counts = np.bincount(numbers)
    allowed = "at least 2 of every class, to train and to test on: leave the class out, or give test=(x, y)"
    check(counts.min() > 1, "y", f"1 row of class {classes[counts.argmin()]}", allowed)
    order = np.random.default_rng(seed).permutation(len(numbers))
    held = [order[numbers[order] == label][:count] for label, count in enumerate(_held(counts, share))]
    chosen = np.isin(np.arange(len(numbers)), np.concatenate(held))
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _held(counts: Int64[np.ndarray, " classes"], share: float) -> Int64[np.ndarray, " classes"]:
    """How many rows of each class to test on: at least one, and not all."""
    return np.clip(np.round(share * counts).astype(np.int64), 1, counts - 1)


def _nearly_square(pixels: int) -> tuple[int, int]:
    height = next(side for side in range(int(np.sqrt(pixels)), 0, -1) if pixels % side == 0)
    return height, pixels // height
