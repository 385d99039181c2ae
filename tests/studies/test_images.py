"""Data sets before anything is trained on them."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from studies.images import summarise


def test_images_are_counted_and_the_nearest_mean_is_that_of_another_library(digits):
    summary = summarise(digits)
    assert summary.counts.sum(axis=1).tolist() == [1437, 360]
    assert summary.counts[0, 3] == (digits.y_train == 3).sum()
    means = np.stack([digits.x_train[digits.y_train == label].mean(axis=0) for label in range(10)])
    nearest = KNeighborsClassifier(1).fit(means, np.arange(10)).predict(digits.x_test)
    assert summary.nearest_mean_error == (nearest != digits.y_test).mean()
    assert "10" in summary.table().cells.iloc[3].tolist()
    bars = summary.figure().axes[0].patches
    np.testing.assert_allclose(sum(bar.get_height() for bar in bars), 2)
    plt.close("all")
