"""The rules that make a verdict of what was measured, one function a part of a claim.

What a rule is about, and the rule in words, stand above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from qnn_core.errors import InvalidInput
from qnn_core.powerlaw import fit_power_law
from qnn_core.statistics import PERCENT, Interval, difference_interval, few_runs_interval, mean_interval
from studies.ablation import EQUAL_READS, more_reads
from studies.claims import Claim, Part, Verdict, above, below, together
from studies.grover import RARE, expected_calls
from studies.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT
from studies.speed import CORE_WATTS, MACHINE_WATTS, Race
from studies.stored import Result, stack

Results = Mapping[str, Sequence[Result]]
"""Stored results by study; a study of one result is a sequence of one."""

TOLERATED = 0.5
"""By how many percentage points an error may be higher and still count as no higher."""
ORDERED = 90.0
"""Per cent of the images for which the deepest read has to be exactly the right code in a highly ordered state."""
CRITICAL = 1 / 3
"""Exponent of the susceptibility against spins at the critical point of a mean-field glass; below it in temperature the exponent is 1."""


class NotMeasured(Exception):
    """What a rule needs is not among the results, or the run is too small for it."""


Finding = tuple[Verdict, Interval | None, str, str]
"""The word, the number, a sentence, and its conditions."""
Rule = Callable[[Results], Finding]
PARTS: dict[str, tuple[Part, tuple[str, ...], Rule]] = {}
"""Every part by its id, the studies it reads, and its rule."""


def _part(
    name: str, statement: str, *, uses: str, shown: str, measure: str, unit: str, rule: str, change: str
) -> Callable[[Rule], Rule]:
    def known(judged: Rule) -> Rule:
        PARTS[name] = Part(name, statement, measure, unit, rule, change, *shown.split()), tuple(uses.split()), judged
        return judged

    return known


def judge(name: str, results: Results) -> Claim:
    """The part of this name with its verdict; if the results cannot judge it is undecided, and says why."""
    part, _, rule = PARTS[name]
    try:
        word, number, found, conditions = rule(results)
    except (NotMeasured, InvalidInput) as short:
        word, number, found, conditions = "undecided", None, "the run is too small to tell", f"Not measured: {short}"
    except KeyError as missing:
        word, number, found, conditions = "undecided", None, "not measured in this run", f"The results lack {missing}."
    value, low, high = (number.value, number.low, number.high) if number and np.isfinite(number.value) else (None, None, None)
    return Claim(**asdict(part), verdict=word, value=value, low=low, high=high, found=found, conditions=conditions)


def _interval(result: Result, name: str) -> Interval:
    number = Interval(*result[name].tolist())
    if np.isnan(number.value):
        raise NotMeasured(f"{name} could not be estimated.")
    return number


def _error(runs: Sequence[Result]) -> np.ndarray:
    """Test error at the end, one a seed, per cent."""
    return 100 * stack(runs, "test_mistakes")[:, -1] / runs[0]["num_test"]


def _own(runs: Sequence[Result], name: str) -> np.ndarray:
    """Per cent of all test images, one a seed, of "own_wrong" or "own_exact"."""
    return 100 * stack(runs, name) / stack(runs, "own_images")


def _both_errors(runs: Sequence[Result]) -> str:
    own = f"{mean_interval(_own(runs, 'own_wrong'), PERCENT)} %" if "own_wrong" in runs[0].arrays else "not measured"
    return f"Test error: exported network {mean_interval(_error(runs), PERCENT)} %, the annealer's own answer {own}."


@_part(
    "C1a", "An annealer trains a classical network", uses="annealer mlp", shown="02_training fig2",
    measure="test error of the exported network minus that of an MLP of the same size by backpropagation", unit="points",
    rule=f"reproduced if the interval lies below {TOLERATED} points, not if above.",
    change="an error that stays higher than this for another learning rule, size or data set; reads of a real annealer.",
)  # fmt: skip
def _trains(results: Results) -> Finding:
    runs, mlp = results["annealer"], results["mlp"]
    gap = difference_interval(_error(runs), _error(mlp))
    told = f"{_both_errors(runs)} MLP {mean_interval(_error(mlp), PERCENT)} %. The annealer is a classical stand-in."
    return below(gap, TOLERATED), gap, f"its test error is {_error(runs).mean():.1f} %, an MLP's {_error(mlp).mean():.1f} %", told


@_part(
    "C1b", "The network then runs without the annealer", uses="annealer", shown="02_training fig2",
    measure="test error of the exported network minus that of the annealer's own answer, its deepest of ten reads", unit="points",
    rule=f"reproduced if the exported network answers every test image as the trained one does and the interval lies below {TOLERATED}"
    " points; not if it answers otherwise, or the interval lies above.",
    change="a network whose annealer answers better than its exact minimum over the hidden spins does.",
)  # fmt: skip
def _runs_alone(results: Results) -> Finding:
    runs = results["annealer"]
    different = sum(int(run["export_disagreements"]) for run in runs)
    gap = difference_interval(_error(runs), _own(runs, "own_wrong"))
    found = f"without it the error is {_error(runs).mean():.1f} %, with it {_own(runs, 'own_wrong').mean():.1f} %"
    return "not reproduced" if different else below(gap, TOLERATED), gap, found, (
        f"{_both_errors(runs)} {different} answers differ between the network and its exported module."
    )  # fmt: skip


@_part(
    "C1c", "Training is fast", uses="annealer mlp", shown="summary fig2",
    measure="modelled time of a D-Wave machine over measured time of backpropagation on one core", unit="times",
    rule="not reproduced if the anneals alone, without programming and readout, take longer; depends on programming and readout if only with"
    " them it takes longer; needs a quantum machine if it would be faster by the model, which no stand-in can show.",
    change="a machine that keeps its couplings and is told only new fields; more images side by side; faster readout.",
)  # fmt: skip
def _is_fast(results: Results) -> Finding:
    race = Race.of_runs(results["annealer"][0], results["mlp"])
    if not np.isfinite(race.annealer):
        raise NotMeasured("the network does not fit the chip.")
    whole, alone = race.slower(), race.slower(race.anneals)
    word: Verdict = (
        "not reproduced" if alone.low > 1 else "needs a quantum machine" if whole.high < 1
        else "depends" if whole.low > 1 and alone.high < 1 else "undecided"
    )  # fmt: skip
    energy = whole.value * MACHINE_WATTS / CORE_WATTS
    return word, whole, f"a D-Wave machine would be {whole.value:.0f} times slower than backpropagation on one core", (
        f"Modelled {race.annealer:,.0f} s beside {np.mean(race.backprop):.0f} s measured, and {energy:,.0f} times the energy. A machine "
        f"faster by the ratio of times would win; with the anneals alone the ratio is {alone}. What is assumed stands in the summary's table."
    )  # fmt: skip


@_part(
    "C2a", "Training starts from a spin glass", uses="equilibrium sizes", shown="04b_equilibrium fig3",
    measure="exponent of the spin-glass susceptibility against spins, in equilibrium, untrained, with an image", unit="",
    rule="a glass if the interval lies above 1/3 (the critical point; deep in the glass it is 1), none if below; depends if there is one"
    " without an image only.",
    change="a Binder crossing that moves to zero temperature with size; a start with weaker images.",
)  # fmt: skip
def _starts_as_glass(results: Results) -> Finding:
    image, free = (_interval(_holder(results, name), name) for name in ("glass_exponent", "glass_exponent_no_image"))
    with_image, without = above(image, CRITICAL), above(free, CRITICAL)
    word = "depends" if with_image == "not reproduced" and without == "reproduced" else with_image
    found = f"the susceptibility grows as N^{image.value:.2f} with an image, as N^{free.value:.2f} without"
    return word, image, found, f"Without an image {free}: {without}. What it depends on is the field of the image."


def _holder(results: Results, name: str) -> Result:
    """Of the studies of equilibrium and sizes that one which has an array."""
    both = (*results["equilibrium"], *results["sizes"])
    return next((result for result in both if name in result.arrays), both[0])


@_part(
    "C2b", "Training ends ordered, in the right answer", uses="annealer equilibrium sizes", shown="02_training fig1",
    measure="test images whose deepest read is exactly the code of the right class", unit="%",
    rule=f"reproduced if the interval lies above {ORDERED:g} %, not if below.",
    change="a rule of training that lowers the error and leaves wrong states below the right ones, as completing reads alone does.",
)  # fmt: skip
def _ends_ordered(results: Results) -> Finding:
    exact = mean_interval(_own(results["annealer"], "own_exact"), PERCENT)
    thermal = _holder(results, "order_end")
    ends = [str(Interval(*thermal[name].tolist())) for name in ("order_start", "order_end") if name in thermal.arrays]
    order = f" Overlap with the right answer in equilibrium: from {' to '.join(ends)}." if ends else ""
    return above(exact, ORDERED), exact, f"for {exact.value:.1f} % of the images the deepest read is the right code", (
        f"{_both_errors(results['annealer'])}{order}"
    )  # fmt: skip


@_part(
    "C2c", "It gets there by a phase transition", uses="sizes", shown="04c_sizes fig3",
    measure="exponent of the width of the rise of order against spins", unit="",
    rule="that of notebook 04c, fixed before looking: a transition if the rise narrows with size and the susceptibility's peak grows; a"
    " crossover if it does not; else undecided.",
    change="larger networks, each trained until its order saturates.",
)  # fmt: skip
def _by_transition(results: Results) -> Finding:
    (sizes,) = results["sizes"]
    seen = str(sizes["verdict"])
    words: dict[str, Verdict] = {"transition": "reproduced", "crossover": "not reproduced"}
    narrowing, growth = (Interval(*sizes[name].tolist()) for name in ("narrowing", "growth"))
    peak = f"its peak as N to the {growth}" if np.isfinite(growth.value) else "no peak of the susceptibility was found"
    found = (
        f"with size the rise gets narrower as N^{narrowing.value:.2f}"
        if np.isfinite(narrowing.value)
        else "its width is not known"
    )
    spins = sizes["spins"][sizes["resolved"]] if "resolved" in sizes.arrays else sizes["spins"]
    return (
        words.get(seen, "undecided"),
        narrowing,
        found,
        f"{len(spins)} sizes up to {sizes['spins'].max()} spins: {seen}; {peak}.",
    )


@_part(
    "C3a", "Training eliminates minima", uses="phase", shown="04_phase fig3",
    measure="minima of an image left after training, as a fraction", unit="",
    rule="reproduced if the interval lies below 1, not if above.",
    change="minima that reads do not show: where they cannot be enumerated, different reads stand for them.",
)  # fmt: skip
def _minima_go(results: Results) -> Finding:
    (phase,) = results["phase"]
    exact = bool((phase["minima"] >= 0).all())
    counts = phase["minima" if exact else "distinct"].mean(axis=2).astype(np.float64)
    kept = _power_of_ten(difference_interval(np.log10(counts[:, -1]), np.log10(counts[:, 0])))
    counted = "Minima, by exact enumeration" if exact else "Different reads"
    before, after = counts[:, 0].mean(), counts[:, -1].mean()
    found = f"{kept.value:.0%} of the {'minima' if exact else 'different reads'} are left"
    return below(kept, 1), kept, found, f"{counted}: {before:.3g} an image before, {after:.3g} after."


def _power_of_ten(number: Interval) -> Interval:
    return Interval(*(10**end for end in (number.value, number.low, number.high)))


def _reads_help(results: Results, way: str, per: str) -> Finding:
    (study,) = results["ablation"]
    change = more_reads(study, way)
    most, fewest = study["reads"].max(), study["reads"].min()
    found = f"{most} reads instead of {fewest} change the error by {change.value:+.1f} points {per}"
    return below(change, 0), change, found, f"Validation error, {study['reads_error'].shape[-1]} seeds; the deepest head is cut."


_READS = {
    "uses": "ablation", "shown": "02c_ablation fig3", "unit": "points", "rule": "reproduced if the interval lies below 0, not if above.",
}  # fmt: skip


@_part(
    "C3b", "Several states in an update help, per update", **_READS,
    measure="validation error with the most reads of an image in an update minus that with the fewest, equal updates",
    change="longer training, in which few reads may catch up.",
)  # fmt: skip
def _help_per_update(results: Results) -> Finding:
    return _reads_help(results, "deepest", "at equal updates")


@_part(
    "C3c", "They help per read, too", **_READS,
    measure="the same at equal reads in all, so with fewer updates",
    change="a rate chosen for each number of reads; a machine whose further reads cost nothing.",
)  # fmt: skip
def _help_per_read(results: Results) -> Finding:
    return _reads_help(results, EQUAL_READS, "at equal reads")


@_part(
    "C3d", "A quantum annealer finds several states quickly", uses="ablation", shown="02c_ablation fig3",
    measure="different heads found in an untrained network, a quantum annealer over block Gibbs, at equal reads; without one, the heads that "
    "block Gibbs finds", unit="",
    rule="with reads of a machine (a searcher `qpu`): reproduced if their ratio's interval lies above 1, not if below; without: needs a quantum"
    " machine.",
    change="a run of notebook 02c with the searcher `qpu`.",
)  # fmt: skip
def _finds_several(results: Results) -> Finding:
    (study,) = results["ablation"]
    heads = dict(zip(study["searcher"].tolist(), study["distinct_heads"][:, :, 0], strict=True))
    if "qpu" in heads:
        ratio = _power_of_ten(difference_interval(np.log10(heads["qpu"]), np.log10(heads["gibbs"])))
        return above(ratio, 1), ratio, f"it finds {ratio.value:.2f} times as many as block Gibbs", "Equal reads."
    number = mean_interval(heads["gibbs"])
    others = ", ".join(f"{name} {values.mean():.1f}" for name, values in heads.items())
    return "needs a quantum machine", number, f"a classical annealer finds {number.value:.1f} different heads of an image", (
        f"Means by searcher: {others}. How a quantum annealer's reads are spread cannot be told from these."
    )  # fmt: skip


@_part(
    "C4", "The annealer's exponent is larger than backpropagation's", uses="cloud", shown="05c_cloud fig4",
    measure="part of the plausible choices for which the annealer's exponent is the larger one, each counted alike", unit="%",
    rule="reproduced if the interval lies above 95 %, not reproduced if below 5 %, depends if neither and the 95 % interval of the difference"
    " lies above 0 for some choices and below for others; undecided otherwise.",
    change="the measure and the axis of the paper, which its abstract does not name.",
)  # fmt: skip
def _exponent_larger(results: Results) -> Finding:
    (cloud,) = results["cloud"]
    part, known = _interval(cloud, "fraction_above"), int(cloud["known"].sum())
    differences, factor = cloud["difference"][cloud["known"]], str(cloud["largest_factor"])
    larger, smaller = int((differences[:, 1] > 0).sum()), int((differences[:, 2] < 0).sum())
    word: Verdict = "reproduced" if part.low > 0.95 else "not reproduced" if part.high < 0.05 else "undecided"
    if word == "undecided" and larger and smaller:
        word = "depends"
    share = float(cloud["share_difference"].max())
    lies = "lies" if cloud["in_hull"] else "does not lie"
    number = Interval(100 * part.value, 100 * part.low, 100 * part.high)
    return word, number, f"it is for {part.value:.0%} of {known:,} choices; most depends on the {factor}", (
        f"Of {len(cloud['known']):,} choices, {known:,} can be fitted: certainly larger for {larger:,}, certainly smaller for {smaller:,}. The "
        f"{factor} explains {share:.0%} of the variance of the difference. The paper's pair {BACKPROP_EXPONENT}, {ANNEALER_EXPONENT} {lies} "
        f"within the cloud; intervals of {int(cloud['reached'].sum()):,} choices hold it. The annealer is a classical stand-in."
    )  # fmt: skip


@_part(
    "C5a", "A coherent machine searches quadratically faster", uses="grover", shown="06_grover fig4",
    measure="exponent of calls against a head's weight, plain reads over Grover's search, heads of weight below 0.03", unit="",
    rule="reproduced if it is within 0.02 of the search schedule's own expectation at the same weights, and that expectation within 0.02 of 2"
    " for weights from 1e-10 to 1e-5; not reproduced otherwise.",
    change="decoherence, which this exact simulation has none of.",
)  # fmt: skip
def _searches_faster(results: Results) -> Finding:
    (grover,) = results["grover"]
    power = _interval(grover, "power_amplified")
    gain = Interval(-1 / power.value, -1 / power.low, -1 / power.high)
    rare = grover["found"][grover["found"] < RARE]
    expected, limit = (_slope(weights) for weights in (rare, np.logspace(-10, -5, 200)))
    agrees = gain.low - 0.02 < expected < gain.high + 0.02 and abs(gain.value - expected) < 0.02 and abs(limit - 2) < 0.02
    found = f"plain reads' exponent is {gain.value:.2f} times that of Grover's search; expected {expected:.2f}"
    return "reproduced" if agrees else "not reproduced", gain, found, (
        f"For rare heads, weights from 1e-10 to 1e-5, the schedule expects {limit:.3f}. Exact simulation without decoherence; an amplification"
        " step takes two anneals, a plain read one."
    )  # fmt: skip


def _slope(weights: np.ndarray) -> float:
    """-1 over the exponent of expected calls against weight."""
    return float(-1 / np.polyfit(np.log(weights), np.log(expected_calls(weights)), 1)[0])


@_part(
    "C5b", "Training by such searches gains", uses="grover", shown="06_grover fig4",
    measure="weight of heads left after equal calls, over that with plain reads", unit="times",
    rule="for the weight of heads and for the training error: reproduced if the interval of both is lower than with plain reads, not if of both"
    " higher, depends on the measure if only one is lower.",
    change="larger networks than can be simulated exactly.",
)  # fmt: skip
def _training_gains(results: Results) -> Finding:
    (grover,) = results["grover"]
    logs = [np.log10(np.maximum(grover[f"budget_{name}_weight"], 1e-12)) for name in ("amplified", "reads")]
    ratio = _power_of_ten(difference_interval(*logs))
    error = difference_interval(100 * grover["budget_amplified_train"], 100 * grover["budget_reads_train"])
    words = (below(ratio, 1), below(error, 0))
    word = "depends" if words[0] != words[1] and "reproduced" in words else together(words)
    return word, ratio, f"{ratio.value:.2f} times the weight of heads is left", (
        f"Training error minus that with plain reads: {error} points, {words[1]}. {float(grover['budget']):,.0f} calls."
    )  # fmt: skip


@_part(
    "C5c", "The exponent rises by up to a factor of 2", uses="grover", shown="06_grover fig4",
    measure="exponent of the training error against calls, Grover's search over plain reads", unit="times",
    rule="reproduced if the interval lies above 1 and reaches down to 2 or less; not if it lies below 1 or above 2; else undecided.",
    change="more seeds, a longer training, networks whose heads are rare from the start.",
)  # fmt: skip
def _exponent_rises(results: Results) -> Finding:
    (grover,) = results["grover"]
    images = int(grover["num_train"])
    fits = {}
    for name in ("reads", "amplified"):
        counts = np.rint(grover[f"training_{name}_train"] * images).astype(np.int64)
        fits[name] = fit_power_law(grover[f"training_{name}_calls"], counts, images)
    ratios = fits["amplified"].samples / fits["reads"].samples
    ratio = few_runs_interval(fits["amplified"].exponent / fits["reads"].exponent, ratios.std(), fits["reads"].runs)
    word: Verdict = "not reproduced" if ratio.high < 1 or ratio.low > 2 else "reproduced" if ratio.low > 1 else "undecided"
    return word, ratio, f"the measured exponent of training is {ratio.value:.2f} times that of plain reads", (
        f"Exponents {fits['amplified'].interval} and {fits['reads'].interval}; small networks, exact simulation."
    )  # fmt: skip


def _windows(results: Results) -> list[tuple[Result, int]]:
    """The deep networks that were trained two layers at a time and all at once, and which of their ways takes two."""
    found = [(study, np.flatnonzero(study["width"] == 2)) for study in results["active"]]
    usable = [
        (study, int(ways[0])) for study, ways in found if ways.size and ways[0] and study["width"][0] >= len(study["layers"])
    ]
    if not usable:
        raise NotMeasured("no network was trained both two layers at a time and all at once.")
    return usable


_AT_EVERY_DEPTH = f"""reproduced if at every depth the interval lies below {TOLERATED} points, not if at every depth above, depends on the \
depth if both occur."""


def _each_depth(studies: Iterable[tuple[Result, Interval]]) -> tuple[Verdict, Interval, str]:
    """The word for all depths, the number of the worst one, and all of them told."""
    known = list(studies)
    told = ", ".join(f"{number} for layers of {'-'.join(map(str, study['layers']))}" for study, number in known)
    numbers = [number for _, number in known]
    return together(below(number, TOLERATED) for number in numbers), max(numbers, key=lambda one: one.value), told


def _final(errors: np.ndarray) -> np.ndarray:
    return 100 * errors[:, -1]


@_part(
    "C6a", "Two layers at a time train a network of each depth", uses="active", shown="07_active_layers fig5",
    measure="test error minus that of an MLP of the same layers, the worst depth", unit="points",
    rule=_AT_EVERY_DEPTH,
    change="longer training of the deepest networks.",
)  # fmt: skip
def _deep_trains(results: Results) -> Finding:
    gaps = [
        (study, difference_interval(_final(study["test_error"][way]), _final(study["mlp_error"])))
        for study, way in _windows(results)
    ]
    word, worst, told = _each_depth(gaps)
    errors = ", ".join(f"{mean_interval(_final(study['test_error'][way]), PERCENT)} %" for study, way in _windows(results))
    return word, worst, f"at worst its error is {worst.value:+.1f} points off an MLP's", f"Points: {told}. Errors: {errors}."


@_part(
    "C6b", "That costs less than half a point", uses="active", shown="07_active_layers fig5",
    measure="test error two layers at a time minus all at once, at equal reads, the worst depth", unit="points",
    rule=_AT_EVERY_DEPTH,
    change="more seeds; equal machine time instead of equal reads.",
)  # fmt: skip
def _windows_cost(results: Results) -> Finding:
    finals = [(study, _final(study["test_error"][way]), _final(study["test_error"][0])) for study, way in _windows(results)]
    word, worst, told = _each_depth((study, difference_interval(few, whole)) for study, few, whole in finals)
    anneals = ", ".join(
        f"{study['anneals'][way].mean() / study['reads'][way]:.1f} instead of {study['anneals'][0].mean() / study['reads'][0]:.1f}"
        for study, way in _windows(results)
    )
    return (
        word,
        worst,
        f"at worst it changes the error by {worst.value:+.1f} points",
        f"Points: {told}. Anneals a read: {anneals}.",
    )


@_part(
    "C6c", "And fits a smaller chip", uses="active", shown="07_active_layers fig5",
    measure="qubits of two layers at a time over those of all at once, the worst depth that both fit", unit="times",
    rule="reproduced if at every depth two layers take a smaller chip, or fewer qubits of the smallest chip that both fit; not if at none.",
    change="embeddings that need fewer qubits for the whole network.",
)  # fmt: skip
def _fits_smaller(results: Results) -> Finding:
    words: list[Verdict] = []
    ratios, told = [], []
    for study, way in _windows(results):
        few, whole, room = study["qubits"][way], study["qubits"][0], study["chip_qubits"]
        both = np.flatnonzero((few > 0) & (whole > 0))
        if both.size:
            chip = both[room[both].argmin()]
            ratios.append(few[chip] / whole[chip])
            seconds = study["qpu_seconds"][:, chip]
            told.append(
                f"{few[chip]:,} instead of {whole[chip]:,} on {study['chip'][chip]}, {seconds[way]:.2g} s a batch instead of {seconds[0]:.2g}"
            )
        # The smallest chip that each fits, and the qubits on it.
        least, needed = (
            min(zip(room[qubits > 0], qubits[qubits > 0], strict=True), default=(np.inf, 0)) for qubits in (few, whole)
        )
        words.append("reproduced" if least < needed else "undecided" if np.isinf(least[0]) else "not reproduced")
    worst = Interval(*[float(max(ratios))] * 3) if ratios else None
    found = f"at worst it takes {worst.value:.0%} of the qubits" if worst else "no chip takes all layers at once"
    return (
        together(words),
        worst,
        found,
        f"Qubits, by real embeddings without error bars: {'; '.join(told) or 'no chip takes both'}. The time is modelled.",
    )
