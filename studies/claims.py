"""Verdicts on the paper's claims, computed from what was measured and never written by hand.

"agrees": the measurement supports what was tested of the claim, its 95 % interval included;
"disagrees": its interval excludes what the claim says;
"not testable here": nothing was measured that could decide, the interval allows both, or measurements point both ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qnn_core.statistics import FRACTION, Interval, difference_interval, mean_interval, of_largest_size
from studies.ablation import EQUAL_READS, more_reads
from studies.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT, STATEMENTS
from studies.phase import Passage
from studies.tables import Table, table

Verdict = Literal["agrees", "disagrees", "not testable here"]
Arrays = Mapping[str, np.ndarray]
"""What a study stored, by name."""

TOLERATED_DIFFERENCE = 0.005
"""By how much the test error may rise when only a few layers are sampled at a time, as a fraction of images."""


@dataclass(frozen=True)
class Claim:
    """One row of the table.

    statement, paper_number: from the paper's abstract. measured: what was measured, in words; value, low, high: its number with a 95 %
    interval, None where nothing could be measured; unit. tested: which part of the claim the verdict is about. remark: what else a reader must
    know. notebook, figure: where it is shown. sampler_kind: what made the reads. runtime: seconds of the runs behind it.
    """

    id: str
    statement: str
    paper_number: str | None
    measured: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    tested: str
    verdict: Verdict
    remark: str
    notebook: str
    figure: str
    sampler_kind: str = ""
    runtime: float = 0.0

    @property
    def number(self) -> str:
        """What was measured, with its interval and unit."""
        if self.value is None or self.low is None or self.high is None:
            return "not measured"
        return f"{Interval(self.value, self.low, self.high)} {self.unit}".strip()

    def _repr_markdown_(self) -> str:
        return f"**{self.id}.** Measured: {self.measured}. Tested: {self.tested}. {self.remark} *Made by: {self.sampler_kind}.*"


def claims_table(claims: Iterable[Claim]) -> Table:
    """One row a claim: what the paper says, what was measured, and the verdict."""
    return table(
        {
            claim.id: {
                "claim": claim.statement,
                "paper": claim.paper_number or "no number",
                "measured (95 %)": claim.number,
                "verdict": claim.verdict,
                "where": f"{claim.notebook}, {claim.figure}",
            }
            for claim in claims
        }
    )


def training_claim(annealer: Sequence[Arrays], mlp: Sequence[Arrays], nearest_mean_error: float) -> Claim:
    """C1: the exported network, which needs no annealer, works."""
    error, baseline = (
        mean_interval(np.array([run["test_mistakes"][-1] / run["num_test"] for run in runs]), FRACTION)
        for runs in (annealer, mlp)
    )
    disagreements = int(sum(run["export_disagreements"] for run in annealer))
    return Claim(
        id="C1",
        statement=STATEMENTS["C1"],
        paper_number=None,
        measured=f"test error of the exported network; an MLP of the same size trained by backpropagation has {percent(baseline)}",
        **_percent_fields(error),
        tested="that a network trained from an annealer's reads works without one, better than the nearest class mean",
        verdict=_verdict(
            disagreements == 0 and error.high < nearest_mean_error, disagreements > 0 or error.low > nearest_mean_error
        ),
        remark=f"{disagreements} answers differ between network and exported module. The speed of a quantum annealer is not testable here.",
        notebook="02_training",
        figure="fig2",
    )


def phase_claim(phase: Arrays, sizes: Arrays) -> Claim:
    """C2: overlaps rise from the random to the trained network, and the rise sharpens with size."""
    overlaps = phase["q_ea"].mean(axis=2)
    change = difference_interval(overlaps[:, -1], overlaps[:, 0])
    before, after = (Passage(phase).interval("q_ea", place) for place in (0, -1))
    width, peak, glass = (Interval(*(float(end) for end in sizes[name])) for name in ("narrowing", "growth", "untrained"))
    peaked = (
        f"a peak of the susceptibility there as N to the {peak}"
        if np.isfinite(peak.value)
        else "without a peak of the susceptibility there"
    )
    smallest, *_, largest = sizes["spins"][sizes["resolved"]]
    found = str(sizes["verdict"])
    return Claim(
        id="C2",
        statement=STATEMENTS["C2"],
        paper_number=None,
        measured=f"rise of the Edwards-Anderson order parameter, from {before} to {after}. From {smallest} to {largest} spins the width of "
        f"the rise goes as N to the {width}, {peaked}: {found}. In the untrained networks the susceptibility goes as N to the {glass} (1 for a "
        "glass, 0 for independent spins)",
        **_fields(change, ""),
        tested="that order rises during training, and that the rise sharpens with size as a transition does",
        verdict=_verdict(change.low > 0 and found == "transition", change.high < 0 or found == "crossover"),
        remark="That order rises is certain if its interval lies above 0; transition, crossover or undecided is the rule of notebook "
        "04c_sizes. Overlaps are configurational; 04b_equilibrium has thermal ones.",
        notebook="04_phase",
        figure="fig3",
    )


def minima_claim(phase: Arrays, ablation: Arrays) -> Claim:
    """C3: minima disappear during training, and reading several states of an image in each update trains better than reading one."""
    exact = bool((phase["minima"] >= 0).all())
    counts = phase["minima" if exact else "distinct"].mean(axis=2).astype(np.float64)
    ratio = difference_interval(np.log10(counts[:, -1]), np.log10(counts[:, 0]))
    kept = Interval(*(10**end for end in (ratio.value, ratio.low, ratio.high)))
    what = "minima (exact enumeration)" if exact else "different reads"
    reads = ablation["reads"]
    updates, cost, shared = (more_reads(ablation, way) for way in ("deepest", EQUAL_READS, "all heads"))
    several = f"{reads.max()} reads of an image in an update instead of {reads.min()}"
    return Claim(
        id="C3",
        statement=STATEMENTS["C3"],
        paper_number=None,
        measured=f"fraction of {what} of an image left after training; {counts[:, 0].mean():.3g} before, {counts[:, -1].mean():.3g} after. "
        f"{several} change the validation error by {updates} points at equal updates, {cost} at equal reads; where all heads "
        f"found are cut, and not only the deepest, by {shared} at equal updates",
        **_fields(kept, ""),
        tested="that minima are eliminated, and that finding several states in each update trains better than one: at equal updates, "
        "and no worse at equal reads",
        verdict=_verdict(kept.high < 1 and updates.high < 0 and not cost.low > 0, kept.low > 1 or updates.low > 0),
        remark="Reads: notebook 02c_ablation, of a classical sampler. That an annealer finds several states faster is not testable here.",
        notebook="04_phase",
        figure="fig3",
    )


def scaling_claim(scaling: Arrays) -> Claim:
    """C4: the annealer's exponent exceeds backpropagation's, by 0.23 in the paper."""
    paper = ANNEALER_EXPONENT - BACKPROP_EXPONENT
    common: dict[str, Any] = {
        "id": "C4",
        "statement": STATEMENTS["C4"],
        "paper_number": f"{ANNEALER_EXPONENT} - {BACKPROP_EXPONENT} = {paper:.2f}",
        "tested": "that the annealer's exponent is the larger one: of the training error against epochs, at constant rate, in every window, "
        "and on no other axis and measure the smaller one",
        "notebook": "05_scaling",
        "figure": "fig4",
    }
    against_mlp = scaling["difference_other"] == "mlp"
    main = np.flatnonzero(against_mlp & _is_main(scaling, "difference_") & (scaling["difference_model"] == "power"))
    if not main.size:
        return Claim(
            measured="no power law could be fitted", **_fields(None, ""), verdict="not testable here",
            remark="The runs are too short for a decade and a half of effort.", **common,
        )  # fmt: skip
    fitted = {str(scaling["method"][row]): row for row in np.flatnonzero(_is_main(scaling))}
    exponents = {
        method: Interval(*(float(scaling[name][fitted[method], 0]) for name in ("exponent", "low", "high")))
        for method in ("gibbs", "mlp", "energy")
    }
    difference = Interval(*(float(end) for end in scaling["difference"][main[0]]))
    scanned = scaling["scan_difference"]
    dispersions = ", ".join(f"{scaling['dispersion'][fitted[method], 0]:.1f}" for method in exponents)
    window = f"from {scanned[:, 0].min():+.2f} to {scanned[:, 0].max():+.2f}" if len(scanned) else "not known"
    of_all = scaling["difference"][against_mlp]
    above, below = int((of_all[:, 1] > 0).sum()), int((of_all[:, 2] < 0).sum())
    larger = len(scanned) > 0 and bool((scanned[:, 1] > 0).all())
    not_larger = len(scanned) > 0 and bool((scanned[:, 2] < paper).all()) and difference.low <= 0
    return Claim(
        measured=f"exponents {exponents['gibbs']} (annealer), {exponents['mlp']} (MLP), {exponents['energy']} (energy model, backprop). "
        f"Of {len(of_all)} differences to the MLP over measures, axes and sizes, {above} lie above 0 and {below} below",
        **_fields(difference, ""),
        verdict=_verdict(larger and not below, not_larger and not above),
        remark=f"Axis and measure are our choice. With the window of the fit the difference goes {window}; deviance per degree of "
        f"freedom {dispersions} (1 for a true power law). The annealer is a classical stand-in.",
        **common,
    )


def _is_main(scaling: Arrays, prefix: str = "") -> np.ndarray:
    """Rows of the training error against epochs at the largest size."""
    width, images, measure, axis = (scaling[prefix + name] for name in ("width", "images", "measure", "axis"))
    return of_largest_size(width, images) & (measure == "train") & (axis == "epochs")


def grover_claim(grover: Arrays) -> Claim:
    """C5: amplitude amplification finds a head in p^(-1/2) calls, and training with it gets further in as many calls."""
    power, low, high = (float(value) for value in grover["power_amplified"])
    gain = Interval(-1 / power, -1 / low, -1 / high) if np.isfinite(power) else None
    logs = {name: np.log10(np.maximum(grover[f"budget_{name}_weight"], 1e-12)) for name in ("amplified", "reads")}
    less = difference_interval(logs["amplified"], logs["reads"])
    ratio = Interval(*(10**end for end in (less.value, less.low, less.high)))
    error = difference_interval(100 * grover["budget_amplified_train"], 100 * grover["budget_reads_train"])
    return Claim(
        id="C5",
        statement=STATEMENTS["C5"],
        paper_number="up to 2",
        measured="ratio of the exponents of oracle calls against weight of a head, plain reads over Grover's search. Small networks trained "
        f"with {float(grover['budget']):,.0f} calls: weight of heads left {ratio} times that with plain reads, training error "
        f"minus theirs {error} points",
        **_fields(gain, ""),
        tested="in exact simulation: that one search takes p^(-1/2) calls, and that training by such searches leaves less weight of heads "
        "after as many calls",
        verdict=_verdict(gain is not None and gain.low > 1 and less.high < 0, less.low > 0),
        remark="Without decoherence, the best case; the largest deviation from sin^2((2m+1) theta) is "
        f"{float(grover['largest_error']):.0e}. An amplification step costs two anneals, a plain read one. An exponent of training was not "
        "measured: its doubling is theory for heads that do not regrow. The ratio exceeds 2 by what the schedule for "
        "unknown p saves where p is not yet small.",
        notebook="06_grover",
        figure="fig4",
    )


def active_claim(active: Sequence[Arrays], nearest_mean_error: float) -> Claim:
    """C6: sampling two layers at a time trains deep networks, costs little accuracy and fits a smaller annealer, whatever the depth."""
    common: dict[str, Any] = {
        "id": "C6",
        "statement": STATEMENTS["C6"],
        "paper_number": None,
        "notebook": "07_active_layers",
        "figure": "fig5",
    }
    comparable = [study for study in active if _two_at_a_time(study) is not None]
    if not comparable:
        return Claim(
            measured="no window of two layers beside all layers at once", **_fields(None, ""), tested="nothing",
            verdict="not testable here", remark="Both are needed to compare.", **common,
        )  # fmt: skip
    rows = [_compared(study) for study in comparable]
    supported = all(
        row.difference.high < TOLERATED_DIFFERENCE and row.error.high < nearest_mean_error and row.smaller for row in rows
    )
    contradicted = any(row.difference.low > TOLERATED_DIFFERENCE or row.smaller is False for row in rows)
    backprop = ", ".join(percent(mean_interval(study["mlp_error"][:, -1], FRACTION)) for study in comparable)
    others = "; ".join(f"{row.layers}: {points(row.difference)}, {percent(row.error)}, {row.qubits}" for row in rows[1:])
    first = rows[0]
    return Claim(
        measured=f"test error with {first.label} minus all at once, layers of {first.layers} spins, at equal reads "
        f"({first.anneals[0]:.1f} anneals a read instead of {first.anneals[1]:.1f}); {percent(first.error)} and "
        f"{percent(first.error_at_once)}; {first.qubits}" + (f". Other depths: {others}" if others else ""),
        **_percent_fields(first.difference, "points"),
        tested=f"that at every depth tried 2 layers at a time train the network, cost less than {TOLERATED_DIFFERENCE:.1%} of the images and "
        "take a smaller chip, or fewer of its qubits",
        verdict=_verdict(supported, contradicted),
        remark=f"MLPs of the same layers have {backprop}. Qubits are those of real embeddings, reads those of a classical stand-in.",
        **common,
    )


@dataclass(frozen=True)
class _TwoLayers:
    """Two layers at a time beside all at once. smaller: whether it takes a smaller chip, or less of one; None if neither fits any."""

    layers: str
    label: str
    difference: Interval
    error: Interval
    error_at_once: Interval
    anneals: tuple[float, float]
    smaller: bool | None
    qubits: str


def _two_at_a_time(study: Arrays) -> int | None:
    """Which of a study's ways takes two layers at a time; None if there is none, or nothing to compare it with."""
    narrow = np.flatnonzero(study["width"] == 2)
    if study["width"][0] < len(study["layers"]) or not narrow.size or narrow[0] == 0:
        return None
    return int(narrow[0])


def _compared(study: Arrays) -> _TwoLayers:
    few = _two_at_a_time(study)
    assert few is not None
    errors = study["test_error"][:, :, -1]
    anneals = study["anneals"].mean(axis=1) / study["reads"]
    order = np.argsort(study["chip_qubits"], kind="stable")
    chips, qubits = study["chip"][order], study["qubits"][:, order]
    windows, whole = (np.flatnonzero(qubits[row] > 0) for row in (few, 0))
    smaller: bool | None
    if windows.size and whole.size:
        few_on, whole_on = ((int(fits[0]), int(qubits[row, fits[0]])) for row, fits in ((few, windows), (0, whole)))
        smaller = few_on < whole_on
        told = f"{few_on[1]:,} qubits on {chips[few_on[0]]} instead of {whole_on[1]:,} on {chips[whole_on[0]]}"
    elif windows.size:
        smaller, told = True, f"{qubits[few, windows[0]]:,} qubits on {chips[windows[0]]}, all at once on no chip"
    else:
        smaller, told = (False if whole.size else None), "windows fit no chip"
    return _TwoLayers(
        layers="-".join(map(str, study["layers"])),
        label=str(study["label"][few]),
        difference=difference_interval(errors[few], errors[0]),
        error=mean_interval(errors[few], FRACTION),
        error_at_once=mean_interval(errors[0], FRACTION),
        anneals=(float(anneals[few]), float(anneals[0])),
        smaller=smaller,
        qubits=told,
    )


def points(interval: Interval) -> str:
    """A difference of fractions in percentage points."""
    return f"{Interval(100 * interval.value, 100 * interval.low, 100 * interval.high)} points"


def percent(interval: Interval) -> str:
    """An interval of fractions in per cent."""
    return f"{Interval(100 * interval.value, 100 * interval.low, 100 * interval.high)} %"


def _verdict(supported: bool, contradicted: bool) -> Verdict:
    return "agrees" if supported else "disagrees" if contradicted else "not testable here"


def _fields(interval: Interval | None, unit: str) -> dict[str, Any]:
    if interval is None:
        return {"value": None, "low": None, "high": None, "unit": unit}
    return {"value": interval.value, "low": interval.low, "high": interval.high, "unit": unit}


def _percent_fields(interval: Interval, unit: str = "%") -> dict[str, Any]:
    return _fields(Interval(100 * interval.value, 100 * interval.low, 100 * interval.high), unit)
