"""The record of a training run, in the same form for every way of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float64

from qnn_core.data import Dataset
from qnn_core.errors import check, check_count, check_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Callback: TypeAlias = Callable[[dict[str, float]], Any]
"""Called with `History.entry` at each evaluation; ends the run if it returns True."""


@dataclass(repr=False)
class History:
    """One entry for each evaluation, the untrained network first.

    step: parameter updates done. epoch: the same in passes over the training images.
    train_mistakes, test_mistakes: wrong answers, out of the train_images and test_images on which errors are measured.
    loss: mean over training images of the training objective's own value (its meaning depends on the method).
    cross_entropy: mean over training images of -ln P(right class), nats, with P the softmax of the class scores at temperature 1: the same
    measure for every method.
    reads, anneals, spin_updates: sampler reads of the free network, anneals submitted for them (several a read when layers are sampled in turn)
    and for states with the outputs held, and single-spin updates spent so far; 0 for backpropagation.

    Since the entry before, NaN where nothing is sampled:
    head_fraction: of the images of the updates, those that had a head; an image that rests has none.
    heads_per_read: of the reads that were heads. distinct_heads: different heads per image.
    heads_surviving: of the heads just cut, the fraction that still are heads right after the cut.
    heads_regrown: heads per read when the same images are sampled again right after the cut.

    Of some test images, NaN where nothing is sampled; see `qnn_core.answers.OwnAnswers`:
    own_error: the fraction whose deepest read is wrong or undecided: the annealer's own answer. reads_wrong: of their reads.
    overlap: m, of reads with the clamped state of the right answer.

    seconds: wall time so far, for the reader; it never enters a stored array.
    snapshots: parameters by step, in the order of `QNN.parameters`. best: those at the lowest test error that `train` measured, for
    `QNN.set_parameters`.
    """

    step: list[int] = field(default_factory=list)
    epoch: list[float] = field(default_factory=list)
    train_mistakes: list[int] = field(default_factory=list)
    test_mistakes: list[int] = field(default_factory=list)
    train_images: list[int] = field(default_factory=list)
    test_images: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    cross_entropy: list[float] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    anneals: list[int] = field(default_factory=list)
    spin_updates: list[int] = field(default_factory=list)
    head_fraction: list[float] = field(default_factory=list)
    heads_per_read: list[float] = field(default_factory=list)
    distinct_heads: list[float] = field(default_factory=list)
    heads_surviving: list[float] = field(default_factory=list)
    heads_regrown: list[float] = field(default_factory=list)
    own_error: list[float] = field(default_factory=list)
    reads_wrong: list[float] = field(default_factory=list)
    overlap: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    snapshots: dict[int, list[np.ndarray]] = field(default_factory=dict)
    best: list[np.ndarray] = field(default_factory=list)

    def __repr__(self) -> str:
        if not self.step:
            return "History(nothing measured yet)"
        errors = f"error {self.train_error[-1]:.2%} train, {self.test_error[-1]:.2%} test"
        return f"History({len(self.step)} evaluations in {self.epoch[-1]:g} epochs, {self.step[-1]:,} updates, {errors})"

    def record(self, **entry: float) -> None:
        """Append one evaluation; columns left out are NaN for what is sampled and 0 for its effort."""
        defaults: dict[str, float] = dict.fromkeys(_SAMPLED, float("nan")) | {"reads": 0, "anneals": 0, "spin_updates": 0}
        for name, value in (defaults | entry).items():
            getattr(self, name).append(value)

    def entry(self) -> dict[str, float]:
        """The newest evaluation as plain numbers, the two errors as fractions among them."""
        newest = {name: float(getattr(self, name)[-1]) for name in (*COLUMNS, "seconds")}
        return newest | {"train_error": float(self.train_error[-1]), "test_error": float(self.test_error[-1])}

    @property
    def num_train(self) -> int:
        """Training images on which the last errors are measured: all of them at the end of a run."""
        return self.train_images[-1]

    @property
    def num_test(self) -> int:
        """The same of the test images."""
        return self.test_images[-1]

    @property
    def train_error(self) -> Float64[np.ndarray, " T"]:
        """Fraction of training images answered wrongly."""
        return np.array(self.train_mistakes, np.float64) / np.array(self.train_images)

    @property
    def test_error(self) -> Float64[np.ndarray, " T"]:
        """Fraction of test images answered wrongly."""
        return np.array(self.test_mistakes, np.float64) / np.array(self.test_images)

    def to_pandas(self) -> pd.DataFrame:
        """A table with a row for each evaluation: all columns, and the two errors as fractions."""
        import pandas as pd

        columns = {name: getattr(self, name) for name in (*COLUMNS, "seconds")}
        return pd.DataFrame(columns | {"train_error": self.train_error, "test_error": self.test_error})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw training and test error against epochs, on `ax` or on a new figure."""
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots()
        for name, errors in (("train", self.train_error), ("test", self.test_error)):
            ax.plot(self.epoch, 100 * errors, label=name)
        ax.set(xlabel="epochs", ylabel="error, %", ylim=(0, None))
        ax.legend()
        return ax

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored: every column but wall time, the set sizes, and the snapshots as `snapshot_<step>_<parameter>`."""
        stored = {name: np.array(getattr(self, name)) for name in COLUMNS}
        stored |= {"num_train": np.array(self.num_train), "num_test": np.array(self.num_test)}
        for step, parameters in self.snapshots.items():
            stored |= {f"snapshot_{step}_{index}": value for index, value in enumerate(parameters)}
        return stored


@dataclass
class EarlyStopping:
    """For the `callbacks` of `train`: stops the run if `column` has not fallen during the last `patience` evaluations.

    patience: evaluations to wait. column: of `History.entry`. With `data.hold_out` the test error is a validation error.

    >>> stop = EarlyStopping(patience=2)
    >>> [stop({"test_error": error}) for error in (0.5, 0.3, 0.4, 0.3)]
    [False, False, False, True]
    """

    patience: int = 10
    column: str = "test_error"
    _best: float = field(default=float("inf"), init=False, repr=False)
    _waited: int = field(default=0, init=False, repr=False)

    def __call__(self, entry: Mapping[str, float]) -> bool:
        """Whether to stop after this evaluation; the first of a run begins anew."""
        if entry.get("step") == 0:
            self._best = float("inf")
        self._waited = 0 if entry[self.column] < self._best else self._waited + 1
        self._best = min(self._best, entry[self.column])
        return self._waited >= self.patience


_SAMPLED = (
    "head_fraction", "heads_per_read", "distinct_heads", "heads_surviving", "heads_regrown", "own_error", "reads_wrong", "overlap",
)  # fmt: skip
COLUMNS = tuple(column.name for column in fields(History) if column.name not in ("seconds", "snapshots", "best"))


def snapshots_of(arrays: dict[str, np.ndarray]) -> dict[int, list[np.ndarray]]:
    """The snapshots in a stored history, by step in rising order."""
    found: dict[int, dict[int, np.ndarray]] = {}
    for name, value in arrays.items():
        if name.startswith("snapshot_"):
            step, index = map(int, name.removeprefix("snapshot_").split("_"))
            found.setdefault(step, {})[index] = value
    return {step: [found[step][index] for index in sorted(found[step])] for step in sorted(found)}


def log_spaced_steps(total: int, count: int, first: int = 1) -> list[int]:
    """About `count` different steps from `first` to `total`, evenly spaced in the logarithm, always with 0 and `total`."""
    check(min(total, count) >= 1, "total, count", (total, count), "whole numbers of at least 1")
    return sorted({0, total, *np.geomspace(min(first, total), total, count).round().astype(int).tolist()})


def evaluation_steps(total: int, steps_per_epoch: int, evaluations: int = 12) -> set[int]:
    """When to look: the start, `evaluations` times a decade of steps, and the end of every epoch."""
    decades = np.log10(max(total, 10))
    return {*log_spaced_steps(total, round(evaluations * decades)), *range(0, total, steps_per_epoch)}


def minibatches(num_images: int, batch_size: int, epochs: int, seed: int) -> list[np.ndarray]:
    """Rows of the images of every update: each epoch a new random order, the same for every method with the same seed."""
    random = np.random.default_rng([seed, 0xDA7A])
    batches: list[np.ndarray] = []
    for _ in range(epochs):
        order = random.permutation(num_images)
        batches.extend(order[start : start + batch_size] for start in range(0, num_images, batch_size))
    return batches


def check_training(data: Dataset, epochs: int, lr: float, batch_size: int, seed: int) -> None:
    """Refuse unusable settings before any work."""
    check_count("epochs", epochs)
    check_count("batch_size", batch_size)
    check(batch_size <= len(data.y_train), "batch_size", batch_size, f"at most the {len(data.y_train)} training images")
    check_number("lr", lr, above=True)
    check_count("seed", seed, least=0)


def check_evaluations(evaluations: int, evaluation_images: int | None) -> None:
    """Refuse unusable settings of when, and on how many images, errors are measured."""
    check_count("evaluations", evaluations)
    if evaluation_images is not None:
        check_count("evaluation_images", evaluation_images)
