"""Turns numbers and labels as people have them into what a network takes: float32 rows, and classes counted from 0.

They may be NumPy arrays of real, integer or boolean type, lists, pandas tables or columns, or torch tensors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Int64

from qnn_core.errors import InvalidInput

Rows: TypeAlias = Any
"""Numbers, one row an image or a line of a table: (rows, features), (rows, height, width) or (rows, height, width, colours)."""

Labels: TypeAlias = Any
"""The class of each row (rows,): strings, whole numbers or truth values, with or without gaps."""

_LARGEST = 1e30
"""Above this, sums of float32 may overflow."""
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
    if rows.dtype.kind not in "buif":
        raise InvalidInput(
            name, f"dtype {rows.dtype}", "real numbers; give a number to each category first, such as pandas.get_dummies does"
        )
    if rows.ndim not in (2, 3, 4):
        remedy = f"; for one row of {name} give {name}[None], for one feature {name}.reshape(-1, 1)" if rows.ndim == 1 else ""
        allowed = f"shape (rows, features), (images, height, width) or (images, height, width, colours){remedy}"
        raise InvalidInput(name, f"shape {rows.shape}", allowed)
    if rows.size == 0:
        raise InvalidInput(name, f"shape {rows.shape}", "at least one row of at least one number")
    # Extremes first: they take no array of answers.
    if not max(abs(float(rows.min())), abs(float(rows.max()))) <= _LARGEST:
        bad = ~(np.abs(rows.reshape(len(rows), -1)) <= _LARGEST)
        row, column = np.argwhere(bad)[0]
        found = f"{rows.reshape(len(rows), -1)[row, column]} in row {row}, column {column}, and {bad.any(axis=1).sum()} such rows in all"
        raise InvalidInput(name, found, f"finite numbers below {_LARGEST:g}: leave such rows out, or fill in what is missing")
    return rows


def as_labels(name: str, given: Labels) -> np.ndarray:
    """Names of classes (rows,): whole numbers, in floating point too, truth values or strings; InvalidInput, by name, for all else."""
    labels = _array(name, given)
    if labels.dtype.kind == "U" and isinstance(given, list | tuple):  # Of names and numbers together NumPy makes names.
        labels = np.asarray(given, object)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        remedy = f": of a column for each class take {name}.argmax(axis=1)" if labels.ndim == 2 else ""
        raise InvalidInput(name, f"shape {labels.shape}", f"one label a row, shape (rows,){remedy}")
    if labels.dtype == object:
        kind: type = str if isinstance(labels[0] if len(labels) else "", str) else Integral
        odd = [row for row, label in enumerate(labels) if not isinstance(label, kind)]
        if odd:
            found = f"{labels[odd[0]]!r} in row {odd[0]}, and {len(odd)} such rows in all"
            raise InvalidInput(
                name, found, "labels that are all strings or all whole numbers: leave the other rows out, or name their class"
            )
        return labels.astype(str if kind is str else np.int64)
    if labels.dtype.kind == "f" and (odd := np.flatnonzero(~(labels == np.floor(labels)) | np.isinf(labels)).tolist()):
        found = f"{labels[odd[0]]} in row {odd[0]}, and {len(odd)} such rows in all"
        raise InvalidInput(
            name, found, "names of classes; for numbers to predict there is no network here, put them into bins first"
        )
    if labels.dtype.kind not in "buifUS":
        raise InvalidInput(name, f"dtype {labels.dtype}", "strings, whole numbers or truth values")
    return labels


def class_numbers(name: str, given: Labels, classes: np.ndarray) -> Int64[np.ndarray, " rows"]:
    """The place of each label in `classes`; InvalidInput for a label that is not there."""
    found, inverse = np.unique(as_labels(name, given), return_inverse=True)
    place = {label: number for number, label in enumerate(classes.tolist())}
    numbers = np.array([place.get(label, -1) for label in found.tolist()], np.int64)[inverse]
    if len(numbers) and numbers.min() < 0:
        row = int(np.argmin(numbers))
        raise InvalidInput(
            name, f"{found[inverse[row]].item()!r} in row {row}", f"one of the {len(classes)} classes {some(classes)}"
        )
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
    def fitted(cls, rule: str, rows: np.ndarray) -> Scaling:
        """The scaling of this rule for training rows of `as_rows`.

        "auto" takes "pixels" for bytes, and for whole numbers 0 .. 255 that are images or go up to 255; "none" for numbers from -1 to 1, else
        "standard".
        """
        lowest, highest = float(rows.min()), float(rows.max())
        if rule == "auto":
            images = rows.dtype == np.uint8 or (rows.dtype.kind in "iu" and (rows.ndim > 2 or highest == 255))
            small = "none" if lowest >= -1 and highest <= 1 else "standard"
            rule = "pixels" if images and lowest >= 0 and highest <= 255 else small
        if rule not in _RULES:
            raise InvalidInput("scaling", rule, f"auto, {', '.join(_RULES)}")
        if rule == "pixels" and (lowest < 0 or highest > 255):
            raise InvalidInput("scaling", f"{rule} of numbers {lowest:g} .. {highest:g}", "0 .. 255; or take standard or range")
        flat = rows.reshape(len(rows), -1)
        offset, scale = (np.asarray(values, np.float64) for values in _RULES[rule](flat))
        # What never changes in training, but for rounding, is only moved.
        return cls(rule, offset, np.where(scale > _ROUNDING * np.abs(offset), scale, 1.0))

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

    def check(self, name: str, scaled: Float32[np.ndarray, "rows features"]) -> None:
        """Warn where numbers came unscaled, or scaled twice."""
        largest = max(abs(float(scaled.min())), abs(float(scaled.max())))
        if self.rule == "none" and largest > _FAR:
            warnings.warn(
                f"{name} has numbers up to {largest:.4g}, and they are taken as they are: networks learn badly from numbers far from 1. "
                'Dataset.from_arrays(..., scaling="standard") scales them, and a network made by QNN.for_data remembers how.',
                InputWarning,
                stacklevel=3,
            )
        elif (self.rule == "pixels" and 0 < largest <= 1 / 255) or (
            self.rule in ("range", "standard") and np.abs(scaled).mean(dtype=np.float64) > _TYPICAL
        ):
            warnings.warn(
                f'{name} is far from what the network was trained on, as if it had been scaled already; the network applies its own rule, "'
                f'{self.rule}", to numbers as they came.',
                InputWarning,
                stacklevel=3,
            )


_RULES: dict[str, Callable[[np.ndarray], tuple[Any, Any]]] = {
    "none": lambda _: (0.0, 1.0),
    "pixels": lambda _: (0.0, 255.0),
    "range": lambda x: (x.min(axis=0), np.subtract(x.max(axis=0), x.min(axis=0), dtype=np.float64)),
    "standard": lambda x: (x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)),
}


def _array(name: str, given: Any) -> np.ndarray:
    if hasattr(given, "toarray"):
        raise InvalidInput(name, type(given).__name__, f"a dense array: {name}.toarray()")
    if hasattr(given, "detach"):
        given = given.detach().cpu()
    try:
        return np.asarray(given)
    except (TypeError, ValueError) as failure:  # Rows of different lengths; torch's types that NumPy lacks.
        raise InvalidInput(
            name, type(given).__name__, f"an array of numbers or labels, rows of equal length ({failure})"
        ) from failure


def _converted(name: str, rows: np.ndarray) -> np.ndarray:
    """Python objects as numbers; the first that is none is shown."""
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
