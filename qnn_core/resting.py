"""Images that an update leaves out, because they had no heads when they were last read."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64


class Resting:
    """Which of the training images are read.

    An image without heads changes nothing, and late in training few have any. After an update in which it had none, an image rests for one
    epoch, the next time for two, and so on up to `longest`, until it has a head again. Support-vector machines shrink their problem in this
    way: Joachims, in Advances in Kernel Methods, MIT Press (1999), chapter 11.

    until: (D,) the epoch from which each of the D images is read again. length: (D,) of its last rest [epochs].
    """

    def __init__(self, num_images: int, longest: int) -> None:
        self.longest = longest
        self.until = np.zeros(num_images, np.int64)
        self.length = np.zeros(num_images, np.int64)

    def awake(self, rows: Int64[np.ndarray, " B"], epoch: int) -> Int64[np.ndarray, " A"]:
        """Those of the images `rows` that are read in this epoch, counted from 0."""
        return rows[self.until[rows] <= epoch]

    def note(self, rows: Int64[np.ndarray, " A"], changing: Bool[np.ndarray, " A"], epoch: int) -> None:
        """changing: whether each of the images just read has a part in the update."""
        length = np.where(changing, 0, np.minimum(self.length[rows] + 1, self.longest))
        self.length[rows], self.until[rows] = length, epoch + 1 + length
