"""Training classical neural networks with an annealer: a reproducible artifact of arXiv:2506.05244.

The names below are the public interface. Each is imported when it is first used, so that light work does not wait for heavy libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qnn_core.processor import SETTLED as _LOOPS  # noqa: F401  # Before numpy and the like, whose loops it chooses.

if TYPE_CHECKING:
    from qnn_core import landscape
    from qnn_core.backprop import train_backprop
    from qnn_core.data import Dataset, load_dataset
    from qnn_core.errors import DamagedFile, InvalidInput, MissingData
    from qnn_core.estimator import AnnealedClassifier
    from qnn_core.history import EarlyStopping, History
    from qnn_core.ising import IsingProblem
    from qnn_core.network import QNN
    from qnn_core.samplers import Reads, Sampler, get_sampler
    from qnn_core.training import train

__all__ = [
    "QNN", "AnnealedClassifier", "DamagedFile", "Dataset", "EarlyStopping", "History", "InvalidInput", "IsingProblem", "MissingData",
    "Reads", "Sampler", "get_sampler", "landscape", "load_dataset", "train", "train_backprop",
]  # fmt: skip
_HOME = {
    name: module
    for module, names in {
        "backprop": "train_backprop", "data": "Dataset load_dataset", "errors": "DamagedFile InvalidInput MissingData",
        "estimator": "AnnealedClassifier", "history": "EarlyStopping History", "ising": "IsingProblem", "network": "QNN",
        "samplers": "Reads Sampler get_sampler", "training": "train",
    }.items()
    for name in names.split()
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'qnn_core' has no attribute {name!r}")
    return getattr(import_module(f"qnn_core.{_HOME[name]}"), name) if name in _HOME else import_module(f"qnn_core.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
