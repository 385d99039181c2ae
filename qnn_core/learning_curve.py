"""Learning curves: runs of one method at one setting, counted along the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float64, Int64

Measure = Literal["train", "test", "heads", "loss"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""Training error, test error, fraction of images with a head, and cross-entropy of the training images."""


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Runs of one method, width and number of training images at one rate; S runs looked at T times.

    epoch: (T,). train, test: (S, T), images answered wrongly out of num_train and num_test. heads: (S, T), of the images seen since the
    look before, how many had a head; seen: (T,), those images; both 0 for backpropagation. cuts: (T,), images whose gradient
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
        out_of = {"train": self.num_train, "test": self.num_test, "heads": self.seen}[measure]
        return np.broadcast_to(np.asarray(out_of, np.int64), self.epoch.shape).copy()

    def values(self, measure: Measure) -> Float64[np.ndarray, "S T"]:
        """The measure itself: a fraction of images, or nats; NaN where nothing was counted."""
        trials = self.trials(measure)
        if trials is None:
            return self.loss
        return np.where(trials > 0, getattr(self, measure) / np.maximum(trials, 1), np.nan)

    def effort(self, axis: str) -> Float64[np.ndarray, " T"]:
        """On an axis: "epochs", or "cuts"."""
        return self.cuts if axis == "cuts" else self.epoch
