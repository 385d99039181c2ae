"""What a data set is like before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Int64
from matplotlib.figure import Figure

from qnn_core.data import Dataset
from studies.plots import PAGE
from studies.stored import Arrays
from studies.tables import Table, table


@dataclass(frozen=True, eq=False)
class Summary:
    """counts: (2, C), training and test images of each class. nearest_mean_error: of the rule that answers with the class whose mean
    training image is nearest to a test image, as a fraction of the test images.
    """

    image_shape: tuple[int, ...]
    counts: Int64[np.ndarray, "2 C"]
    nearest_mean_error: float

    def arrays(self) -> Arrays:
        """What is stored."""
        return {"counts": self.counts, "nearest_mean_error": np.array(self.nearest_mean_error)}

    def table(self) -> Table:
        """How many images there are, and what simple rules get wrong."""
        train, test = self.counts.sum(axis=1).tolist()
        counted = {"training images": train, "test images": test, "pixels": " x ".join(map(str, self.image_shape))}
        most_common = 100 * (1 - self.counts[1].max() / test)
        rules = {"always the most common class": most_common, "the nearest class mean": 100 * self.nearest_mean_error}
        errors = {f"test error of {rule}, %": error for rule, error in rules.items()}
        return table({**counted, "classes": self.counts.shape[1], **errors})

    def figure(self) -> Figure:
        """The share of each class in both parts."""
        figure, axis = plt.subplots(figsize=(PAGE / 2, 1.9))
        labels = np.arange(self.counts.shape[1])
        shares = self.counts / self.counts.sum(axis=1, keepdims=True)
        axis.bar(labels - 0.2, shares[0], width=0.4, label="training")
        axis.bar(labels + 0.2, shares[1], width=0.4, label="test", hatch="//", edgecolor="white")
        axis.set(xlabel="class", ylabel="share of images", xticks=labels)
        axis.legend(loc="lower center", ncols=2, bbox_to_anchor=(0.5, 1.0))
        return figure


def summarise(data: Dataset) -> Summary:
    """Count the images of each class, and try the rule of the nearest class mean."""
    counts = np.stack([np.bincount(labels, minlength=data.num_classes) for labels in (data.y_train, data.y_test)])
    means = np.stack([data.x_train[data.y_train == label].mean(axis=0) for label in range(data.num_classes)])
    nearest = np.argmin(((means**2).sum(axis=1) - 2 * data.x_test @ means.T), axis=1)
    return Summary(data.image_shape, counts, float(np.mean(nearest != data.y_test)))
