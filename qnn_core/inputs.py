"""Turns numbers and labels as users have them into what a network takes: float32 rows, and classes counted from 0.

They may be NumPy arrays of real, integer or boolean type, lists, pandas tables or columns, or torch tensors. Arrays that
`numpy.load(..., mmap_mode="r")` left on disk stay there: rows are read and scaled when they are used.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Int64

from qnn_core.errors import InvalidInput, check, check_choice

Rows: TypeAlias = Any
"""Numbers, one row an image or a line of a table: (rows, features), (rows, height, width) or (rows, height, width, colours)."""

Labels: TypeAlias = Any
"""The class of each row (rows,): strings, whole numbers or truth values, with or without gaps."""

Chosen: TypeAlias = "Int64[np.ndarray, ' n'] | None"
"""Numbers of the rows to use, None for all."""

Images: TypeAlias = Float32[Any, "_ _"]
"""Rows as a network takes them: an array, or `Streamed` from disk."""

_LARGEST = 1e30
"""Above this, sums of float32 may overflow."""
_ROWS_AT_ONCE = 1024
_NAMES_OF_CLASSES: tuple[tuple[Any, Any], ...] = ((str, str), ((bool, np.bool_), bool), (Integral, np.int64))
"""Python's types of labels, and NumPy's."""
_FAR = 30.0
_TYPICAL = 5.0
_ROUNDING = 1e-12


class InputWarning(UserWarning):
    """Numbers that can be used but are probably in the wrong units."""


def as_rows(name: str, given: Rows) -> np.ndarray:
    """Finite numbers in an array of the shape and real type that they came in; InvalidInput, by name, for all else."""
    rows = _array(name, given)
    if rows.dtype == object:
        rows = _converted(name, rows)
    allowed = "real numbers; give a number to each category first, such as pandas.get_dummies does"
    check(rows.dtype.kind in "buif", name, f"dtype {rows.dtype}", allowed)
    remedy = f"; for one row of {name} give {name}[None], for one feature {name}.reshape(-1, 1)" if rows.ndim == 1 else ""
    allowed = f"shape (rows, features), (images, height, width) or (images, height, width, colours){remedy}"
    check(rows.ndim in (2, 3, 4), name, f"shape {rows.shape}", allowed)
    check(rows.size, name, f"shape {rows.shape}", "at least one row of at least one number")
    if not max(map(abs, _extremes(rows))) <= _LARGEST:
        allowed = f"finite numbers below {_LARGEST:g}: leave such rows out, or fill in what is missing"
        raise InvalidInput(name, _unusable(rows), allowed)
    return rows


def as_labels(name: str, given: Labels) -> np.ndarray:
    """Names of classes (rows,): whole numbers, in floating point too, truth values or strings; InvalidInput, by name, for all else."""
    labels = _array(name, given)
    if labels.dtype.kind == "U" and isinstance(given, list | tuple):  # Of names and numbers together NumPy makes names.
        labels = np.asarray(given, object)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    remedy = f": of a column for each class take {name}.argmax(axis=1)" if labels.ndim == 2 else ""
    check(labels.ndim == 1, name, f"shape {labels.shape}", f"one label a row, shape (rows,){remedy}")
    odd: list[int] = []
    if labels.dtype == object:
        first = labels[0] if len(labels) else ""
        kinds, dtype = next((one for one in _NAMES_OF_CLASSES if isinstance(first, one[0])), _NAMES_OF_CLASSES[-1])
        odd = [row for row, label in enumerate(labels) if not isinstance(label, kinds)]
        labels = labels if odd else labels.astype(dtype)
        allowed = "labels that are all strings or all whole numbers: leave the other rows out, or name their class"
    elif labels.dtype.kind == "f":
        odd = np.flatnonzero(~(labels == np.floor(labels)) | np.isinf(labels)).tolist()
        allowed = "names of classes; for numbers to predict there is no network here, put them into bins first"
    if odd:
        raise InvalidInput(name, f"{labels.tolist()[odd[0]]!r} in row {odd[0]}, and {len(odd)} such rows in all", allowed)
    check(labels.dtype.kind in "buifUS", name, f"dtype {labels.dtype}", "strings, whole numbers or truth values")
    return labels


def class_numbers(name: str, given: Labels, classes: np.ndarray) -> Int64[np.ndarray, " rows"]:
    """The place of each label in `classes`; InvalidInput for a label that is not there."""
    found, inverse = np.unique(as_labels(name, given), return_inverse=True)
    place = {label: number for number, label in enumerate(classes.tolist())}
    numbers = np.array([place.get(label, -1) for label in found.tolist()], np.int64)[inverse]
    for row in np.flatnonzero(numbers < 0)[:1]:
        found_there = f"{found[inverse[row]].item()!r} in row {row}"
        raise InvalidInput(name, found_there, f"one of the {len(classes)} classes {some(classes)}")
    return numbers


def some(labels: np.ndarray) -> str:
    """The first few labels."""
    return ", ".join(map(str, labels[:12].tolist())) + (", .." if len(labels) > 12 else "")


@dataclass(frozen=True, eq=False)
class Scaling:
    """How unscaled numbers become a network's: (x - offset) / scale, in float32.

    rule: "none"; "pixels": integers from 0 to 255 are divided by 255; "range": the smallest and largest training value of each feature become
    0 and 1; "standard": mean and standard deviation of each feature in training become 0 and 1. offset, scale: float64, one number, or one
    for each feature.
    """

    rule: str = "none"
    offset: np.ndarray = field(default_factory=lambda: np.zeros(()))
    scale: np.ndarray = field(default_factory=lambda: np.ones(()))

    @classmethod
    def fitted(cls, rule: str, rows: np.ndarray, chosen: Chosen = None) -> Scaling:
        """The scaling of this rule for training rows of `as_rows`, the chosen ones.

        "auto" takes "pixels" for bytes, and for whole numbers 0 .. 255 that are images or go up to 255; "none" for numbers from -1 to 1, else
        "standard".
        """
        lowest, highest = _extremes(rows, chosen)
        if rule == "auto":
            images = rows.dtype == np.uint8 or (rows.dtype.kind in "iu" and (rows.ndim > 2 or highest == 255))
            small = "none" if lowest >= -1 and highest <= 1 else "standard"
            rule = "pixels" if images and lowest >= 0 and highest <= 255 else small
        check_choice("scaling", rule, ("auto", *_RULES))
        fits = rule != "pixels" or (lowest >= 0 and highest <= 255)
        check(fits, "scaling", f"{rule} of numbers {lowest:g} .. {highest:g}", "0 .. 255; or take standard or range")
        offset, scale = (np.asarray(values, np.float64) for values in _RULES[rule](rows, chosen))
        # What never changes in training, but for rounding, is only moved.
        return cls(rule, offset, np.where(scale > _ROUNDING * np.abs(offset), scale, 1.0))

    def of(self, rows: np.ndarray, chosen: Chosen = None) -> Images:
        """Rows of `as_rows`, scaled: now, or from disk as they are asked for."""
        if isinstance(rows, np.memmap):
            return Streamed(rows, self, chosen)
        return self(rows if chosen is None else rows[chosen])

    def __call__(self, rows: np.ndarray) -> Float32[np.ndarray, "rows features"]:
        """Rows of `as_rows`, scaled; without a copy where nothing is to be done."""
        flat = rows.reshape(len(rows), -1)
        if self.rule == "none":
            return flat.astype(np.float32, copy=False)
        # NumPy converts block by block: no array of 64-bit numbers is made.
        scaled = np.empty(flat.shape, np.float32)
        with np.errstate(over="ignore"):
            np.subtract(flat, self.offset, out=scaled, dtype=np.float64, casting="same_kind")
            np.divide(scaled, self.scale, out=scaled, dtype=np.float64, casting="same_kind")
        return as_rows(f"x by the rule {self.rule!r}", scaled)

    def check(self, name: str, scaled: Images) -> None:
        """Warn where numbers came unscaled, or scaled twice."""
        largest = max(map(abs, _extremes(scaled)))
        if self.rule == "none":
            odd = largest > _FAR
            told = (
                f"has numbers up to {largest:.4g}, and they are taken as they are: networks learn badly from numbers far from 1. "
                'Dataset.from_arrays(..., scaling="standard") scales them, and a network made by QNN.for_data remembers how.'
            )
        else:
            sizes = (float(np.abs(block).sum(dtype=np.float64)) for block in blocks(scaled))
            odd = 0 < largest <= 1 / 255 if self.rule == "pixels" else sum(sizes) > _TYPICAL * math.prod(scaled.shape)
            told = (
                "is far from what the network was trained on, as if it had been scaled already; the network applies its own rule, "
                f'"{self.rule}", to numbers as they came.'
            )
        if odd:
            warnings.warn(f"{name} {told}", InputWarning, stacklevel=3)


class Streamed:
    """Rows on disk as a network takes them: an array to read from, of which only the rows that are asked for are ever in memory.

    source: the array on disk. scaling: of its rows. chosen: which of them, None for all.
    """

    dtype, ndim = np.dtype(np.float32), 2

    def __init__(self, source: np.ndarray, scaling: Scaling, chosen: Chosen = None) -> None:
        self.source, self.scaling, self.chosen = source, scaling, chosen
        self.shape = (len(source) if chosen is None else len(chosen), math.prod(source.shape[1:]))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, Integral):
            return self[np.array([rows])][0]
        return self.scaling(np.asarray(self.source[rows if self.chosen is None else self.chosen[rows]]))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def mean(self, axis: int = 0) -> Float32[np.ndarray, " features"]:
        """The mean row; axis: of the rows."""
        assert axis == 0
        return (sum(block.sum(axis=0, dtype=np.float64) for block in blocks(self)) / len(self)).astype(np.float32)


def some_rows(x: Images, rows: Int64[np.ndarray, " n"]) -> Images:
    """Some of the rows that a network takes; data on disk stay there."""
    return Streamed(x.source, x.scaling, rows if x.chosen is None else x.chosen[rows]) if isinstance(x, Streamed) else x[rows]


def blocks(rows: Any, chosen: Chosen = None) -> Iterator[np.ndarray]:
    """The rows (n, numbers), or the chosen ones, a thousand at a time."""
    for first in range(0, len(rows if chosen is None else chosen), _ROWS_AT_ONCE):
        wanted = slice(first, first + _ROWS_AT_ONCE)
        block = np.asarray(rows[wanted if chosen is None else chosen[wanted]])
        yield block.reshape(len(block), -1)


def _extremes(rows: Any, chosen: Chosen = None) -> tuple[float, float]:
    """The smallest and the largest number; NaN where there is one."""
    found = np.array([(block.min(), block.max()) for block in blocks(rows, chosen)], np.float64)
    return float(found[:, 0].min()), float(found[:, 1].max())


def _unusable(rows: np.ndarray) -> str:
    """The first number that is not finite or too large, and in how many rows there are such."""
    first, bad_rows, before = "", 0, 0
    for block in blocks(rows):
        bad = ~(np.abs(block).astype(np.float64) <= _LARGEST)
        if bad.any() and not bad_rows:
            row, column = np.argwhere(bad)[0]
            first = f"{block[row, column]} in row {before + row}, column {column}"
        bad_rows += int(bad.any(axis=1).sum())
        before += len(block)
    return f"{first}, and {bad_rows} such rows in all"


def _range(rows: np.ndarray, chosen: Chosen) -> tuple[Any, Any]:
    found = [(block.min(axis=0), block.max(axis=0)) for block in blocks(rows, chosen)]
    lowest, highest = np.min([low for low, _ in found], axis=0), np.max([high for _, high in found], axis=0)
    return lowest, np.subtract(highest, lowest, dtype=np.float64)


def _standard(rows: np.ndarray, chosen: Chosen) -> tuple[Any, Any]:
    count = len(rows if chosen is None else chosen)
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in blocks(rows, chosen)) / count
    return mean, np.sqrt(sum(np.square(block - mean).sum(axis=0, dtype=np.float64) for block in blocks(rows, chosen)) / count)


_RULES: dict[str, Callable[[np.ndarray, Chosen], tuple[Any, Any]]] = {
    "none": lambda *_: (0.0, 1.0),
    "pixels": lambda *_: (0.0, 255.0),
    "range": _range,
    "standard": _standard,
}


def _array(name: str, given: Any) -> np.ndarray:
    check(not hasattr(given, "toarray"), name, type(given).__name__, f"a dense array: {name}.toarray()")
    if isinstance(given, np.memmap):
        return given
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        given = np.ma.filled(given.astype(np.float64), np.nan)
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        given = given.float() if str(given.dtype) == "torch.bfloat16" else given
    try:
        return np.asarray(given)
    except (TypeError, ValueError) as failure:  # Rows of different lengths; torch's types that NumPy lacks.
        allowed = f"an array of numbers or labels, rows of equal length ({failure})"
        raise InvalidInput(name, type(given).__name__, allowed) from failure


def _converted(name: str, rows: np.ndarray) -> np.ndarray:
    """Python objects as numbers; the first that is none is shown."""
    if not rows.ndim:
        raise InvalidInput(name, type(rows.item()).__name__, "an array, a list, a pandas table or a torch tensor of numbers")
    try:
        return rows.astype(np.float64)
    except (TypeError, ValueError):
        flat = rows.reshape(len(rows), -1)
        for row, column in np.ndindex(flat.shape):
            try:
                float(flat[row, column])
            except (TypeError, ValueError):
                break
        found = f"{flat[row, column]!r} in row {row}, column {column}"
        raise InvalidInput(name, found, "numbers: leave such columns out, or give a number to each category first") from None
