"""A network trained with an annealer as a scikit-learn classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from qnn_core.data import Dataset
from qnn_core.errors import check
from qnn_core.inputs import Rows
from qnn_core.network import QNN


@dataclass(repr=False, eq=False)
class AnnealedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`QNN` and `train` behind scikit-learn's interface, for its pipelines, grid searches and cross-validation.

    hidden: spins of each hidden layer. copies: output spins per class. sampler, rule, epochs, reads, lr, batch_size: as in
    `qnn_core.train`; a batch has at most all rows. scaling: of the features, a rule of `qnn_core.inputs.Scaling`. validation: share of the
    rows that is kept out of training to calibrate probabilities; if that is less than one row of some class, the training rows are used
    instead. random_state: of initial weights, order and reads, as in scikit-learn.

    After `fit`: `classes_` (classes,), `n_features_in_`, `network_` (the trained `QNN`), `history_` (its `History`), and `temperature_`, in
    units of energy: the temperature at which the softmax of minus the class energies is most likely on the validation rows (Guo et al.,
    ICML 2017, arXiv:1706.04599, with the smoothed targets of Platt, 1999, so that it does not become 0 if a few rows are all right).

    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> model = AnnealedClassifier(hidden=(16,), epochs=20, random_state=0).fit(x, y)
    >>> bool(model.score(x, y) > 0.9), model.predict_proba(x[:2]).shape
    (True, (2, 3))
    """

    # No narrower types: scikit-learn wants settings looked at when they are used, and not before.
    hidden: Any = (120,)
    copies: Any = 4
    sampler: Any = "gibbs"
    rule: Any = "both"
    epochs: Any = None
    reads: Any = 5
    lr: Any = None
    batch_size: Any = None
    scaling: Any = "standard"
    validation: Any = 0.1
    random_state: Any = None

    def fit(self, X: Rows, y: Any) -> AnnealedClassifier:
        """Train a new network on rows X (rows, features) of classes y (rows,)."""
        from qnn_core.training import train

        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        check(len(self.classes_) >= 2, "y", f"one class, {self.classes_[0]}", "at least two classes")
        seed = check_random_state(self.random_state).randint(2**31)
        fewest = np.bincount(numbers).min()
        test: Any = self.validation if fewest > 1 and fewest * self.validation >= 1 else (X, numbers)
        data = Dataset.from_arrays(X, numbers, test=test, seed=seed, scaling=self.scaling, name="training rows")
        self.network_ = QNN.for_data(data, self.hidden, self.copies, seed)
        self.network_.classes = self.classes_
        batch_size = None if self.batch_size is None else min(self.batch_size, len(data.y_train))
        effort = {"epochs": self.epochs, "reads": self.reads, "lr": self.lr, "batch_size": batch_size}
        self.history_ = train(self.network_, data, self.sampler, **effort, seed=seed, rule=self.rule, evaluations=1, asked=0)
        self.temperature_ = _temperature(-self.network_.class_energies(data.x_test).astype(np.float64), data.y_test)
        return self

    def decision_function(self, X: Rows) -> np.ndarray:
        """Minus the energy of each class (rows, classes); of two classes, how much lower the second lies (rows,)."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Rows) -> Float64[np.ndarray, "rows classes"]:
        """The probability of each class, in the order of `classes_`: softmax of minus its energy, at `temperature_`."""
        return softmax(self._scores(X) / self.temperature_, axis=1)

    def predict(self, X: Rows) -> np.ndarray:
        """The class of the lowest energy of each row (rows,)."""
        chosen = self._scores(X).argmax(axis=1)  # First of all, since it refuses a model that was not fitted.
        return self.classes_[chosen]

    def _scores(self, X: Rows) -> Float64[np.ndarray, "rows classes"]:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False)
        return -self.network_.class_energies(self.network_.scaled(rows)).astype(np.float64)


def _temperature(scores: Float64[np.ndarray, "rows classes"], labels: Int64[np.ndarray, " rows"]) -> float:
    """The temperature at which the smoothed labels are most likely."""
    rows, classes = scores.shape
    smoothed = np.full((rows, classes), 1 / (rows + 2) / classes)
    smoothed[np.arange(rows), labels] += 1 - 1 / (rows + 2)
    spread = np.log(np.ptp(scores, axis=1).mean() + np.finfo(np.float32).tiny)
    found = minimize_scalar(
        lambda logarithm: -float((smoothed * log_softmax(scores / np.exp(logarithm), axis=1)).sum()),
        bounds=(spread - 7, spread + 7),
        method="bounded",
    )
    return float(np.exp(found.x))
