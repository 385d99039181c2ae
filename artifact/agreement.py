"""Does this machine compute the same bits as that of the committed runs? python -m artifact.agreement

Small runs of all that makes numbers here, from single functions to whole trainings, are held step by step against the digests in
config/agreement.json, so that the first step that differs says what is to blame. `--write` keeps those of this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from typing import Any, get_args

import numpy as np
import torch
from scipy.special import gammaln, logsumexp

from artifact.files import in_project
from artifact.results import packages
from qnn_core.backprop import Method, train_backprop
from qnn_core.data import Dataset, load_dataset
from qnn_core.files import read_record, write_record
from qnn_core.history import History
from qnn_core.landscape.tempering import parallel_tempering
from qnn_core.network import QNN
from qnn_core.powerlaw import fit_power_law
from qnn_core.processor import arithmetic
from qnn_core.rules import RuleName
from qnn_core.samplers import get_sampler
from qnn_core.threads import one_thread_for_algebra
from qnn_core.training import train
from studies.dragon import Dragon

DIGESTS = "config/agreement.json"
_FUNCTIONS = (np.exp, np.log, np.log10, np.log1p, np.expm1, np.tanh, np.sin, np.arcsin, np.sqrt)
_VALUES = np.linspace(0.01, 0.99, 999)
_SAMPLERS: dict[str, dict[str, Any]] = {
    "gibbs": {}, "collapsed": {"sweeps": 5}, "exact": {}, "sa": {"sweeps": 20}, "pia": {"sweeps": 20}, "coherent": {"steps": 20},
}  # fmt: skip


@cache
def _data() -> Dataset:
    data = load_dataset("digits")
    return replace(data, x_train=data.x_train[:100], y_train=data.y_train[:100], x_test=data.x_test[:40], y_test=data.y_test[:40])


def _network() -> QNN:
    return QNN((64, 6, 10), seed=1, centre=_data().x_train.mean(axis=0))


def _normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


def _matrices(kind: Callable[[np.ndarray], Any]) -> Iterable[Any]:
    for large in (_normal(130, 300), _normal(130, 300).astype(np.float32)):
        a, b = kind(large), kind(large[:70, :123].T.copy())
        yield from (a[:, :123] @ b, a[:10, :123] @ b, a[:10].T @ a[:10], a[3] @ a[4], a @ a[5])


def _algebra() -> Iterable[Any]:
    square = _normal(40, 40)
    return np.linalg.svd(square)[1], np.linalg.solve(square, square[0]), np.polyfit(square[0], square[1], 2)


def _on_torch() -> Iterable[Any]:
    values = torch.from_numpy(_normal(30, 40).astype(np.float32)).requires_grad_()
    total = (torch.nn.functional.softplus(values).logsumexp(dim=1) + values.abs().mean(dim=1)).sum()
    return total.detach(), torch.autograd.grad(total, values)[0]


def _sampled(name: str, options: dict[str, Any]) -> Iterable[Any]:
    reads = get_sampler(name, **options).sample(_network().problem(_data().x_test[:3]), 8, 0)
    return reads.spins, reads.energies


def _columns(history: History) -> Iterable[Any]:
    return (array for name, array in history.arrays().items() if name != "seconds")


def _trained(rule: RuleName) -> Iterable[Any]:
    net = _network()
    history = train(net, _data(), epochs=2, batch_size=20, rule=rule, asked=0)
    return [*net.parameters, *_columns(history)]


def _backpropagated(method: Method) -> Iterable[Any]:
    return _columns(train_backprop(method, _data(), hidden=20, epochs=10, optimiser="adam"))


def _fitted() -> Iterable[Any]:
    effort = np.logspace(0, 2, 12)
    mistakes = np.random.default_rng(0).binomial(1000, 0.6 * effort**-0.4, (3, 12))
    for model in ("power", "offset", "shifted", "stretched"):
        fit = fit_power_law(effort, mistakes, 1000, model=model, window=(1.0, 100.0), resamples=5)
        yield from (np.array([fit.prefactor, fit.aicc]), fit.samples)


def _tempered() -> Iterable[Any]:
    problem = _network().problem(_data().x_test[:3])
    found = parallel_tempering(problem, (0.5, 1.0, 2.0), 160, 0, measurements=10, strict=False)
    return found.energies, found.spins, found.start_gap_error


def _drawn() -> Iterable[Any]:
    dragon = Dragon.of_networks({0: _network()}, _data().x_test[:1], _data().y_test[:1])
    return (array for _, array in sorted(dragon.arrays().items()))


STEPS: dict[str, Callable[[], Iterable[Any]]] = {
    "random numbers": lambda: [_normal(99), np.random.default_rng(0).gamma(2.0, size=99), np.random.default_rng(0).random(99)],
    "functions of numbers": lambda: [function(number(_VALUES)) for function in _FUNCTIONS for number in (np.float64, np.float32)],
    "functions of scipy": lambda: [gammaln(1 + _VALUES), logsumexp(_normal(9, 9), axis=1)],
    "sums": lambda: [_normal(99, 33).sum(), _normal(99, 33).mean(axis=0), np.einsum("ij,ij->i", _normal(9, 99), _normal(9, 99))],
    "products of numpy's matrices": lambda: _matrices(np.asarray),
    "products of torch's matrices": lambda: _matrices(torch.from_numpy),
    "linear algebra": _algebra,
    "derivatives by torch": _on_torch,
    **{f"reads of {name}": partial(_sampled, name, options) for name, options in _SAMPLERS.items()},
    **{f"training by {rule}": partial(_trained, rule) for rule in get_args(RuleName)},
    **{f"training of {method}": partial(_backpropagated, method) for method in get_args(Method)},
    "fits of power laws": _fitted,
    "tempering": _tempered,
    "trees of figure 3": _drawn,
}
"""What is computed, from single functions to whole studies, by name."""


def digest(step: str) -> str:
    """SHA-256 of the numbers of a step, on one thread as notebooks compute it."""
    content = hashlib.sha256()
    with one_thread_for_algebra():
        for array in STEPS[step]():
            content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def agreement() -> str:
    """In one sentence, whether this machine computes the committed bits, and if not, what differs first."""
    committed = read_record(in_project(DIGESTS), "restore it from git")
    differing = [step for step in STEPS if digest(step) != committed["steps"].get(step)]
    if not differing:
        return f"This machine computes the same bits as that of the committed runs, in all {len(STEPS)} steps that are compared."
    return (
        f"This machine computes other bits than that of the committed runs, first in the {differing[0]}, in {len(differing)} of {len(STEPS)} "
        f"steps. Here: {arithmetic()}; there: {committed['arithmetic']}. What must agree all the same is compared by "
        "python -m artifact.verify --tolerance."
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m artifact.agreement", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"keep the digests of this machine in {DIGESTS}")
    if parser.parse_args(arguments).write:
        steps = {step: digest(step) for step in STEPS}
        write_record(in_project(DIGESTS), {"arithmetic": arithmetic(), "packages": packages(), "steps": steps})
    told = agreement()
    print(told)
    return 0 if "the same bits" in told else 1


if __name__ == "__main__":
    sys.exit(main())
