"""Training by cutting heads: sample a batch, find the heads, cut them, again and again.

The step of a cut is made by the Adam optimiser (Kingma, Ba, arXiv:1412.6980) on the gradient of `qnn_core.cutting`. Images without heads
contribute nothing, and when no image of a batch has any, nothing moves.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from itertools import pairwise
from time import perf_counter

import numpy as np
import torch
from jaxtyping import Bool, Int8
from scipy.special import logsumexp
from tqdm import tqdm

from qnn_core.checkpoint import Checkpoint, fingerprint
from qnn_core.cutting import Weighting, anneals, code_reads, complete, cut_gradient, find_heads, head_weights
from qnn_core.data import Dataset
from qnn_core.errors import Diverged, InvalidInput, check_count, check_number
from qnn_core.history import COLUMNS, History, check_training, evaluation_steps, log_spaced_steps, minibatches
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN, WrongRule
from qnn_core.optimiser import Adam, Schedule, rate_at
from qnn_core.samplers.base import Metered, Reads, Sampler, check_num_reads, derived_seed
from qnn_core.samplers.gibbs import GibbsSampler
from qnn_core.threads import one_thread_for_algebra

_PATIENCE = 200
"""Updates after which heads should have become fewer."""

_STEP_ENERGY = 32.0
_LARGEST_RATE = 0.01


class TrainingWarning(UserWarning):
    """A run that goes on but does not do what it should."""


def train(
    net: QNN,
    data: Dataset,
    sampler: Sampler | None = None,
    epochs: int = 20,
    reads: int = 10,
    lr: float | None = None,
    batch_size: int = 50,
    seed: int = 0,
    *,
    margin: float = 8.0,
    wrong: WrongRule = "class",
    weighting: Weighting = "deepest",
    completed: bool = True,
    schedule: Schedule = "linear",
    code_reads: int = 4,
    snapshots: int = 0,
    looks: int = 12,
    judged: int | None = None,
    progress: bool = False,
    checkpoint: str | None = None,
) -> History:
    """Train `net` in place by cutting the heads that `sampler` finds.

    data: its training images are trained on, its test images only counted. sampler: None for `GibbsSampler()`. epochs: passes over the
    training images. batch_size: images of an update. reads: per image and update. lr: of the Adam optimiser, None for `default_rate`.
    seed: of the order of the images and of the sampler's reads. margin: how far above the clamped energy a wrong read still counts as a
    head, in units of energy. wrong: "class" (the decoded class differs) or "spins" (any output spin differs). weighting: which heads of
    an image are cut, the "deepest" or all of them alike ("uniform"). completed: whether reads are completed before heads are looked
    for, see `qnn_core.cutting`. schedule: "linear" lets lr fall to 0 over the run, "constant" keeps it. code_reads: how many reads
    represent a class, right or wrong, in a network of several hidden layers; with one, its state is exact. snapshots: how many log-spaced
    copies of the parameters to keep, besides the initial ones. looks: how often a decade of updates errors are measured, besides the end
    of every epoch. judged: on how many of the training images, drawn by the seed, training error and loss are measured; None for all.
    progress: show a bar. checkpoint: a file that keeps the state at the end
    of every epoch; if it is there when the run starts, the run goes on from it, bit for bit.

    Returns the `History`; its loss is the mean over training images of E(clamped) - min over wrong classes of E(class), below
    zero where the answer is right, in units of energy. Raises InvalidInput for settings that cannot be used, before any work, and Diverged
    when numbers overflow; warns with TrainingWarning when the heads do not become fewer.

    >>> from qnn_core.data import load_dataset
    >>> data = load_dataset("digits").only_classes((0, 1))
    >>> history = train(QNN((64, 8, 2)), data, epochs=1)
    >>> bool(history.test_error[-1] < history.test_error[0])
    True
    """
    sampler = GibbsSampler() if sampler is None else sampler
    if lr is None:
        lr = default_rate(net, data)
    rules = Rules(
        epochs, reads, lr, batch_size, seed, margin, wrong, weighting, completed, schedule, code_reads, snapshots, looks, judged
    )
    _check(net, data, rules)
    with one_thread_for_algebra():
        run = TrainingRun(net, data, sampler, rules, checkpoint)
        run.resume()
        if isinstance(sampler, Metered):
            sampler.announce(tuple(net.layers), min(batch_size, len(data.y_train)), reads, run.total - run.done + len(run.look))
        with tqdm(total=run.total, initial=run.done, desc="training", disable=not progress, unit="cut") as bar:
            while run.done < run.total:
                run.step()
                bar.set_postfix_str(run.status, refresh=False)
                bar.update()
    return run.history


def default_rate(net: QNN, data: Dataset) -> float:
    """The rate at which one step of Adam, `lr` for each parameter, changes the energy of a typical image by at most 32 units, or 0.01.

    That most is lr (N_1 sum_d |x_d| + sum_l N_l N_(l+1) + N), with the mean over training images of sum_d |x_d|: so the rate falls
    as networks and images get larger. 32 units are four of the default margins; the number was chosen on validation images of MNIST. More
    than 0.01 would be a large part of the initial weights of a small network, and makes training erratic.
    """
    brightness = float(np.abs(net.measured(data.x_train)).sum(axis=1, dtype=np.float64).mean())
    reach = brightness * net.layers[0] + sum(left * right for left, right in pairwise(net.layers)) + sum(net.layers)
    return min(_LARGEST_RATE, _STEP_ENERGY / reach)


@dataclass(frozen=True)
class Rules:
    """The settings of `train` that decide what is computed; see there."""

    epochs: int
    reads: int
    lr: float
    batch_size: int
    seed: int
    margin: float
    wrong: WrongRule
    weighting: Weighting
    completed: bool
    schedule: Schedule
    code_reads: int = 4
    snapshots: int = 0
    looks: int = 12
    judged: int | None = None


class TrainingRun:
    """One training run between two of its steps: `train` makes all of them, whoever wants to look in between makes one at a time.

    `sampler` and `rules` may be changed between steps; the order of the images and the number of steps stay those of the start.
    """

    def __init__(self, net: QNN, data: Dataset, sampler: Sampler, rules: Rules, checkpoint: str | None) -> None:
        self.net, self.data, self.sampler, self.rules = net, data, sampler, rules
        self.checkpoint = None
        if checkpoint is not None:
            centre = None if net.centre is None else fingerprint([net.centre])
            told = {"sizes": net.sizes, "copies": net.copies, "centre": centre, "sampler": repr(sampler), "data": data.sha256}
            self.checkpoint = Checkpoint(checkpoint, {**asdict(rules), **told, "initial weights": fingerprint(net.parameters)})
        self.batches = minibatches(len(data.y_train), rules.batch_size, rules.epochs, rules.seed)
        self.total = len(self.batches)
        self.look = evaluation_steps(self.total, self.total // rules.epochs, rules.looks)
        self.keep = set(log_spaced_steps(self.total, rules.snapshots)) if rules.snapshots else set()
        self.optimiser = Adam([torch.from_numpy(parameter) for parameter in net.parameters])
        self.judged = data if rules.judged is None else data.take(rules.judged, rules.seed)
        self.history = History(len(self.judged.y_train), len(data.y_test))
        self.tally = _Tally()
        self.effort = {"reads": 0, "anneals": 0, "spin_updates": 0}
        self.done = 0
        self.status = ""
        self.warned = False
        self.earlier, self.start = 0.0, perf_counter()

    @property
    def seconds(self) -> float:
        """Wall time, that before an interruption included."""
        return self.earlier + perf_counter() - self.start

    @property
    def rate(self) -> float:
        """Of the next step."""
        return rate_at(self.rules.lr, self.rules.schedule, self.done, self.total)

    def step(self) -> None:
        """One batch: sample, cut, look if it is time to."""
        net, data, step = self.net, self.data, self.done
        if step == 0:
            self._keep_snapshot()
            self._evaluate()
        rows = self.batches[step]
        x, labels = data.x_train[rows], data.y_train[rows]
        if not all(np.isfinite(parameter).all() for parameter in net.parameters):
            raise Diverged(
                f"The weights are no numbers any more after {step} updates: the learning rate {self.rules.lr:g} is too high."
            )
        problem = net.problem(x)
        found = self._sample(problem, x, labels, derived_seed(self.rules.seed, step))
        clamped = self._clamped(problem, x, labels, derived_seed(self.rules.seed, step))
        heads = find_heads(net, problem, found, clamped.spins, labels, self.rules.margin, self.rules.wrong)
        self.effort["reads"] += len(rows) * self.rules.reads
        self.effort["anneals"] += anneals(found) + anneals(clamped)
        self.effort["spin_updates"] += found.info["spin_updates"] + clamped.info["spin_updates"]
        together = heads.shape[1] // self.rules.reads
        self.tally.add(found.spins[:, ::together], heads[:, ::together])
        if heads.any():
            weights = head_weights(heads, found.energies, self.rules.weighting, together)
            gradients = cut_gradient(net, x, clamped.spins, found.spins, weights)
            self.optimiser.step([torch.from_numpy(gradient) for gradient in gradients], self.rate)
        self.done += 1
        self._keep_snapshot()
        if self.done in self.look:
            self._evaluate(**self._after_cut(x, labels, found, heads, derived_seed(self.rules.seed, step, 1)))
        if self.done % (self.total // self.rules.epochs) == 0:
            self._end_of_epoch()

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        state = self.checkpoint.load() if self.checkpoint is not None else None
        if state is None:
            return
        self.net.set_parameters([tensor.numpy() for tensor in state["parameters"]])
        self.optimiser.load_state(state["optimiser"])
        for column, values in state["history"].items():
            getattr(self.history, column).extend(values)
        self.history.snapshots |= {step: [tensor.numpy() for tensor in values] for step, values in state["snapshots"].items()}
        self.tally.counts = state["tally"]
        self.effort, self.done, self.earlier = state["effort"], state["done"], state["seconds"]

    def _sample(self, problem: IsingProblem, x: np.ndarray, labels: np.ndarray, seed: int) -> Reads:
        """Reads of the network as it is, completed if they are to be."""
        reads = self.sampler.sample(problem, self.rules.reads, seed)
        if not self.rules.completed:
            return reads
        return complete(self.net, problem, x, labels, reads, self.sampler, self.rules.code_reads, derived_seed(seed, 2))

    def _clamped(self, problem: IsingProblem, x: np.ndarray, labels: np.ndarray, seed: int) -> Reads:
        """What represents the right class of each image, found as that of wrong classes is."""
        return code_reads(self.net, problem, x, labels, self.sampler, self.rules.code_reads, derived_seed(seed, 3))

    def _after_cut(
        self, x: np.ndarray, labels: np.ndarray, reads: Reads, heads: Bool[np.ndarray, "B R"], seed: int
    ) -> dict[str, float]:
        """What became of the heads of the last batch, and which are there now: a diagnostic, not counted as effort."""
        net, problem = self.net, self.net.problem(x)
        clamped = self._clamped(problem, x, labels, seed).spins
        energies = problem.energy(reads.spins).reshape(len(x), self.rules.reads, -1)
        old = Reads(reads.spins, np.broadcast_to(energies.mean(axis=2, keepdims=True), energies.shape).reshape(heads.shape))
        still = find_heads(net, problem, old, clamped, labels, self.rules.margin, self.rules.wrong) & heads
        again = self._sample(problem, x, labels, seed)
        regrown = find_heads(net, problem, again, clamped, labels, self.rules.margin, self.rules.wrong)
        surviving = {"heads_surviving": float(still.sum() / heads.sum())} if heads.any() else {}
        return {**surviving, "heads_regrown": float(regrown.mean())}

    def _keep_snapshot(self) -> None:
        if self.done in self.keep:
            self.history.snapshots[self.done] = [parameter.copy() for parameter in self.net.parameters]

    def _evaluate(self, **after_cut: float) -> None:
        history = self.history
        measured = _errors(self.net, self.judged)
        if not np.isfinite(measured["loss"]):
            raise Diverged(
                f"The loss is no number any more after {self.done} updates: the learning rate {self.rules.lr:g} is too high."
            )
        epoch = self.done * self.rules.epochs / self.total
        history.record(
            step=self.done, epoch=epoch, **measured, **self.effort, seconds=self.seconds, **self.tally.means(), **after_cut
        )
        self.tally = _Tally()
        heads = f"heads {history.head_fraction[-1]:.1%}, " if self.done else ""
        errors = f"errors {history.train_error[-1]:.2%} train {history.test_error[-1]:.2%} test"
        self.status = f"epoch {epoch:.1f}/{self.rules.epochs}, {heads}{errors}, rate {self.rate:.1e}"

    def _end_of_epoch(self) -> None:
        epoch = self.done // (self.total // self.rules.epochs)
        history = self.history
        stuck = history.train_error[-1] > 0.9 * history.train_error[0] and history.head_fraction[-1] > 0.9
        if epoch > 1 and self.done >= _PATIENCE and not self.warned and stuck:
            self.warned = True
            warnings.warn(
                f"After {epoch} epochs nearly every image still has a head and the training error is {history.train_error[-1]:.0%}: the rate "
                f"{self.rules.lr:g} may be far too low or too high, or the sampler's reads too shallow to be cut.",
                TrainingWarning,
                stacklevel=4,
            )
        if self.checkpoint is not None:
            columns = {column: getattr(history, column) for column in (*COLUMNS, "seconds")}
            self.checkpoint.save(
                {
                    "parameters": [torch.from_numpy(parameter) for parameter in self.net.parameters],
                    "optimiser": self.optimiser.state(),
                    "history": columns,
                    "snapshots": {step: [torch.from_numpy(value) for value in kept] for step, kept in history.snapshots.items()},
                    "tally": self.tally.counts,
                    "effort": self.effort,
                    "done": self.done,
                    "seconds": self.seconds,
                }
            )


class _Tally:
    """Head statistics since the last evaluation."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(("images", "images_with_heads", "reads", "heads", "distinct"), 0)

    def add(self, spins: Int8[np.ndarray, "B R N"], heads: Bool[np.ndarray, "B R"]) -> None:
        counts = self.counts
        counts["images"] += len(heads)
        counts["images_with_heads"] += int(heads.any(axis=1).sum())
        counts["reads"] += heads.size
        counts["heads"] += int(heads.sum())
        for image in np.flatnonzero(heads.any(axis=1)):
            counts["distinct"] += len({read.tobytes() for read in spins[image, heads[image]]})

    def means(self) -> dict[str, float]:
        counts = self.counts
        if not counts["images"]:
            return {}
        return {
            "head_fraction": counts["images_with_heads"] / counts["images"],
            "heads_per_read": counts["heads"] / counts["reads"],
            "distinct_heads": counts["distinct"] / counts["images"],
        }


def _errors(net: QNN, data: Dataset) -> dict[str, float]:
    energies = net.class_energies(data.x_train)
    index = data.y_train[:, None]
    target = np.take_along_axis(energies, index, axis=1)[:, 0]
    mistakes = int((np.argmin(energies, axis=1) != data.y_train).sum())
    cross_entropy = float((target + logsumexp(-energies, axis=1)).mean(dtype=np.float64))
    np.put_along_axis(energies, index, np.inf, axis=1)
    loss = float((target - energies.min(axis=1)).mean(dtype=np.float64))
    test_mistakes = int((net.predict(data.x_test) != data.y_test).sum())
    return {"train_mistakes": mistakes, "test_mistakes": test_mistakes, "loss": loss, "cross_entropy": cross_entropy}


def _check(net: QNN, data: Dataset, rules: Rules) -> None:
    check_training(data, rules.epochs, rules.lr, rules.batch_size, rules.seed)
    check_num_reads(rules.reads)
    check_count("code_reads", rules.code_reads)
    check_count("looks", rules.looks)
    if rules.judged is not None and not data.num_classes <= rules.judged <= len(data.y_train):
        allowed = f"{data.num_classes} .. {len(data.y_train)}, the training images of {data.name}, or None for all"
        raise InvalidInput("judged", rules.judged, allowed)
    if net.sizes[0] != data.num_pixels:
        raise InvalidInput("sizes", net.sizes, f"{data.num_pixels} inputs, the pixels of {data.name}")
    if net.num_classes < data.num_classes:
        raise InvalidInput("sizes", net.sizes, f"at least {data.num_classes} classes, as many as {data.name} has")
    check_number("margin", rules.margin)
    if rules.wrong not in ("class", "spins"):
        raise InvalidInput("wrong", rules.wrong, '"class" or "spins"')
    if rules.weighting not in ("deepest", "uniform"):
        raise InvalidInput("weighting", rules.weighting, '"deepest" or "uniform"')
    if rules.completed and rules.wrong == "spins":
        raise InvalidInput("wrong", rules.wrong, '"class", or completed = False: a completed read has no single wrong spins')
    if rules.schedule not in ("constant", "linear"):
        raise InvalidInput("schedule", rules.schedule, '"constant" or "linear"')
    check_count("snapshots", rules.snapshots, least=0)
