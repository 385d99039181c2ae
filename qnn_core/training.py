"""Training with an annealer: sample a batch, lower the right answers and raise the heads, again and again.

The learning rule (`qnn_core.rules`) decides what is lowered and raised. The order of the images, the optimiser, the effort and what is
measured along the way are the same for all rules. With rules that cut heads, a batch without heads changes nothing.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any, get_args

import numpy as np
from scipy.special import logsumexp
from tqdm import tqdm

from qnn_core.answers import own_answers
from qnn_core.at_once import cut_at_once, is_possible
from qnn_core.checkpoint import Checkpoint, fingerprint
from qnn_core.cutting import cut_gradient, effort
from qnn_core.data import Dataset
from qnn_core.errors import Diverged, Interrupted, InvalidInput, check, check_choice, check_count
from qnn_core.history import (
    COLUMNS,
    Callback,
    History,
    check_evaluations,
    check_training,
    evaluation_steps,
    log_spaced_steps,
    minibatches,
)
from qnn_core.loops import count_distinct
from qnn_core.network import QNN
from qnn_core.optimiser import OPTIMISERS, Adam, Average, OptimiserName, Schedule, rate_at
from qnn_core.resting import Resting
from qnn_core.rules import Batch, Contrast, Rule, RuleName
from qnn_core.samplers import get_sampler
from qnn_core.samplers.base import Metered, Reads, Sampler, check_num_reads, derived_seed
from qnn_core.threads import one_thread_for_algebra

_EPOCHS, _BATCH_SIZE = 20, 50
_UPDATES = 500
"""Fewer leave a small table half learned."""

_PATIENCE = 200
"""Updates after which heads should have become fewer."""

_IMAGES_AT_ONCE = 512
_STEP_ENERGY = 32.0
_LARGEST_RATE = 0.01


class TrainingWarning(UserWarning):
    """A run that continues although training does not work as it should."""


def train(
    net: QNN,
    data: Dataset,
    sampler: Any = "gibbs",
    epochs: int | None = None,
    reads: int = 5,
    lr: float | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    *,
    rule: Rule | RuleName = "both",
    optimiser: OptimiserName = "adam",
    schedule: Schedule = "constant",
    averaged: bool = True,
    rest: int = 1,
    snapshots: int = 0,
    evaluations: int = 12,
    evaluation_images: int | None = 2000,
    asked: int = 200,
    progress: bool = False,
    checkpoint: str | None = None,
    callbacks: Sequence[Callback] = (),
) -> History:
    """Train `net` in place, with the reads of `sampler`.

    data: it trains on the training images and only counts errors on the test images. sampler: a name, a sampler of Ocean, or anything else
    that `get_sampler` accepts. epochs: passes over the training images; None for 20, or for more if 20 make fewer than 500 updates. reads:
    per image and update. lr: learning rate; None for `default_rate`, which suits Adam. batch_size: images per update; None for 50, or for
    all if there are fewer. seed: of the order of the images and of the sampler's reads. rule: what an update lowers and raises, by name or
    as a `qnn_core.rules.Rule` with its own settings. optimiser: "adam" or plain "sgd". schedule: "constant" keeps lr, "linear" lets it fall
    to 0 over the run. averaged: whether the trained network is the average over the updates (`qnn_core.optimiser.Average`); everything
    measured and stored along the way then belongs to that average. rest: for how many epochs an image that had no heads is left out at most,
    see `qnn_core.resting`; 0 reads every image in every epoch.

    snapshots: how many log-spaced copies of the parameters to keep, besides the initial ones. evaluations: how many times per decade of
    updates errors are measured, besides the end of every epoch. evaluation_images: on how many training and test images, drawn with the
    seed, errors are measured along the way; None for all, as at the end of the run. asked: number of test images for the annealer's own
    answer, 0 for none. Neither counts as training effort. progress: show a progress bar. checkpoint: a file that stores the state at the end
    of every epoch. If it exists when the run starts, the run continues from it, bit for bit; with the constant schedule also to more epochs.
    callbacks: each is called with `History.entry` at every evaluation, and ends the run if it returns True. Ctrl-C raises Interrupted, with
    the history so far. In both cases the network is the average so far; `History.best` is that of the lowest test error.

    Returns the `History`. Its loss is the mean over training images of E(clamped) - min over wrong classes of E(class), in units of energy:
    negative where the answer is right. Raises InvalidInput for settings that cannot be used, before any work, and Diverged if numbers
    overflow; warns with TrainingWarning if the heads do not become fewer.

    >>> from qnn_core.data import load_dataset
    >>> data = load_dataset("digits").only_classes((0, 1))
    >>> history = train(QNN((64, 8, 2)), data, epochs=1)
    >>> bool(history.test_error[-1] < history.test_error[0])
    True
    """
    check(isinstance(data, Dataset), "data", type(data).__name__, "a Dataset, as Dataset.from_arrays(x, y) makes one")
    fits = not callable(callbacks) and all(map(callable, callbacks))
    check(fits, "callbacks", callbacks, "a list of functions, each of one evaluation")
    sampler = get_sampler(sampler)
    lr = default_rate(net, data) if lr is None else lr
    batch_size = min(_BATCH_SIZE, len(data.y_train)) if batch_size is None else batch_size
    check_count("batch_size", batch_size)
    epochs = max(_EPOCHS, -(-_UPDATES // -(-len(data.y_train) // batch_size))) if epochs is None else epochs
    rule = rule if isinstance(rule, Rule) else Rule(rule)
    options = (averaged, rest, snapshots, evaluations, evaluation_images, asked)
    settings = Settings(epochs, reads, lr, batch_size, seed, rule, optimiser, schedule, *options)
    _check(net, data, settings)
    with one_thread_for_algebra():
        run = TrainingRun(net, data, sampler, settings, checkpoint)
        run.callbacks = callbacks
        run.resume()
        if isinstance(sampler, Metered):
            sampler.announce(tuple(net.layers), min(batch_size, len(data.y_train)), reads, run.calls)
        with tqdm(total=run.total, initial=run.done, desc="training", disable=not progress, unit="update") as bar:
            try:
                while run.done < run.total and not run.stopped:
                    run.step()
                    bar.set_postfix_str(run.status, refresh=False)
                    bar.update()
            except KeyboardInterrupt as failure:
                raise Interrupted(run.history) from failure
            finally:
                net.set_parameters(run.trained.parameters)
                told = f"{rule.name}, {run.done} updates by {batch_size} images, {reads} reads, rate {lr:g}, seed {seed}"
                net.origin = {**net.origin, "sampler": repr(sampler), "training": told}
    return run.history


def default_rate(net: QNN, data: Dataset) -> float:
    """The rate at which one step of Adam changes the energy of a typical image by at most 32 units; never more than 0.01.

    A step of `lr` for each parameter changes it by at most lr (N_1 sum_d |x_d| + sum_l N_l N_(l+1) + N), where sum_d |x_d| is a mean over
    training images. So the rate falls as networks and images grow. 32 units are four default margins; the number was chosen on validation
    images of MNIST. A rate above 0.01 is large compared with the initial weights of a small network, and makes training erratic.
    """
    x = data.x_train
    parts = np.array_split(np.arange(len(x)), -(-len(x) // _IMAGES_AT_ONCE))
    brightness = sum(float(np.abs(net.measured(x[rows])).sum(dtype=np.float64)) for rows in parts) / len(x)
    reach = brightness * net.layers[0] + sum(left * right for left, right in pairwise(net.layers)) + sum(net.layers)
    return min(_LARGEST_RATE, _STEP_ENERGY / reach)


@dataclass(frozen=True)
class Settings:
    """The settings of `train` that affect the result; see there."""

    epochs: int
    reads: int
    lr: float
    batch_size: int
    seed: int
    rule: Rule = field(default_factory=Rule)
    optimiser: OptimiserName = "adam"
    schedule: Schedule = "constant"
    averaged: bool = True
    rest: int = 1
    snapshots: int = 0
    evaluations: int = 12
    evaluation_images: int | None = 2000
    asked: int = 200


class TrainingRun:
    """A training run, step by step: `train` makes all steps; a caller who wants to look in between makes one at a time.

    `net` is what is sampled and moved, `trained` what the run has to show: its average, or `net` itself; after the last step both are the same.
    `sampler` and `settings` may be changed between steps; the order of the images and the number of steps stay those of the start.
    """

    def __init__(self, net: QNN, data: Dataset, sampler: Sampler, settings: Settings, checkpoint: str | None) -> None:
        self.net, self.data, self.sampler, self.settings = net, data, sampler, settings
        self.checkpoint = None
        if checkpoint is not None:
            centre = None if net.centre is None else fingerprint([net.centre])
            told = {"sizes": net.sizes, "copies": net.copies, "centre": centre, "sampler": repr(sampler), "data": data.sha256}
            same = asdict(settings)
            if settings.schedule == "constant":  # Then the epochs to come change nothing in those that were.
                del same["epochs"]
            self.checkpoint = Checkpoint(checkpoint, {**same, **told, "initial weights": fingerprint(net.parameters)})
        self.batches = minibatches(len(data.y_train), settings.batch_size, settings.epochs, settings.seed)
        self.total = len(self.batches)
        self.look = evaluation_steps(self.total, self.epoch_length, settings.evaluations)
        self.keep = set(log_spaced_steps(self.total, settings.snapshots)) if settings.snapshots else set()
        self.optimiser = OPTIMISERS[settings.optimiser](net.parameters)
        self.trained = net.copy() if settings.averaged else net
        self.average = Average(self.trained.parameters, net.parameters)
        subset = settings.evaluation_images
        self.evaluation_data = data if subset is None else data.sample(subset, settings.seed)
        self.asked = np.random.default_rng([settings.seed, 0xA5]).permutation(len(data.y_test))[: settings.asked]
        self.resting = Resting(len(data.y_train), settings.rest)
        self.history = History()
        self.tally: Counter[str] = Counter()
        self.effort: Counter[str] = Counter()
        self.seeds: tuple[int, list[int]] = -1, []
        self.done = 0
        self.status = ""
        self.warned = False
        self.callbacks: Sequence[Callback] = ()
        self.stopped = False
        self.earlier, self.start = 0.0, perf_counter()

    @property
    def seconds(self) -> float:
        """Wall time, including that before an interruption."""
        return self.earlier + perf_counter() - self.start

    @property
    def epoch_length(self) -> int:
        """Updates in an epoch."""
        return self.total // self.settings.epochs

    @property
    def calls(self) -> int:
        """Calls of the sampler, of a batch of images at most, that the steps and evaluations to come will make."""
        evaluations = sum(step >= self.done for step in self.look)
        return self.total - self.done + evaluations * (1 + -(-len(self.asked) // self.settings.batch_size))

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return rate_at(self.settings.lr, self.settings.schedule, self.done, self.total)

    def step(self) -> None:
        """One batch: sample, lower and raise, and evaluate when it is time to."""
        step, settings = self.done, self.settings
        if step == 0:
            self._keep_snapshot()
            self._evaluate()
        rows, epoch = self.batches[step], step // self.epoch_length
        awake = self.resting.awake(rows, epoch)
        self.tally["images"] += len(rows)
        contrast = self._cut(awake, len(rows), epoch) if len(awake) else None
        self.done += 1
        if settings.averaged:
            self.average.update(self.done)
        self._keep_snapshot()
        if self.done in self.look:
            after = {} if contrast is None else self._after_cut(awake, contrast, derived_seed(settings.seed, step, 1))
            self._evaluate(**after)
        if self.done % self.epoch_length == 0:
            self._end_of_epoch()
        if self.done == self.total:
            self.net.set_parameters(self.trained.parameters)

    def _cut(self, rows: np.ndarray, images: int, epoch: int) -> Contrast | None:
        """Sample the images `rows`, all of a batch of `images` that do not rest, lower and raise; before an evaluation, say what."""
        settings, rule, optimiser, contrast = self.settings, self.settings.rule, self.optimiser, None
        batch = self._batch(rows, self._seed_of_reads())
        if self.done + 1 not in self.look and isinstance(optimiser, Adam) and is_possible(self.net, rule):
            free = self.sampler.sample(batch.problem, settings.reads, batch.seed)
            changing, (images_with_heads, heads, distinct) = cut_at_once(rule, batch, free, images, optimiser, self.rate)
            spent = effort(free)
        else:
            contrast = rule.contrast(batch)
            spent, changing = contrast.effort, np.asarray(contrast.weights.any(axis=1))
            together = contrast.heads.shape[1] // settings.reads
            found, marked = contrast.found.spins[:, ::together], contrast.heads[:, ::together]
            images_with_heads, heads, distinct = int(marked.any(axis=1).sum()), int(marked.sum()), count_distinct(found, marked)
            if changing.any():
                gradients = cut_gradient(self.net, batch.x, contrast.lowered, contrast.raised, contrast.weights, images)
                optimiser.step(gradients, self.rate)
        reads = len(rows) * settings.reads
        self.tally.update(images_with_heads=images_with_heads, reads=reads, heads=heads, distinct=distinct)
        self.effort.update(spent, reads=reads)
        self.resting.note(rows, changing, epoch)
        return contrast

    def resume(self) -> None:
        """Continue from the checkpoint, if there is one."""
        state = self.checkpoint.load() if self.checkpoint is not None else None
        if state is None:
            return
        allowed = f"enough for the {state['done']} updates that the checkpoint has"
        check(state["done"] <= self.total, "epochs", self.settings.epochs, allowed)
        self.net.set_parameters(state["parameters"])
        self.trained.set_parameters(state["trained"])
        self.optimiser.load_state(state["optimiser"])
        for column, values in state["history"].items():
            getattr(self.history, column).extend(values)
        self.history.snapshots |= {int(step): parameters for step, parameters in state["snapshots"].items()}
        self.history.best = state["best"]
        self.tally, self.effort = Counter(state["tally"]), Counter(state["effort"])
        self.resting.until, self.resting.length = state["resting"]
        self.done, self.earlier = state["done"], state["seconds"]

    def _seed_of_reads(self) -> int:
        """Of this step; those of an epoch are made together, which takes a tenth of the time."""
        length = self.epoch_length
        epoch, place = divmod(self.done, length)
        if epoch != self.seeds[0]:
            self.seeds = epoch, [derived_seed(self.settings.seed, epoch * length + number) for number in range(length)]
        return self.seeds[1][place]

    def _batch(self, rows: np.ndarray, seed: int) -> Batch:
        net, x = self.net, self.data.x_train[rows]
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                problem = net.problem(x)
        except InvalidInput as failure:
            raise self._diverged("The weights are no numbers") from failure
        return Batch(net, x, self.data.y_train[rows], problem, self.sampler, self.settings.reads, seed)

    def _diverged(self, what: str) -> Diverged:
        return Diverged(f"{what} any more after {self.done} updates: the learning rate {self.settings.lr:g} is too high.")

    def _after_cut(self, rows: np.ndarray, contrast: Contrast, seed: int) -> dict[str, float]:
        """What became of the heads of the last batch, and which are there now: a diagnostic, not counted as effort."""
        rule, heads = self.settings.rule, contrast.heads
        batch = self._batch(rows, seed)
        again = rule.contrast(batch)
        found = contrast.found.spins
        together = batch.problem.energy(found).reshape(len(rows), self.settings.reads, -1)
        energies = np.repeat(together.mean(axis=2), together.shape[2], axis=1)
        still = rule.heads(batch, Reads(found, energies), again.clamped) & heads
        surviving = {"heads_surviving": float(still.sum() / heads.sum())} if heads.any() else {}
        return {**surviving, "heads_regrown": float(again.heads.mean())}

    def _keep_snapshot(self) -> None:
        if self.done in self.keep:
            self.history.snapshots[self.done] = [parameter.copy() for parameter in self.trained.parameters]

    def _own_answers(self) -> dict[str, float]:
        if not len(self.asked):
            return {}
        settings, data = self.settings, self.data
        found = own_answers(
            self.trained, data.x_test[self.asked], data.y_test[self.asked], self.sampler, settings.reads,
            derived_seed(settings.seed, self.done, 2), images_at_once=settings.batch_size,
        )  # fmt: skip
        means = {"own_error": found.wrong, "reads_wrong": found.reads_wrong, "overlap": found.overlap}
        return {name: float(values.mean()) for name, values in means.items()}

    def _evaluate(self, **after_cut: float) -> None:
        history = self.history
        measured = errors_of(self.trained, self.data if self.done == self.total else self.evaluation_data)
        if not np.isfinite(measured["loss"]):
            raise self._diverged("The loss is no number")
        epoch = self.done * self.settings.epochs / self.total
        sampled = {**_found(self.tally), **self._own_answers(), **after_cut}
        history.record(step=self.done, epoch=epoch, **measured, **self.effort, seconds=self.seconds, **sampled)
        if history.test_error[-1] <= min(history.test_error):
            history.best = [parameter.copy() for parameter in self.trained.parameters]
        self.tally.clear()
        answers = [callback(history.entry()) for callback in self.callbacks]
        self.stopped = any(answers)
        heads = f"heads {history.head_fraction[-1]:.1%}, " if self.done else ""
        errors = f"errors {history.train_error[-1]:.2%} train {history.test_error[-1]:.2%} test"
        own = f" {history.own_error[-1]:.1%} own" if len(self.asked) else ""
        self.status = f"epoch {epoch:.1f}/{self.settings.epochs}, {heads}{errors}{own}, rate {self.rate:.1e}"

    def _end_of_epoch(self) -> None:
        epoch = self.done // self.epoch_length
        history = self.history
        stuck = history.train_error[-1] > 0.9 * history.train_error[0] and history.head_fraction[-1] > 0.9
        if epoch > 1 and self.done >= _PATIENCE and not self.warned and stuck:
            self.warned = True
            warnings.warn(
                f"After {epoch} epochs nearly every image still has a head and the training error is {history.train_error[-1]:.0%}: the rate "
                f"{self.settings.lr:g} may be far too low or too high, or the sampler's reads too shallow to be cut.",
                TrainingWarning,
                stacklevel=4,
            )
        if self.checkpoint is not None:
            self.checkpoint.save(
                {
                    "parameters": self.net.parameters,
                    "trained": self.trained.parameters,
                    "optimiser": self.optimiser.state(),
                    "history": {column: getattr(history, column) for column in (*COLUMNS, "seconds")},
                    "snapshots": history.snapshots,
                    "best": history.best,
                    "tally": self.tally,
                    "resting": [self.resting.until, self.resting.length],
                    "effort": self.effort,
                    "done": self.done,
                    "seconds": self.seconds,
                }
            )


def _found(tally: Counter[str]) -> dict[str, float]:
    """Columns of `History` on the heads counted since the last evaluation; none before the first update."""
    if not tally["images"]:
        return {}
    return {
        "head_fraction": tally["images_with_heads"] / tally["images"],
        "heads_per_read": tally["heads"] / tally["reads"] if tally["reads"] else float("nan"),
        "distinct_heads": tally["distinct"] / tally["images"],
    }


def errors_of(net: QNN, data: Dataset) -> dict[str, float]:
    """Mistakes, loss and cross-entropy of the answers without sampling, as columns of `History`."""
    energies = net.class_energies(data.x_train)
    index = data.y_train[:, None]
    target = np.take_along_axis(energies, index, axis=1)[:, 0]
    mistakes = int((np.argmin(energies, axis=1) != data.y_train).sum())
    cross_entropy = float((target + logsumexp(-energies, axis=1)).mean(dtype=np.float64))
    np.put_along_axis(energies, index, np.inf, axis=1)
    return {
        "train_mistakes": mistakes,
        "test_mistakes": int((net.decide(data.x_test) != data.y_test).sum()),
        "train_images": len(data.y_train),
        "test_images": len(data.y_test),
        "loss": float((target - energies.min(axis=1)).mean(dtype=np.float64)),
        "cross_entropy": cross_entropy,
    }


def _check(net: QNN, data: Dataset, settings: Settings) -> None:
    check_training(data, settings.epochs, settings.lr, settings.batch_size, settings.seed)
    check_num_reads(settings.reads)
    check_evaluations(settings.evaluations, settings.evaluation_images)
    for name in ("asked", "snapshots", "rest"):
        check_count(name, getattr(settings, name), least=0)
    check(net.sizes[0] == data.num_pixels, "sizes", net.sizes, f"{data.num_pixels} inputs, the pixels of {data.name}")
    allowed = f"at least {data.num_classes} classes, as many as {data.name} has"
    check(net.num_classes >= data.num_classes, "sizes", net.sizes, allowed)
    for name, kinds in (("optimiser", OptimiserName), ("schedule", Schedule)):
        check_choice(name, getattr(settings, name), get_args(kinds))
