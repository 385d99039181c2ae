"""The annealer's own answers, measured and shown in the same way on every page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qnn_core.answers import OwnAnswers, own_answers
from qnn_core.data import Dataset
from qnn_core.network import QNN
from qnn_core.samplers.base import Metered, Sampler, derived_seed
from qnn_core.statistics import proportion_interval
from studies.stored import Arrays
from studies.tables import Table, table

READS, SWEEPS = 10, 100
"""Reads of an image, the deepest of which is the answer, and the sweeps of a read where the sampler has such."""


def ask(net: QNN, data: Dataset, sampler: Sampler, seed: int, most: int | None = None) -> OwnAnswers:
    """The annealer's own answers to the first `most` test images, by long anneals unless reads have a price."""
    patient: Any = sampler
    if hasattr(sampler, "sweeps") and not isinstance(sampler, Metered):
        patient = replace(patient, sweeps=SWEEPS)
    # A seed apart from those of a training's updates, which folders of records know them by.
    return own_answers(net, data.x_test[:most], data.y_test[:most], patient, READS, derived_seed(seed, READS, SWEEPS))


def own_counts(found: OwnAnswers) -> Arrays:
    """Numbers of images: asked about, deepest read wrong, deepest read exactly the right code, any read below the right answer."""
    counts = {f"own_{name}": getattr(found, name).sum() for name in ("wrong", "exact", "below")}
    return {name: np.array(count) for name, count in {"own_images": len(found.wrong), **counts}.items()}


def own_table(found: OwnAnswers) -> Table:
    """The same as fractions, with intervals over images, and how close the reads are to the right answer."""
    images = len(found.wrong)
    counted = {
        "the deepest read is wrong or undecided": found.wrong,
        "the deepest read is exactly the right code": found.exact,
        "a read lies below the right answer": found.below,
    }
    rows: dict[str, Any] = {name: proportion_interval(int(marked.sum()), images) for name, marked in counted.items()}
    rows |= {"reads that are wrong": found.reads_wrong.mean(), "overlap m with the right answer": found.overlap.mean()}
    return table(rows, caption=f"{READS} reads of each of {images:,} images")
