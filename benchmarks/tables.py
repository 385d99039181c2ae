"""Small tables with every default, beside scikit-learn's MLP: python -m benchmarks.tables

Errors are means of five folds, on standardised features, each with 100 hidden units; both methods see the same folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time

import numpy as np
from sklearn import datasets
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qnn_core import AnnealedClassifier


def tables() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, rows and labels of five data sets."""
    for name in ("iris", "wine", "breast_cancer", "digits"):
        yield name, *getattr(datasets, f"load_{name}")(return_X_y=True)
    yield "moons", *datasets.make_moons(400, noise=0.2, random_state=0)


def main() -> None:
    models = {
        "annealer": AnnealedClassifier(hidden=(100,), random_state=0),
        "MLP": make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(100,), max_iter=1000, random_state=0)),
    }
    AnnealedClassifier(epochs=1).fit(*datasets.load_iris(return_X_y=True))  # Compiles.
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for name, x, y in tables():
        told = []
        for method, model in models.items():
            start = process_time()
            wrong = 1 - cross_val_score(model, x, y, cv=folds).mean()
            told.append(f"{method} {100 * wrong:.1f} % in {(process_time() - start) / 5:.1f} s a fit")
        print(f"{name}, {len(y)} rows of {x.shape[1]} numbers: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
