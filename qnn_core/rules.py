"""Learning rules: which states an update lowers and which it raises.

All of them sample the same network on the same images and go down the gradient of

    mean over images of  mean E(lowered states) - sum_r weight_r E(raised state r)

by `qnn_core.cutting.cut_gradient`. The abstract of arXiv:2506.05244 does not name its rule; these are likely candidates.

- "as-read": the clamped state against heads among the reads as they are. With the deepest head it is the structured perceptron of
  Collins (EMNLP 2002), with a margin, and an annealer to search.
- "completed": the clamped state against heads among the reads completed to the code of a class, see `qnn_core.cutting`.
- "both": half of each.
- "boltzmann": reads with the outputs held against free reads, means over all of them; Ackley, Hinton, Sejnowski, Cognitive Science 9, 147
  (1985). The sampler must end at the intended temperature, as `GibbsSampler(beta=(0.1, 1.0))` does.
- "equilibrium": reads nudged towards the answer against free ones, over the nudge; Scellier, Bengio, Frontiers in Computational Neuroscience
  11, 24 (2017); on an annealer Laydevant, Markovic, Grollier, Nature Communications 15, 3671 (2024).

Cutting heads as they are makes the right answer the ground state, which the annealer itself then shows. Cutting completed heads only orders the
ten states that the exported network compares. Boltzmann learning and equilibrium propagation follow gradients of free energies if the reads are
drawn at a fixed temperature: -ln P(answer | image) / beta and [F(nudged) - F(free)] / nudge. With reads that end cold they become contrasts
of minima.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int64

from qnn_core.cutting import Weighting, code_reads, complete, effort, find_heads, head_weights, held_reads
from qnn_core.errors import check, check_choice, check_count, check_number
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN, WrongRule
from qnn_core.samplers.base import Reads, Sampler, derived_seed

RuleName = Literal["both", "as-read", "completed", "boltzmann", "equilibrium"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Images of one update and what they are sampled with. seed: of all reads of this update."""

    net: QNN
    x: Float32[np.ndarray, "B D"]
    labels: Int64[np.ndarray, " B"]
    problem: IsingProblem
    sampler: Sampler
    num_reads: int
    seed: int


@dataclass(frozen=True, eq=False)
class Contrast:
    """What one update is made of.

    found: the reads in which heads were looked for, heads: which of them are heads, clamped: the states of the right answer that they were
    measured against. lowered, raised, weights: as `cut_gradient` takes them. effort: what all reads of the update took.
    """

    found: Reads
    heads: Bool[np.ndarray, "B _"]
    clamped: Reads
    lowered: Int8[np.ndarray, "B _ N"]
    raised: Int8[np.ndarray, "B R N"]
    weights: Float32[np.ndarray, "B R"]
    effort: dict[str, int]


@dataclass(frozen=True)
class Rule:
    """A learning rule and its settings.

    name: one of the list above. margin: how far above the clamped energy a wrong read still counts as a head, in units of energy.
    wrong: "class" (the decoded class differs) or "spins" (any output spin differs). weighting: which states of an image count: the "deepest"
    alone, or all with equal weight ("uniform"); "boltzmann" always uses all. nudge: for "equilibrium", the field on each output spin towards
    the answer, in units of energy. code_reads: how many reads represent a class, right or wrong, in a network with several hidden layers;
    with one hidden layer its state is exact.
    """

    name: RuleName = "both"
    margin: float = 8.0
    wrong: WrongRule = "class"
    weighting: Weighting = "deepest"
    nudge: float = 5.0
    code_reads: int = 4

    def __post_init__(self) -> None:
        for name, kinds in (("name", RuleName), ("wrong", WrongRule), ("weighting", Weighting)):
            check_choice(f"rule's {name}", getattr(self, name), get_args(kinds))
        check_number("margin", self.margin)
        check_number("nudge", self.nudge, above=True)
        check_count("code_reads", self.code_reads)
        allowed = 'of the rule "completed" only "class": a completed read has no single wrong spins'
        check(self.name != "completed" or self.wrong == "class", "wrong", self.wrong, allowed)

    def contrast(self, batch: Batch) -> Contrast:
        """Sample the batch and say what to lower and what to raise."""
        net, problem, labels = batch.net, batch.problem, batch.labels
        free = batch.sampler.sample(problem, batch.num_reads, batch.seed)
        if self.name == "boltzmann":
            held = held_reads(net, problem, labels, batch.sampler, batch.num_reads, derived_seed(batch.seed, 3))
            alike = np.full(free.energies.shape, np.float32(1 / batch.num_reads))
            return self._of_reads(batch, free, held, held.spins, alike)
        if self.name == "equilibrium":
            nudged = batch.sampler.sample(net.nudged(problem, labels, self.nudge), batch.num_reads, derived_seed(batch.seed, 4))
            every = np.ones(free.energies.shape, bool)
            weights = head_weights(every, free.energies, self.weighting) / np.float32(self.nudge)
            lowered = nudged.spins
            if self.weighting == "deepest":
                lowered = lowered[np.arange(len(lowered)), nudged.energies.argmin(axis=1)][:, None]
            return self._of_reads(batch, free, nudged, lowered, weights)
        return self._of_heads(batch, free)

    def _of_reads(self, batch: Batch, free: Reads, other: Reads, lowered: np.ndarray, weights: np.ndarray) -> Contrast:
        """Free reads against others of the same problem; heads are only counted."""
        clamped = code_reads(batch.net, batch.problem, batch.labels)
        heads = self.heads(batch, free, clamped)
        return Contrast(free, heads, clamped, lowered, free.spins, weights, effort(free, other))

    def _of_heads(self, batch: Batch, free: Reads) -> Contrast:
        net, problem, labels, sampler = batch.net, batch.problem, batch.labels, batch.sampler
        clamped = code_reads(net, problem, labels, sampler, self.code_reads, batch.seed)
        forms = [] if self.name == "completed" else [free]
        if self.name != "as-read":
            forms.append(complete(net, problem, labels, free, sampler, self.code_reads, batch.seed))
        heads = [self.heads(batch, form, clamped) for form in forms]
        weights = [
            head_weights(marked, form.energies, self.weighting, form.energies.shape[1] // batch.num_reads)
            / np.float32(len(forms))
            for marked, form in zip(heads, forms, strict=True)
        ]
        raised = np.concatenate([form.spins for form in forms], axis=1)
        spent = effort(forms[-1], clamped)
        return Contrast(forms[0], heads[0], clamped, clamped.spins, raised, np.concatenate(weights, axis=1), spent)

    def heads(self, batch: Batch, reads: Reads, clamped: Reads) -> Bool[np.ndarray, "B _"]:
        """Which reads are heads."""
        return find_heads(batch.net, batch.problem, reads, clamped, batch.labels, self.margin, self.wrong)
