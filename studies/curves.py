"""Training at constant rate over training-set sizes and seeds, the rate tuned on a validation split: the data behind scaling exponents."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from qnn_core.backprop import train_backprop
from qnn_core.data import Dataset
from qnn_core.errors import DamagedFile
from qnn_core.files import read_sealed, write_sealed
from qnn_core.history import History
from qnn_core.learning_curve import LearningCurve
from qnn_core.network import QNN
from qnn_core.samplers import SAMPLERS, get_sampler
from qnn_core.training import train
from qnn_dwave.device import MockDevice
from studies.stored import Result

if TYPE_CHECKING:
    from artifact.parameters import LearningCurvesParameters

_ANNEAL_SECONDS = 20e-6
_COLUMNS = ("epoch", "train", "test", "heads", "seen", "cuts", "loss")


def study(p: LearningCurvesParameters, data: Dataset, folder: str, progress: bool = False) -> dict[str, np.ndarray]:
    """Tune the rate on the largest training set, then train all runs.

    Finished runs are kept in `folder`, so that a stopped study goes on where it was. Returns rates (K,); validation (V, K), mistakes of the
    first V = rate_seeds seeds on num_validation images held out of the training images; chosen, the rate with the fewest, the lower of
    equal ones; train_images (M,); pixels, classes; for each number of images "<images>_<column>" with the columns of `LearningCurve`; and
    "rate<k>_<column>", the first rate_seeds runs of the largest set at every rate.
    """
    rates, largest = sorted(p.rates), max(p.train_images)
    total = len(rates) * 2 * p.rate_seeds + len(p.train_images) * len(p.seeds)
    bar = tqdm(total=total, desc="runs", unit="run", disable=not progress)

    def trained(subset: Dataset, rate: float, seed: int) -> dict[str, np.ndarray]:
        run = _kept(p, subset, rate, seed, folder)
        bar.update()
        return run

    held = {seed: data.take(largest, seed).hold_out(p.held_out, seed) for seed in p.seeds[: p.rate_seeds]}
    validation = np.array([[trained(split, rate, seed)["test_mistakes"][-1] for rate in rates] for seed, split in held.items()])
    chosen = rates[int(validation.sum(axis=0).argmin())]
    arrays: dict[str, np.ndarray] = {}
    for images in p.train_images:
        runs = [trained(data.take(images, seed), chosen, seed) for seed in p.seeds]
        arrays |= {f"{images}_{name}": values for name, values in _columns(runs, p.method).items()}
    for number, rate in enumerate(rates):
        runs = [trained(data.take(largest, seed), rate, seed) for seed in p.seeds[: p.rate_seeds]]
        arrays |= {f"rate{number}_{name}": values for name, values in _columns(runs, p.method).items()}
    bar.close()
    return {
        "rates": np.array(rates),
        "validation": validation,
        "num_validation": np.array(len(held[p.seeds[0]].y_test)),
        "chosen": np.array(chosen),
        "train_images": np.array(p.train_images),
        "pixels": np.array(data.num_pixels),
        "classes": np.array(data.num_classes),
        **arrays,
    }


def curves_of(result: Result) -> list[LearningCurve]:
    """The learning curves in a stored study at the chosen rate, one for each number of training images."""
    return [_curve(result, images, float(result["chosen"]), str(images)) for images in result["train_images"].tolist()]


def curves_by_rate(result: Result) -> list[LearningCurve]:
    """The learning curves of the largest training set, one for each rate."""
    largest = int(result["train_images"].max())
    return [_curve(result, largest, rate, f"rate{number}") for number, rate in enumerate(result["rates"].tolist())]


def cost_of_an_epoch(p: LearningCurvesParameters, pixels: int, classes: int, images: int) -> dict[str, float]:
    """What one pass over `images` training images takes, by axis of effort; 0 where a method needs none of it.

    updates; reads and spin_updates of the sampler; annealer_seconds, of a machine that is sent one image at a time, with the times of
    `MockDevice` and anneals of 20 microseconds; multiply_adds: of the fields, of sampling (each spin's field once a sweep) and of the
    gradient, or of a forward and a backward pass (three forward passes).
    """
    updates = float(-(-images // p.batch_size))
    outputs = classes * (1 if p.method == "mlp" else p.copies)
    weights = pixels * p.width + p.width * outputs
    if p.method not in SAMPLERS:
        forward = pixels * p.width + p.width * outputs * (classes if p.method == "energy" else 1)
        return {
            "updates": updates,
            "reads": 0.0,
            "spin_updates": 0.0,
            "annealer_seconds": 0.0,
            "multiply_adds": 3.0 * images * forward,
        }
    sampling = p.reads * p.sweeps * 2 * p.width * outputs
    return {
        "updates": updates,
        "reads": float(images * p.reads),
        "spin_updates": float(images * p.reads * p.sweeps * (p.width + outputs)),
        "annealer_seconds": images * (MockDevice.PROGRAMMING + p.reads * (MockDevice.READOUT + _ANNEAL_SECONDS)),
        "multiply_adds": float(images * (2 * weights + sampling)),
    }


def _kept(p: LearningCurvesParameters, data: Dataset, rate: float, seed: int, folder: str) -> dict[str, np.ndarray]:
    """One run, from `folder` if it was finished before; a file that is not as it was written is made again."""
    told = json.dumps([p.run_settings, data.sha256, rate, seed], sort_keys=True)
    path = Path(folder) / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.run"
    if path.is_file():
        try:
            with np.load(io.BytesIO(read_sealed(path, "it is made again")), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except DamagedFile:
            path.unlink()
    arrays = _train(p, data, rate, seed).arrays()
    payload = io.BytesIO()
    np.savez(payload, allow_pickle=False, **arrays)
    write_sealed(path, payload.getvalue())
    return arrays


def _train(p: LearningCurvesParameters, data: Dataset, rate: float, seed: int) -> History:
    if p.method in ("mlp", "energy"):
        return train_backprop(
            p.method, data, p.width, p.epochs, rate, p.batch_size, seed, copies=p.copies, optimiser="adam", schedule="constant"
        )
    net = QNN((data.num_pixels, p.width, data.num_classes), **p.network_options, seed=seed)
    sampler = get_sampler(p.method, **p.options_of(p.method))
    return train(net, data, sampler, **p.cut_options, lr=rate, seed=seed, schedule="constant")


def _columns(runs: list[dict[str, np.ndarray]], method: str) -> dict[str, np.ndarray]:
    epoch, images = runs[0]["epoch"], int(runs[0]["num_train"])
    passed = np.round(np.diff(epoch, prepend=0) * images).astype(np.int64)
    sampled = method in SAMPLERS
    fraction = np.stack([np.nan_to_num(run["head_fraction"]) for run in runs])
    heads = np.round(fraction * passed).astype(np.int64)
    return {
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


def _curve(result: Result, images: int, rate: float, prefix: str) -> LearningCurve:
    parameters = result.provenance["parameters"]
    return LearningCurve(
        parameters["method"],
        parameters["width"],
        images,
        rate,
        **{name: result[f"{prefix}_{name}"] for name in _COLUMNS},
        num_train=int(result[f"{prefix}_num_train"]),
        num_test=int(result[f"{prefix}_num_test"]),
    )
