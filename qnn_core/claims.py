"""The table of claims: what the paper says, what was measured here, and a verdict computed from the two.

Verdicts are computed, never written by hand:
"agrees": the measurement supports what was tested of the claim, its 95 % interval included;
"disagrees": its interval excludes what the claim says;
"not testable here": nothing was measured that could decide, or the interval allows both.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from qnn_core.errors import MissingData
from qnn_core.files import in_project, read_record, relative
from qnn_core.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT, STATEMENTS
from qnn_core.results import Result, stack
from qnn_core.statistics import Interval, difference_interval, mean_interval

Verdict = Literal["agrees", "disagrees", "not testable here"]

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
    sampler_kind: str
    runtime: float


def training_claim(annealer: list[Result], mlp: list[Result], nearest_mean_error: float) -> Claim:
    """C1: the exported network, which needs no annealer, works."""
    error = mean_interval(stack(annealer, "test_mistakes")[:, -1] / annealer[0]["num_test"])
    baseline = mean_interval(stack(mlp, "test_mistakes")[:, -1] / mlp[0]["num_test"])
    disagreements = int(stack(annealer, "export_disagreements").sum())
    works = disagreements == 0 and error.high < nearest_mean_error
    return Claim(
        id="C1",
        statement=STATEMENTS["C1"],
        paper_number=None,
        measured=f"test error of the exported network; an MLP of the same size trained by backpropagation has {percent(baseline)}",
        **_percent_fields(error),
        tested="that a network trained from an annealer's reads works without one, better than the nearest class mean",
        verdict="agrees" if works else "disagrees",
        remark=f"{disagreements} answers differ between network and exported module. The speed of a quantum annealer is not testable here.",
        notebook="02_training",
        figure="fig2",
        **_made_by(annealer),
    )


def phase_claim(phase: Result, sizes: Result) -> Claim:
    """C2: overlaps rise from the random to the trained network, and the rise sharpens with size."""
    overlaps = phase["q_ea"].mean(axis=2)
    change = difference_interval(overlaps[:, -1], overlaps[:, 0])
    before, after = mean_interval(overlaps[:, 0]), mean_interval(overlaps[:, -1])
    width, peak = (Interval(*(float(end) for end in sizes[name])) for name in ("narrowing", "growth"))
    smallest, *_, largest = sizes["spins"]
    found = str(sizes["verdict"])
    return Claim(
        id="C2",
        statement=STATEMENTS["C2"],
        paper_number=None,
        measured=f"rise of the Edwards-Anderson order parameter, from {before} to {after}. From {smallest} to {largest} spins the width of "
        f"the rise goes as N to the {width}, the largest susceptibility as N to the {peak}: {found}",
        **_fields(change, ""),
        tested="that order rises during training, and that the rise sharpens with size as a transition does",
        verdict=_verdict(change.low > 0 and found == "transition", change.high < 0 or found == "crossover"),
        remark="That order rises is certain if its interval lies above 0; transition, crossover or undecided is the rule of notebook "
        "04c_sizes. Overlaps are configurational; 04b_equilibrium has thermal ones.",
        notebook="04_phase",
        figure="fig3",
        **_made_by([phase, sizes]),
    )


def minima_claim(phase: Result, ablation: Result) -> Claim:
    """C3: minima disappear during training, and reading several states of an image in each update trains better than reading one."""
    exact = bool((phase["minima"] >= 0).all())
    counts = phase["minima" if exact else "distinct"].mean(axis=2).astype(np.float64)
    ratio = difference_interval(np.log10(counts[:, -1]), np.log10(counts[:, 0]))
    kept = Interval(*(10**end for end in (ratio.value, ratio.low, ratio.high)))
    what = "minima (exact enumeration)" if exact else "different reads"
    reads = ablation["reads"]
    updates, cost = (_more_reads(ablation, way) for way in ("deepest", "deepest, equal reads"))
    several = f"{reads.max()} reads of an image in an update instead of {reads.min()}"
    return Claim(
        id="C3",
        statement=STATEMENTS["C3"],
        paper_number=None,
        measured=f"fraction of {what} of an image left after training; {counts[:, 0].mean():.3g} before, {counts[:, -1].mean():.3g} after. "
        f"{several} change the validation error by {updates} points at equal updates, {cost} at equal reads",
        **_fields(kept, ""),
        tested="that minima are eliminated, and that finding several states in each update trains better than one, at equal updates",
        verdict=_verdict(kept.high < 1 and updates.high < 0, kept.low > 1 or updates.low > 0),
        remark="Reads: notebook 02c_ablation. More updates with one read each cost as much as fewer with many; which is better is the "
        "comparison at equal reads.",
        notebook="04_phase",
        figure="fig3",
        **_made_by([phase, ablation]),
    )


def _more_reads(ablation: Result, way: str) -> Interval:
    """Change of the validation error, in points, from the fewest to the most reads an update."""
    errors = ablation["reads_error"][list(ablation["way"]).index(way)]
    return difference_interval(errors[ablation["reads"].argmax()], errors[ablation["reads"].argmin()])


def scaling_claim(scaling: Result) -> Claim:
    """C4: the annealer's exponent exceeds backpropagation's, by 0.23 in the paper."""
    paper = ANNEALER_EXPONENT - BACKPROP_EXPONENT
    common: dict[str, Any] = {
        "id": "C4",
        "statement": STATEMENTS["C4"],
        "paper_number": f"{ANNEALER_EXPONENT} - {BACKPROP_EXPONENT} = {paper:.2f}",
        "tested": "the difference of exponents of the training error against epochs, annealer minus MLP, at constant rate, over every window",
        "notebook": "05_scaling",
        "figure": "fig4",
        **_made_by([scaling]),
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
    scanned = scaling["scan_difference"][:, 0]
    steady = len(scanned) > 0 and bool((scanned > 0).all() or (scanned < 0).all())
    matches = difference.low <= paper <= difference.high
    dispersions = ", ".join(f"{scaling['dispersion'][fitted[method], 0]:.1f}" for method in exponents)
    window = f"from {scanned.min():+.2f} to {scanned.max():+.2f}" if len(scanned) else "not known"
    of_all = scaling["difference"][against_mlp]
    signs = f"{(of_all[:, 1] > 0).sum()} lie above 0 and {(of_all[:, 2] < 0).sum()} below"
    return Claim(
        measured=f"exponents {exponents['gibbs']} (annealer), {exponents['mlp']} (MLP), {exponents['energy']} (energy model, backprop). "
        f"Of {len(of_all)} differences to the MLP over measures, axes and sizes, {signs}",
        **_fields(difference, ""),
        verdict=_verdict(steady and matches and difference.low > 0, steady and not matches),
        remark=f"Axis and measure are our choice. With the window of the fit the difference goes {window}; deviance per degree of "
        f"freedom {dispersions} (1 for a true power law). The annealer is a classical stand-in.",
        **common,
    )


def _is_main(scaling: Result, prefix: str = "") -> np.ndarray:
    """Rows of the training error against epochs at the largest width and, at it, the largest training set."""
    width, images = (scaling[prefix + name] for name in ("width", "images"))
    widest = width == width.max(initial=0)
    largest = widest & (images == images[widest].max(initial=0))
    return largest & (scaling[prefix + "measure"] == "train") & (scaling[prefix + "axis"] == "epochs")


def grover_claim(grover: Result) -> Claim:
    """C5: amplitude amplification finds a head in p^(-1/2) calls, and training with it gets further in as many calls."""
    power, low, high = (float(value) for value in grover["power_amplified"])
    gain = Interval(-1 / power, -1 / low, -1 / high) if np.isfinite(power) else None
    logs = {name: np.log10(np.maximum(grover[f"budget_{name}_weight"], 1e-12)) for name in ("amplified", "reads")}
    less = difference_interval(logs["amplified"], logs["reads"])
    ratio = Interval(*(10**end for end in (less.value, less.low, less.high)))
    return Claim(
        id="C5",
        statement=STATEMENTS["C5"],
        paper_number="up to 2",
        measured="ratio of the exponents of oracle calls against weight of a head, plain reads over Grover's search. Small networks trained "
        f"with {float(grover['budget']):,.0f} calls: weight of heads left {ratio} times that with plain reads",
        **_fields(gain, ""),
        tested="in exact simulation: that one search takes p^(-1/2) calls, and that training by such searches gets further in as many calls",
        verdict=_verdict(gain is not None and gain.low > 1 and less.high < 0, less.low > 0),
        remark="Without decoherence, the best case; the largest deviation from sin^2((2m+1) theta) is "
        f"{float(grover['largest_error']):.0e}. An amplification step costs two anneals, a plain read one. An exponent of training was not "
        "measured: its doubling is theory for heads that do not regrow.",
        notebook="06_grover",
        figure="fig4",
        **_made_by([grover]),
    )


def active_claim(active: list[Result]) -> Claim:
    """C6: sampling two layers at a time costs little accuracy and fits a smaller annealer; judged by the first of the networks."""
    study = active[0]
    layers = "-".join(map(str, study["layers"]))
    common: dict[str, Any] = {
        "id": "C6",
        "statement": STATEMENTS["C6"],
        "paper_number": None,
        "notebook": "07_active_layers",
        "figure": "fig5",
        **_made_by(active),
    }
    narrow = np.flatnonzero(study["width"] == 2)
    if study["width"][0] < len(study["layers"]) or not narrow.size or narrow[0] == 0:
        return Claim(
            measured="no window of two layers beside all layers at once", **_fields(None, ""), tested="nothing",
            verdict="not testable here", remark="Both are needed to compare.", **common,
        )  # fmt: skip
    few = int(narrow[0])
    errors = study["test_error"][:, :, -1]
    anneals = study["anneals"].mean(axis=1) / study["reads"]
    difference = difference_interval(errors[few], errors[0])
    chip, qubits = _smallest_common_chip(study, few)
    smaller = qubits is None or qubits[0] < qubits[1]
    told = "neither fits any chip" if qubits is None else f"{qubits[0]:,} qubits instead of {qubits[1]:,} on {chip}"
    return Claim(
        measured=f"test error with {study['label'][few]} minus {study['label'][0]}, network {layers}, at equal reads "
        f"({anneals[few]:.1f} anneals a read instead of {anneals[0]:.1f}); {percent(mean_interval(errors[few]))} and "
        f"{percent(mean_interval(errors[0]))}; {told}",
        **_percent_fields(difference),
        tested=f"that 2 layers at a time cost less than {TOLERATED_DIFFERENCE:.1%} of the images and take fewer qubits",
        verdict=_verdict(
            smaller and qubits is not None and difference.high < TOLERATED_DIFFERENCE,
            not smaller or difference.low > TOLERATED_DIFFERENCE,
        ),
        remark=f"At most {study['spins'][few]} spins are sampled at once instead of {study['spins'][0]}. An MLP of the same layers has "
        f"{percent(mean_interval(study['mlp_error'][:, -1]))}. Qubits are those of real embeddings, reads those of a classical stand-in.",
        **common,
    )


def _smallest_common_chip(study: Result, few: int) -> tuple[str, tuple[int, int] | None]:
    """The smallest chip that holds both, by its name, and the qubits of either; None if there is none."""
    for chip in np.argsort(study["chip_qubits"], kind="stable"):
        found = study["qubits"][[few, 0], chip]
        if (found > 0).all():
            return str(study["chip"][chip]), (int(found[0]), int(found[1]))
    return "", None


def percent(interval: Interval) -> str:
    """An interval of fractions in per cent."""
    return f"{Interval(100 * interval.value, 100 * interval.low, 100 * interval.high)} %"


def measured_number(claim: Claim) -> str:
    if claim.value is None or claim.low is None or claim.high is None:
        return "not measured"
    return f"{Interval(claim.value, claim.low, claim.high)} {claim.unit}".strip()


def as_content(profile: str, claims: list[Claim], provenance: dict[str, Any]) -> dict[str, Any]:
    """What is stored in claims.json, by `qnn_core.files.write_record`."""
    return {"profile": profile, "claims": [asdict(claim) for claim in claims], "provenance": provenance}


def load_claims(path: str) -> list[Claim]:
    """The claims of a stored claims.json."""
    file = in_project(path)
    if not file.is_file():
        raise MissingData(f"{relative(file)} does not exist; ./run_all.sh makes it.")
    content = read_record(file, "delete it and run again")
    return [Claim(**claim) for claim in content["claims"]]


def _verdict(supported: bool, contradicted: bool) -> Verdict:
    return "agrees" if supported else "disagrees" if contradicted else "not testable here"


def _fields(interval: Interval | None, unit: str) -> dict[str, Any]:
    if interval is None:
        return {"value": None, "low": None, "high": None, "unit": unit}
    return {"value": interval.value, "low": interval.low, "high": interval.high, "unit": unit}


def _percent_fields(interval: Interval) -> dict[str, Any]:
    return _fields(Interval(100 * interval.value, 100 * interval.low, 100 * interval.high), "%")


def _made_by(results: list[Result]) -> dict[str, Any]:
    kinds = sorted({result.provenance["sampler_kind"] for result in results})
    return {
        "sampler_kind": "; ".join(kinds) if len(kinds) < 2 else ", ".join(sorted({kind.split(", ")[0] for kind in kinds})),
        "runtime": round(sum(result.provenance["seconds"] for result in results), 1),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the table of claims of a profile: python -m qnn_core.claims [--profile quick]."""
    parser = argparse.ArgumentParser(prog="python -m qnn_core.claims", description="Print the claims table of a profile.")
    parser.add_argument("--profile", default="quick")
    profile = parser.parse_args(arguments).profile
    try:
        claims = load_claims(f"data/results/{profile}/claims.json")
    except MissingData as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"{'':4}{'paper':<20}{'measured, 95 % interval':<28}{'verdict':<20}{'notebook':<18}figure")
    for claim in claims:
        number = measured_number(claim)
        print(f"{claim.id:4}{claim.paper_number or '-':<20}{number:<28}{claim.verdict:<20}{claim.notebook:<18}{claim.figure}")
        print(f"{'':4}tested: {claim.tested}")
        print(f"{'':4}by: {claim.sampler_kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
