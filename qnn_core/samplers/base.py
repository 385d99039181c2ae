"""What every sampler takes and returns."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Event
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int8
from numba.np.ufunc import parallel

from qnn_core.errors import check, check_count, check_pair
from qnn_core.ising import IsingProblem
from qnn_core.loops import sum_of_squares

_HOT, _COLD = 1.0, 3.0
_QUENCH, _FROZEN = 2, 1000.0
_TINY = 1e-6
"""A pull so small that a layer might as well have no couplings."""


@dataclass(frozen=True, eq=False)
class Reads:
    """R configurations for each of B images.

    spins: (B, R, N) int8 of -1 and +1, layers one after another as in the problem.
    energies: (B, R) float32, of the same problem.
    info: further facts from the sampler; `spin_updates`, the number of single-spin updates, is always among them.
    """

    spins: Int8[np.ndarray, "B R N"]
    energies: Float32[np.ndarray, "B R"]
    info: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Sampler(Protocol):
    """Anything that proposes low-energy configurations of a batch of Ising problems.

    name: how `get_sampler` knows it. kind: what it is, in words that results and figures repeat: never "quantum" for a
    classical stand-in.
    """

    @property
    def name(self) -> str:
        """As `get_sampler` takes it."""
        ...

    @property
    def kind(self) -> str:
        """As results repeat it."""
        ...

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        """`num_reads` configurations an image; the same seed gives the same reads. Raises InvalidInput for what the sampler cannot take."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A sampler whose reads have a price that the user should know beforehand."""

    def announce(self, layers: tuple[int, ...], images: int, num_reads: int, calls: int) -> None:
        """Print what `calls` calls with `images` images each of a network of `layers`, `num_reads` reads an image, will cost; refuse what is
        over budget."""
        ...


def check_num_reads(num_reads: int, seed: int = 0) -> None:
    """Refuse numbers of reads and seeds that no sampler takes, and processes that cannot sample."""
    check_count("num_reads", num_reads)
    check_count("seed", seed, least=0)
    if _forked.is_set():
        raise RuntimeError(
            "This process was forked from one that had sampled, and has none of its threads: start it by "
            'multiprocessing.get_context("spawn"), or sample in the first process only after the others have begun.'
        )


_forked = Event()


def _note_fork() -> None:
    if parallel._is_initialized:
        _forked.set()


os.register_at_fork(after_in_child=_note_fork)


def check_counters(problem: IsingProblem, sweeps: int) -> None:
    """Counter-based random numbers have 32-bit counters: one for each spin, in each sweep and the random start of a read."""
    most = 2**32 // problem.num_spins - 1
    check(sweeps <= most, "sweeps", sweeps, f"at most {most} for {problem.num_spins} spins, else random numbers would repeat")


def check_device(device: str) -> None:
    """Refuse what is not "cpu", "cuda" or "auto", and "cuda" where torch finds no such device."""
    check(device in ("cpu", "cuda", "auto"), "device", device, "'cpu', 'cuda', or 'auto' for 'cuda' where there is one")
    check(device != "cuda" or on_gpu("auto"), "device", device, "'cpu' or 'auto' here: torch finds no CUDA device")


def on_gpu(device: str) -> bool:
    """Whether a sampler with this option runs on a CUDA device."""
    if device == "cpu":
        return False
    import torch

    return torch.cuda.is_available()


def derived_seed(*parts: int) -> int:
    """A 63-bit seed that depends on every part, in order: one stream for each (run seed, step, ...)."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


def check_schedule(sweeps: int, beta: tuple[float, float] | None) -> None:
    check_count("sweeps", sweeps)
    if beta is not None:
        allowed = "(hot, cold), two finite numbers with 0 < hot <= cold, or None for the own scale of the couplings"
        check_pair("beta", beta, allowed)
        check(0 < beta[0] <= beta[1], "beta", beta, allowed)


def own_range(problem: IsingProblem) -> tuple[float, float]:
    """Inverse temperatures (hot, cold) of the couplings' own scale: 1 over the largest and 3 over the smallest pull on a layer.

    The pull is what the spins of a layer feel of neighbours that point anywhere, sqrt(<sum_j J_ij^2>), mean over the spins of the layer. Above
    the hot end spins follow only their own fields, which make no barriers; below the cold end hardly any barrier is crossed any more. Fields
    do not count, so that an image is read alike in any batch. Without couplings there are no barriers, and both ends are cold.
    """
    squares = [0.0] * len(problem.layers)
    for layer, matrix in enumerate(problem.couplings):
        total = sum_of_squares(matrix)
        squares[layer] += total / matrix.shape[0]
        squares[layer + 1] += total / matrix.shape[1]
    pulls = [pull for pull in map(math.sqrt, squares) if pull > _TINY] or [_TINY]
    return _HOT / max(pulls), _COLD / min(pulls)


def annealing_betas(problem: IsingProblem, sweeps: int, beta: tuple[float, float] | None) -> Float32[np.ndarray, " sweeps"]:
    """Inverse temperatures of an annealing run, geometric from hot to cold, one per sweep.

    Without `beta`, through `own_range`, and then two sweeps so cold that every spin follows its field: reads end in the minimum that they are
    above, or next to it, which a geometric schedule would have to pay for with most of its sweeps.
    """
    hot, cold = beta or own_range(problem)
    quench = _QUENCH if beta is None and sweeps > _QUENCH else 0
    betas = np.full(sweeps, _FROZEN * cold, np.float32)
    betas[: sweeps - quench] = hot * (cold / hot) ** _rungs(sweeps - quench)
    return betas


@lru_cache(maxsize=16)
def _rungs(number: int) -> np.ndarray:
    return np.linspace(0, 1, number)
