"""Learning curves at a constant rate tuned on held-out images, over training-set sizes and seeds, for fits of scaling exponents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64, Int64
from tqdm import tqdm

from qnn_core.checkpoint import kept_arrays, run_file
from qnn_core.data import Dataset
from qnn_core.powerlaw import MIN_DECADES, Fit, fit_power_law
from qnn_core.samplers import SAMPLERS
from qnn_dwave.device import modelled_seconds
from studies.stored import Arrays, Result, stack_rows
from studies.training import Recipe

Measure = Literal["train", "test", "heads", "loss"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""Training error, test error, fraction of images with a head, and cross-entropy of the training images."""
SHORT_DECADES = 1.0
"""Least window on the axis of cuts, and of heads: cuts get rare as the error falls, and heads are counted only between two evaluations."""


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Runs of one method, width and number of training images at one rate; S runs, evaluated T times.

    epoch: (T,). train, test: (S, T), images answered wrongly out of num_train and num_test. heads: (S, T), of the images seen since the
    evaluation before, how many had a head; seen: (T,), those images; both 0 for backpropagation. cuts: (T,), images whose gradient
    was used so far, mean over runs: those that had a head, or all for backpropagation. loss: (S, T), cross-entropy of the training
    images in nats, by the class scores at temperature 1.
    """

    method: str
    width: int
    images: int
    rate: float
    epoch: Float64[np.ndarray, " T"]
    train: Int64[np.ndarray, "S T"]
    test: Int64[np.ndarray, "S T"]
    heads: Int64[np.ndarray, "S T"]
    seen: Int64[np.ndarray, " T"]
    cuts: Float64[np.ndarray, " T"]
    loss: Float64[np.ndarray, "S T"]
    num_train: int
    num_test: int

    @classmethod
    def of_columns(cls, method: str, width: int, images: int, rate: float, columns: Arrays) -> LearningCurve:
        """A curve from the columns of `columns_of`."""
        numbers: dict[str, Any] = {name: int(columns[name]) for name in ("num_train", "num_test")}
        return cls(method, width, images, rate, **{**columns, **numbers})

    def trials(self, measure: Measure) -> Int64[np.ndarray, " T"] | None:
        """Out of how many images a measure counts; None for the loss, which is no count."""
        if measure == "loss":
            return None
        out_of: dict[Measure, Any] = {"train": self.num_train, "test": self.num_test, "heads": self.seen}
        return np.broadcast_to(np.asarray(out_of[measure], np.int64), self.epoch.shape)

    def values(self, measure: Measure) -> Float64[np.ndarray, "S T"]:
        """The measure itself: a fraction of images, or nats; NaN where nothing was counted."""
        trials = self.trials(measure)
        return self.loss if trials is None else np.where(trials > 0, getattr(self, measure) / np.maximum(trials, 1), np.nan)

    def effort(self, axis: str) -> Float64[np.ndarray, " T"]:
        """The effort on an axis: "epochs", or "cuts"."""
        return self.cuts if axis == "cuts" else self.epoch

    def fit(self, measure: Measure, window: tuple[float, float], axis: str = "epochs", **options: Any) -> Fit:
        """A measure fitted against an axis; options: of `fit_power_law`."""
        options = {"min_decades": SHORT_DECADES if axis == "cuts" or measure == "heads" else MIN_DECADES, **options}
        return fit_power_law(self.effort(axis), getattr(self, measure), self.trials(measure), window=window, **options)


def train_curves(
    data: Dataset, recipe: Recipe, *, train_images: Sequence[int], rates: Sequence[float], held_out: float, seeds: Sequence[int],
    rate_seeds: int, folder: str, progress: bool = False,
) -> Arrays:  # fmt: skip
    """Tune the rate on the largest training set, then train all runs.

    recipe: with any rate, and a number of evaluations. held_out: fraction of the largest set that the rate is chosen on, with the first
    `rate_seeds` seeds. folder: where finished runs are kept, so that a stopped study goes on where it was.

    Returns rates (K,); validation (V, K), mistakes on the num_validation images held out; chosen, the rate with the fewest, the lower of equal
    ones; train_images (M,); pixels, classes; for each number of images "<images>_<column>" with the columns of `LearningCurve`; and
    "rate<k>_<column>", the first rate_seeds runs of the largest set at every rate.
    """
    rates, largest = sorted(rates), max(train_images)
    bar = tqdm(total=len(rates) * 2 * rate_seeds + len(train_images) * len(seeds), desc="runs", unit="run", disable=not progress)

    def run(subset: Dataset, rate: float, seed: int, **changes: Any) -> Arrays:
        bar.update()
        at_rate = recipe.varied(lr=rate, **changes)
        return kept_arrays(run_file(folder, [asdict(at_rate), subset.sha256, seed]), lambda: at_rate.train(subset, seed).arrays())

    held = {seed: data.take(largest, seed).hold_out(held_out, seed) for seed in seeds[:rate_seeds]}
    validation = np.array(
        [[run(split, rate, seed, evaluations=1)["test_mistakes"][-1] for rate in rates] for seed, split in held.items()]
    )
    chosen = rates[int(validation.sum(axis=0).argmin())]
    arrays = {
        "rates": np.array(rates),
        "validation": validation,
        "num_validation": np.array(len(held[seeds[0]].y_test)),
        "chosen": np.array(chosen),
        "train_images": np.array(train_images),
        "pixels": np.array(data.num_pixels),
        "classes": np.array(data.num_classes),
    }
    parts = {str(images): (images, chosen, seeds) for images in train_images}
    parts |= {f"rate{number}": (largest, rate, seeds[:rate_seeds]) for number, rate in enumerate(rates)}
    for prefix, (images, rate, some) in parts.items():
        columns = columns_of([run(data.take(images, seed), rate, seed) for seed in some], recipe.method)
        arrays |= {f"{prefix}_{name}": values for name, values in columns.items()}
    bar.close()
    return arrays


@dataclass(frozen=True, eq=False)
class CurveStudy:
    """What `train_curves` made, as it is stored with the parameters of the notebook."""

    result: Result

    @property
    def parameters(self) -> dict[str, Any]:
        return self.result.provenance["parameters"]

    @property
    def curves(self) -> list[LearningCurve]:
        """At the chosen rate, one for each number of training images."""
        return [self._curve(str(images), images, float(self.result["chosen"])) for images in self.result["train_images"].tolist()]

    @property
    def by_rate(self) -> list[LearningCurve]:
        """Of the largest training set, one for each rate."""
        largest = int(self.result["train_images"].max())
        return [self._curve(f"rate{number}", largest, rate) for number, rate in enumerate(self.result["rates"].tolist())]

    @property
    def epoch_cost(self) -> dict[str, float]:
        """`cost_of_an_epoch` of the largest training set."""
        pixels, classes, images = (int(self.result[name].max()) for name in ("pixels", "classes", "train_images"))
        names = ("method", "width", "copies", "batch_size", "reads", "sweeps")
        return cost_of_an_epoch(pixels, classes, images, **{name: self.parameters[name] for name in names})

    def _curve(self, prefix: str, images: int, rate: float) -> LearningCurve:
        columns = {name: self.result[f"{prefix}_{name}"] for name in COLUMNS}
        return LearningCurve.of_columns(self.parameters["method"], self.parameters["width"], images, rate, columns)


def cost_of_an_epoch(
    pixels: int, classes: int, images: int, *, method: str, width: int, copies: int, batch_size: int, reads: int, sweeps: int
) -> dict[str, float]:
    """What one pass over `images` training images takes, by axis of effort; 0 where a method needs none of it.

    updates; reads and spin_updates of the sampler; annealer_seconds, of a machine that is sent one image at a time, with the times of
    `modelled_seconds`; multiply_adds: of the fields, of sampling (each spin's field once a sweep) and of the
    gradient, or of a forward and a backward pass (three forward passes).
    """
    outputs = classes * (1 if method == "mlp" else copies)
    weights = pixels * width + width * outputs
    sampled = images if method in SAMPLERS else 0
    forward = pixels * width + width * outputs * (classes if method == "energy" else 1)
    each = 2 * weights + reads * sweeps * 2 * width * outputs if sampled else 3 * forward
    return {
        "updates": float(-(-images // batch_size)),
        "reads": float(sampled * reads),
        "spin_updates": float(sampled * reads * sweeps * (width + outputs)),
        "annealer_seconds": sampled * modelled_seconds(reads),
        "multiply_adds": float(images * each),
    }


COLUMNS = tuple(field.name for field in fields(LearningCurve))[4:]
"""Of a `LearningCurve`, as they are stored; its method, width, images and rate stand with the parameters."""


def columns_of(runs: Sequence[Arrays], method: str) -> Arrays:
    """`COLUMNS`, from runs that were evaluated at the same steps."""
    stacked, first, sampled = stack_rows(runs), runs[0], method in SAMPLERS
    passed = np.round(np.diff(first["epoch"], prepend=0) * int(first["num_train"])).astype(np.int64)
    heads = np.round(np.nan_to_num(stacked["head_fraction"]) * passed).astype(np.int64)
    return {
        "epoch": first["epoch"],
        "train": stacked["train_mistakes"],
        "test": stacked["test_mistakes"],
        "heads": heads,
        "seen": passed if sampled else np.zeros_like(passed),
        "cuts": (heads.mean(axis=0) if sampled else passed.astype(np.float64)).cumsum(),
        "loss": stacked["cross_entropy"],
        "num_train": first["num_train"],
        "num_test": first["num_test"],
    }
