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

_HOME = {
    "AnnealedClassifier": "estimator",
    "QNN": "network",
    "DamagedFile": "errors",
    "Dataset": "data",
    "EarlyStopping": "history",
    "History": "history",
    "InvalidInput": "errors",
    "IsingProblem": "ising",
    "MissingData": "errors",
    "Reads": "samplers",
    "Sampler": "samplers",
    "get_sampler": "samplers",
    "load_dataset": "data",
    "train": "training",
    "train_backprop": "backprop",
}

__all__ = [
    "QNN",
    "AnnealedClassifier",
    "DamagedFile",
    "Dataset",
    "EarlyStopping",
    "History",
    "InvalidInput",
    "IsingProblem",
    "MissingData",
    "Reads",
    "Sampler",
    "get_sampler",
    "landscape",
    "load_dataset",
    "train",
    "train_backprop",
]


def __getattr__(name: str) -> Any:
    if name == "landscape":
        return import_module("qnn_core.landscape")
    if name not in _HOME:
        raise AttributeError(f"module 'qnn_core' has no attribute {name!r}")
    return getattr(import_module(f"qnn_core.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
