"""Learning curves at a constant rate tuned on held-out images, over training-set sizes and seeds, for fits of scaling exponents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64, Int64
from tqdm import tqdm

from qnn_core.checkpoint import kept_arrays, run_file
from qnn_core.data import Dataset
from qnn_core.powerlaw import Fit, fit_power_law
from qnn_core.samplers import SAMPLERS
from qnn_dwave.device import modelled_seconds
from studies.stored import Result
from studies.training import Recipe

Measure = Literal["train", "test", "heads", "loss"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""Training error, test error, fraction of images with a head, and cross-entropy of the training images."""


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
        """On an axis: "epochs", or "cuts"."""
        return self.cuts if axis == "cuts" else self.epoch

    def fit(self, measure: Measure, window: tuple[float, float], axis: str = "epochs", **options: Any) -> Fit:
        """A measure fitted against an axis; options: of `fit_power_law`."""
        return fit_power_law(self.effort(axis), getattr(self, measure), self.trials(measure), window=window, **options)


def train_curves(
    data: Dataset,
    recipe: Recipe,
    *,
    train_images: Sequence[int],
    rates: Sequence[float],
    held_out: float,
    seeds: Sequence[int],
    rate_seeds: int,
    folder: str,
    progress: bool = False,
) -> dict[str, np.ndarray]:
    """Tune the rate on the largest training set, then train all runs.

    recipe: with any rate, and a number of evaluations. held_out: fraction of the largest set that the rate is chosen on, with the first
    `rate_seeds` seeds. folder: where finished runs are kept, so that a stopped study goes on where it was.

    Returns rates (K,); validation (V, K), mistakes on the num_validation images held out; chosen, the rate with the fewest, the lower of equal
    ones; train_images (M,); pixels, classes; for each number of images "<images>_<column>" with the columns of `LearningCurve`; and
    "rate<k>_<column>", the first rate_seeds runs of the largest set at every rate.
    """
    rates, largest = sorted(rates), max(train_images)
    bar = tqdm(total=len(rates) * 2 * rate_seeds + len(train_images) * len(seeds), desc="runs", unit="run", disable=not progress)

    def run(subset: Dataset, rate: float, seed: int, **changes: Any) -> dict[str, np.ndarray]:
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
    for images in train_images:
        arrays |= columns_of(str(images), [run(data.take(images, seed), chosen, seed) for seed in seeds], recipe.method)
    for number, rate in enumerate(rates):
        runs = [run(data.take(largest, seed), rate, seed) for seed in seeds[:rate_seeds]]
        arrays |= columns_of(f"rate{number}", runs, recipe.method)
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
        names = ("epoch", "train", "test", "heads", "seen", "cuts", "loss", "num_train", "num_test")
        columns: dict[str, Any] = {name: self.result[f"{prefix}_{name}"] for name in names}
        columns |= {name: int(columns[name]) for name in ("num_train", "num_test")}
        return LearningCurve(self.parameters["method"], self.parameters["width"], images, rate, **columns)


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


def columns_of(prefix: str, runs: Sequence[Mapping[str, np.ndarray]], method: str) -> dict[str, np.ndarray]:
    """The columns of a `LearningCurve`, from runs that were evaluated at the same steps."""
    epoch, sampled = runs[0]["epoch"], method in SAMPLERS
    passed = np.round(np.diff(epoch, prepend=0) * int(runs[0]["num_train"])).astype(np.int64)
    heads = np.round(np.stack([np.nan_to_num(run["head_fraction"]) for run in runs]) * passed).astype(np.int64)
    columns = {
        "epoch": epoch,
        "train": np.stack([run["train_mistakes"] for run in runs]),
        "test": np.stack([run["test_mistakes"] for run in runs]),
        "heads": heads,
        "seen": passed if sampled else np.zeros_like(passed),
        "cuts": (heads.mean(axis=0) if sampled else passed.astype(np.float64)).cumsum(),
        "loss": np.stack([run["cross_entropy"] for run in runs]),
        "num_train": runs[0]["num_train"],
        "num_test": runs[0]["num_test"],
    }
    return {f"{prefix}_{name}": values for name, values in columns.items()}
