"""The rules that turn measurements into verdicts: one function for each part of a claim.

The decorator above each function says what is judged, what is measured, and the rule in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from qnn_core.errors import InvalidInput
from qnn_core.powerlaw import fit_power_law
from qnn_core.statistics import PERCENT, Interval, difference_interval, few_runs_interval, mean_interval, ratio_interval
from studies.ablation import EQUAL_READS, more_reads
from studies.claims import Claim, Part, Verdict, above, below, together
from studies.grover import RARE, expected_calls
from studies.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT
from studies.speed import CORE_WATTS, MACHINE_WATTS, Race
from studies.stored import Result, layers_of, stack

Results = Mapping[str, Sequence[Result]]
"""Stored results by the name of their study; a study with a single result is a sequence of one."""

TOLERATED = 0.5
"""An error counts as no higher if it is higher by less than this many percentage points."""
ORDERED = 90.0
"""A state counts as highly ordered if the deepest read is exactly the right code for more than this percentage of images."""
CRITICAL = 1 / 3
"""The spin-glass susceptibility of a mean-field glass grows as N^(1/3) at the critical temperature, and as N deep in the glass."""


class NotMeasured(Exception):
    """A rule needs something that the results lack, or the run is too small."""


Finding = tuple[Verdict, Interval | None, str, str]
"""The verdict, the number, what was found in one sentence, and the conditions."""
Rule = Callable[[Results], Finding]
PARTS: dict[str, tuple[Part, tuple[str, ...], Rule]] = {}
"""By id: the part, the studies that its rule reads, and the rule."""


def _part(name: str, statement: str, *, uses: str, shown: str, **told: str) -> Callable[[Rule], Rule]:
    def known(judged: Rule) -> Rule:
        notebook, _, figure = shown.partition(" ")
        PARTS[name] = Part(name, statement, notebook=notebook, figure=figure, **told), tuple(uses.split()), judged
        return judged

    return known


def judge(name: str, results: Results) -> Claim:
    """The part with this id and its verdict. It is undecided, and says why, where the results are not enough to judge."""
    part, _, rule = PARTS[name]
    try:
        word, number, found, conditions = rule(results)
    except (NotMeasured, InvalidInput) as short:
        word, number, found, conditions = "undecided", None, "this run is too small to tell", f"Not measured: {short}"
    except KeyError as missing:
        word, number, found, conditions = "undecided", None, "this run did not measure it", f"The results lack {missing}."
    value, low, high = (number.value, number.low, number.high) if number and np.isfinite(number.value) else (None, None, None)
    return Claim(**asdict(part), verdict=word, value=value, low=low, high=high, found=found, conditions=conditions)


def _interval(result: Result, name: str) -> Interval:
    number = Interval(*result[name].tolist())
    if np.isnan(number.value):
        raise NotMeasured(f"{name} could not be estimated.")
    return number


def _error(runs: Sequence[Result]) -> np.ndarray:
    """Final test error in per cent, one value per seed."""
    return 100 * stack(runs, "test_mistakes")[:, -1] / runs[0]["num_test"]


def _beside(points: float, above: str = "above", below: str = "below") -> str:
    """A difference of errors in words: "0.8 points below"."""
    return f"{abs(points):.1f} points {below if points < 0 else above}"


def _own(runs: Sequence[Result], name: str) -> np.ndarray:
    """Percentage of all test images that count as "own_wrong" or "own_exact", one value per seed."""
    return 100 * stack(runs, name) / stack(runs, "own_images")


def _both_errors(runs: Sequence[Result]) -> str:
    network, own = (mean_interval(errors, PERCENT) for errors in (_error(runs), _own(runs, "own_wrong")))
    return f"Test error of the exported network: {network} %; of the annealer's own answer: {own} %."


@_part(
    "C1a", "An annealer can train a classical network", uses="annealer mlp", shown="02_training fig2",
    measure="test error of the exported network minus that of an MLP of the same size trained by backpropagation", unit="points",
    rule=f"reproduced if the whole interval is below {TOLERATED} points, not reproduced if it is above.",
    change="a learning rule, size or data set for which the difference is clearly on the other side of that limit; reads of a real annealer.",
)  # fmt: skip
def _trains(results: Results) -> Finding:
    runs, mlp = results["annealer"], results["mlp"]
    gap = difference_interval(_error(runs), _error(mlp))
    return below(gap, TOLERATED), gap, f"its network's test error is {_beside(gap.value)} that of an MLP", (
        f"{_both_errors(runs)} MLP: {mean_interval(_error(mlp), PERCENT)} %. A classical annealer stands in for the quantum one."
    )  # fmt: skip


@_part(
    "C1b", "The trained network runs without the annealer", uses="annealer", shown="02_training fig2",
    measure="test error of the exported network minus that of the annealer's own answer, its deepest of ten reads", unit="points",
    rule=f"reproduced if the exported network gives every test image the same answer as the trained one and the whole interval is"
    f" below {TOLERATED} points; not reproduced if an answer differs or the whole interval is above.",
    change="a network that answers better through the annealer than through the exact minimum over its hidden spins.",
)  # fmt: skip
def _runs_alone(results: Results) -> Finding:
    runs = results["annealer"]
    different = sum(int(run["export_disagreements"]) for run in runs)
    gap = difference_interval(_error(runs), _own(runs, "own_wrong"))
    found = f"without the annealer, the test error is {_beside(gap.value, 'higher', 'lower')} than with it"
    return "not reproduced" if different else below(gap, TOLERATED), gap, found, (
        f"{_both_errors(runs)} The exported module answers {different} images differently from the trained network."
    )  # fmt: skip


@_part(
    "C1c", "Training with an annealer is fast", uses="annealer mlp", shown="summary fig2",
    measure="modelled training time on a D-Wave machine, divided by the measured time of backpropagation on one core", unit="times",
    rule="not reproduced if the anneals alone already take longer than backpropagation; depends on programming and readout if the machine is"
    " slower only because of them; needs a quantum machine if the model makes it faster, since no stand-in can confirm that.",
    change="a machine that keeps its couplings and only receives new fields; more images side by side; faster readout.",
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
    found = f"a D-Wave machine would take {whole.value:.3g} times as long as backpropagation on one core"
    if alone.low <= 1 <= alone.high:
        found += "; its anneals alone would take about as long as backpropagation"
    return word, whole, found, (
        f"Modelled: {race.annealer:,.0f} s on the machine, against {np.mean(race.backprop):.0f} s measured on the core, and {energy:,.0f} times"
        f" the energy. With the anneals alone, without programming and readout, the ratio is {alone}. The summary lists what the model assumes."
    )  # fmt: skip


@_part(
    "C2a", "Training starts from a spin glass", uses="equilibrium", shown="04b_equilibrium fig3",
    measure="exponent of the spin-glass susceptibility against the number of spins: untrained networks in equilibrium, with an image", unit="",
    rule="reproduced if the whole interval is above 1/3 (the exponent at the critical point; deep in a glass it is 1), not reproduced if below;"
    " depends on the image if there is a glass without one but not with one.",
    change="a Binder crossing that moves to zero temperature as networks grow; a start at which images are weaker.",
)  # fmt: skip
def _starts_as_glass(results: Results) -> Finding:
    image, free = (_interval(results["equilibrium"][0], name) for name in ("glass_exponent", "glass_exponent_no_image"))
    with_image, without = above(image, CRITICAL), above(free, CRITICAL)
    word = "depends" if with_image == "not reproduced" and without == "reproduced" else with_image
    found = f"in a network of twice the size, spins fluctuate together {2**image.value:.2f} times as strongly"
    return word, image, found, (
        f"Without an image the exponent is {free}: {without}. For twice the size that is a factor of {2**image.value:.2f} with an image and of"
        f" {2**free.value:.2f} without; it is {2**CRITICAL:.2f} at the critical point, 2 deep in a glass, and 1 without a glass."
    )  # fmt: skip


@_part(
    "C2b", "Training ends in a highly ordered state", uses="annealer equilibrium", shown="02_training fig1",
    measure="share of test images whose deepest read is exactly the code of the right class", unit="%",
    rule=f"reproduced if the whole interval is above {ORDERED:g} %, not reproduced if it is below.",
    change="a learning rule that lowers the error but leaves wrong states below the right ones, as cutting completed reads alone does.",
)  # fmt: skip
def _ends_ordered(results: Results) -> Finding:
    exact = mean_interval(_own(results["annealer"], "own_exact"), PERCENT)
    start, end = (_interval(results["equilibrium"][0], name) for name in ("order_start", "order_end"))
    return above(exact, ORDERED), exact, f"for {exact.value:.1f} % of the test images the deepest read is exactly the right code", (
        f"{_both_errors(results['annealer'])} In equilibrium the overlap with the right answer rises from {start} to {end}."
    )  # fmt: skip


@_part(
    "C2c", "Training is a phase transition", uses="sizes", shown="04c_sizes fig3",
    measure="exponent of the width of the rise in order against the number of spins", unit="",
    rule="that of notebook 04c, fixed before the study was run: reproduced (a transition) if the rise narrows with size, the peak of the"
    " susceptibility grows and the curves collapse; not reproduced (a crossover) if it does not narrow or the peak shrinks; else undecided.",
    change="larger networks, each trained until its order saturates.",
)  # fmt: skip
def _by_transition(results: Results) -> Finding:
    (sizes,) = results["sizes"]
    seen, most = str(sizes["verdict"]), sizes["spins"].max()
    words: dict[str, Verdict] = {"transition": "reproduced", "crossover": "not reproduced"}
    narrowing, growth = (Interval(*sizes[name].tolist()) for name in ("narrowing", "growth"))
    peak = f"grows as N to the {growth}" if np.isfinite(growth.value) else "was not found"
    found = "the width of the rise in order could not be measured"
    if np.isfinite(narrowing.value):
        found = f"in a network of twice the size, the rise in order is {2**narrowing.value:.2f} times as wide"
    return words.get(seen, "undecided"), narrowing, found, (
        f"{sizes['resolved'].sum()} sizes, the largest of {most} spins: {seen}. The peak of the susceptibility {peak}."
    )  # fmt: skip


@_part(
    "C3a", "Training eliminates undesired minima", uses="phase", shown="04_phase fig3",
    measure="fraction of an image's minima that are left after training", unit="",
    rule="reproduced if the whole interval is below 1, not reproduced if it is above.",
    change="minima that no read finds: where they cannot be enumerated, we count the different ones among the reads.",
)  # fmt: skip
def _minima_go(results: Results) -> Finding:
    (phase,) = results["phase"]
    exact = (phase["minima"] >= 0).all()
    counts = phase["minima" if exact else "distinct"].mean(axis=2)
    kept = ratio_interval(counts[:, -1], counts[:, 0])
    counted, which = "Different minima among the reads", "minima that the reads of an image find"
    if exact:
        counted, which = "Minima by exact enumeration", "minima of an image"
    before, after = counts[:, 0].mean(), counts[:, -1].mean()
    found = f"of the {which}, {100 * kept.value:.2g} % are left after training"
    return below(kept, 1), kept, found, f"{counted}: {before:.3g} per image before training, {after:.3g} after."


def _reads_help(results: Results, way: str, per: str) -> Finding:
    (study,) = results["ablation"]
    change = more_reads(study, way)
    found = f"with more reads per update, the error is {_beside(change.value, 'higher', 'lower')} {per}"
    return below(change, 0), change, found, (
        f"{study['reads'].max()} reads per update instead of {study['reads'].min()}; validation error, {study['reads_error'].shape[-1]} seeds."
        " Only the deepest head is cut."
    )  # fmt: skip


_READS = {
    "uses": "ablation", "shown": "02c_ablation", "unit": "points",
    "rule": "reproduced if the error is lower (the whole interval is negative), not reproduced if it is higher.",
}  # fmt: skip


@_part(
    "C3b", "Several deep states help, update for update", **_READS,
    measure="validation error with the most reads per image and update, minus that with the fewest, for the same number of updates",
    change="longer training, in which few reads may catch up.",
)  # fmt: skip
def _help_per_update(results: Results) -> Finding:
    return _reads_help(results, "deepest", "for the same number of updates")


@_part(
    "C3c", "Several deep states help, read for read", **_READS,
    measure="validation error with the most reads per image and update, minus that with the fewest, for the same total number of reads",
    change="a learning rate chosen for each number of reads; a machine for which additional reads cost nothing.",
)  # fmt: skip
def _help_per_read(results: Results) -> Finding:
    return _reads_help(results, EQUAL_READS, "for the same number of reads")


@_part(
    "C3d", "A quantum annealer quickly finds several deep states", uses="ablation", shown="02c_ablation",
    measure="different heads per image found in an untrained network, as the ratio of a quantum annealer to classical block Gibbs at equal "
    "reads; without a quantum annealer, the number that block Gibbs finds", unit="",
    rule="with reads of a machine (searcher `qpu`): reproduced if the whole interval of the ratio is above 1, not reproduced if below. Without"
    " them: needs a quantum machine.",
    change="a run of notebook 02c with the searcher `qpu`.",
)  # fmt: skip
def _finds_several(results: Results) -> Finding:
    (study,) = results["ablation"]
    heads = dict(zip(study["searcher"].tolist(), study["distinct_heads"][:, :, 0], strict=True))
    if "qpu" in heads:
        ratio = ratio_interval(heads["qpu"], heads["gibbs"])
        found = f"it finds {ratio.value:.2f} times as many different heads as block Gibbs"
        return above(ratio, 1), ratio, found, "At equal numbers of reads."
    number, reads = mean_interval(heads["gibbs"]), study.provenance["parameters"]["reads"]
    others = ", ".join(f"{name} {values.mean():.1f}" for name, values in heads.items())
    return "needs a quantum machine", number, f"not tested; a few classical reads find {number.value:.1f} different heads of an image", (
        f"Different heads per image in {reads} reads, by sampler: {others}. They say nothing about the reads of a quantum annealer."
    )  # fmt: skip


@_part(
    "C4", f"The annealer's exponent is larger than backpropagation's, {ANNEALER_EXPONENT} against {BACKPROP_EXPONENT}", uses="cloud",
    shown="05c_cloud fig4", unit="%",
    measure="share of plausible analyses, equally weighted, in which the annealer's exponent is the larger one",
    rule="reproduced if the whole interval is above 95 %, not reproduced if below 5 %. Otherwise depends if the annealer's exponent is"
    " significantly larger (95 %) in some analyses and significantly smaller in others, and undecided if not.",
    change="knowing which error the paper measures against which effort; its abstract names neither.",
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
    return word, number, f"true in {100 * part.value:.0f} % of plausible analyses; the choice of {factor} matters most", (
        f"Of {len(cloud['known']):,} combinations of choices, {known:,} can be fitted. By 95 % intervals the annealer's exponent is larger in"
        f" {larger:,} of them and smaller in {smaller:,}. The {factor} explains {share:.0%} of the variance of the difference. The paper's pair"
        f" {lies} within the cloud, and within the intervals of {int(cloud['reached'].sum()):,} analyses. A classical annealer stands in for"
        " the quantum one."
    )  # fmt: skip


@_part(
    "C5a", "Grover's search finds heads quadratically faster", uses="grover", shown="06_grover fig4",
    measure="exponent of the calls needed against a head's probability, plain reads (exactly 1) over Grover's search, for probabilities"
    " below 0.03", unit="",
    rule="reproduced if the ratio is within 0.02 of what the schedule of the search predicts at these probabilities, and that prediction tends"
    " to 2 (within 0.02 for probabilities from 1e-10 to 1e-5); not reproduced otherwise.",
    change="decoherence; this exact simulation has none.",
)  # fmt: skip
def _searches_faster(results: Results) -> Finding:
    (grover,) = results["grover"]
    power = _interval(grover, "power_amplified")
    gain = Interval(-1 / power.value, -1 / power.low, -1 / power.high)
    rare = grover["found"][grover["found"] < RARE]
    expected, limit = (_slope(weights) for weights in (rare, np.logspace(-10, -5, 200)))
    agrees = gain.low - 0.02 < expected < gain.high + 0.02 and abs(gain.value - expected) < 0.02 and abs(limit - 2) < 0.02
    found = f"a head that is 100 times rarer takes only {100**-power.value:.1f} times as many calls"
    return "reproduced" if agrees else "not reproduced", gain, found, (
        f"Predicted at these probabilities: {expected:.3f}; for rarer heads, from 1e-10 to 1e-5: {limit:.3f}. Exact simulation without"
        " decoherence. A step of amplification takes two anneals, a plain read one."
    )  # fmt: skip


def _slope(weights: np.ndarray) -> float:
    """-1 over the exponent of expected calls against weight."""
    return float(-1 / np.polyfit(np.log(weights), np.log(expected_calls(weights)), 1)[0])


@_part(
    "C5b", "Training with Grover's search does better", uses="grover", shown="06_grover fig4",
    measure="probability left in the heads for the same number of calls, divided by that with plain reads", unit="times",
    rule="reproduced if the intervals show both the heads' probability and the training error lower than with plain reads, not reproduced if"
    " both are higher, depends on the measure if only one of them is lower.",
    change="larger networks than can be simulated exactly.",
)  # fmt: skip
def _training_gains(results: Results) -> Finding:
    (grover,) = results["grover"]
    ratio = ratio_interval(*(np.maximum(grover[f"budget_{name}_weight"], 1e-12) for name in ("amplified", "reads")))
    error = difference_interval(100 * grover["budget_amplified_train"], 100 * grover["budget_reads_train"])
    words = (below(ratio, 1), below(error, 0))
    word = "depends" if words[0] != words[1] and "reproduced" in words else together(words)
    lower = {"reproduced": "lower, too", "not reproduced": "higher"}.get(words[1], "not clearly different")
    found = f"the heads that are left have {ratio.value:.2f} times the probability; the training error is {lower}"
    return word, ratio, found, (
        f"Training error minus that with plain reads: {error} points, {words[1]}. After {float(grover['budget']):,.0f} oracle calls."
    )  # fmt: skip


@_part(
    "C5c", "Grover's search raises the exponent by up to a factor of 2", uses="grover", shown="06_grover fig4",
    measure="exponent of the training error against calls, with Grover's search over that with plain reads", unit="times",
    rule="reproduced if the whole interval is above 1 and begins at 2 or less; not reproduced if it is below 1 or above 2; else undecided.",
    change="more seeds; longer training; networks whose heads are rare from the start.",
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
    return word, ratio, f"it changes the exponent of the training error by a factor of {ratio.value:.2f}", (
        f"Exponents {fits['amplified'].interval} and {fits['reads'].interval}. Small networks, simulated exactly."
    )  # fmt: skip


def _windows(results: Results) -> list[tuple[Result, int]]:
    """The deep networks trained both two layers at a time and all at once, with the index of the former among their ways."""
    whole = [study for study in results["active"] if study["width"][0] >= max(3, len(study["layers"])) and 2 in study["width"]]
    if not whole:
        raise NotMeasured("no network was trained both two layers at a time and all at once.")
    return [(study, study["width"].tolist().index(2)) for study in whole]


_AT_EVERY_DEPTH = f"""reproduced if the whole interval is below {TOLERATED} points at every depth, not reproduced if it is above at \
every depth, depends on the depth if both occur, else undecided."""


def _each_depth(results: Results, other: Callable[[Result], np.ndarray], name: str, conditions: str) -> Finding:
    """Test error two layers at a time minus that of another training, judged over all depths; other: its errors (S, T), name: in words."""
    final = [(study, 100 * study["test_error"][way, :, -1], 100 * other(study)[:, -1]) for study, way in _windows(results)]
    gaps = [difference_interval(few, others) for _, few, others in final]
    told = ", ".join(f"{gap} for layers of {layers_of(study)}" for gap, (study, *_) in zip(gaps, final, strict=True))
    worst = max(gaps, key=lambda gap: gap.value)
    word, found = (
        together(below(gap, TOLERATED) for gap in gaps),
        f"at the worst depth, the test error is {_beside(worst.value)} {name}",
    )
    return word, worst, found, f"Differences in points: {told}. {conditions}."


@_part(
    "C6a", "Two layers at a time train a deep network", uses="active", shown="07_active_layers fig5",
    measure="test error minus that of an MLP with the same layers, at the worst depth", unit="points",
    rule=_AT_EVERY_DEPTH,
    change="longer training, above all of the deepest networks.",
)  # fmt: skip
def _deep_trains(results: Results) -> Finding:
    errors = [mean_interval(100 * study["test_error"][way, :, -1], PERCENT) for study, way in _windows(results)]
    binary = [mean_interval(100 * study["binary_error"][:, -1], PERCENT) for study, _ in _windows(results)]
    told, beside = (", ".join(f"{error} %" for error in values) for values in (errors, binary))
    word, worst, found, conditions = _each_depth(
        results, lambda study: study["mlp_error"], "that of an MLP", f"Test errors: {told}"
    )
    gap = max(few.value - other.value for few, other in zip(errors, binary, strict=True))
    found += f"; at most {_beside(gap)} that of one whose units are ±1, like spins"
    return word, worst, found, f"{conditions} MLPs of the same layers whose units are ±1, by backpropagation: {beside}."


@_part(
    "C6b", "Two layers at a time lose little accuracy", uses="active", shown="07_active_layers fig5",
    measure="test error two layers at a time minus that all at once, at equal reads, at the worst depth", unit="points",
    rule=_AT_EVERY_DEPTH,
    change="more seeds; wider windows; equal machine time instead of equal reads.",
)  # fmt: skip
def _windows_cost(results: Results) -> Finding:
    anneals = [(study["anneals"].mean(axis=1) / study["reads"])[[way, 0]] for study, way in _windows(results)]
    told = "Anneals per read: " + ", ".join(f"{few:.1f} instead of {whole:.1f}" for few, whole in anneals)
    for study, _ in _windows(results):
        errors = 100 * study["test_error"][..., -1]
        for row in np.flatnonzero((study["width"] > 2) & (study["width"] < len(study["layers"]))):
            gap = difference_interval(errors[row], errors[0])
            told += f". Layers of {layers_of(study)}, {study['width'][row]} at a time: {gap} points"
    return _each_depth(results, lambda study: study["test_error"][0], "that with all layers at once", told)


@_part(
    "C6c", "Two layers at a time fit a smaller chip", uses="active", shown="07_active_layers fig5",
    measure="qubits for two layers at a time over those for all at once, at the worst depth among those that both fit", unit="times",
    rule="reproduced if, at every depth, two layers fit a smaller chip or take fewer qubits of the smallest chip that both fit; not reproduced"
    " if at no depth.",
    change="embeddings of the whole network that need fewer qubits.",
)  # fmt: skip
def _fits_smaller(results: Results) -> Finding:
    words: list[Verdict] = []
    ratios, slower, told = [], [], []
    for study, way in _windows(results):
        few, whole, room = study["qubits"][way], study["qubits"][0], study["chip_qubits"]
        both = np.flatnonzero((few > 0) & (whole > 0))
        if both.size:
            chip = both[room[both].argmin()]
            ratios.append(float(few[chip] / whole[chip]))
            seconds, instead = study["qpu_seconds"][[way, 0], chip], f"{few[chip]:,} instead of {whole[chip]:,}"
            slower.append(seconds[0] / seconds[1])
            told.append(f"{instead} on {study['chip'][chip]}, {seconds[0]:.2g} s per batch instead of {seconds[1]:.2g}")
        # The smallest chip that each fits, and the qubits on it.
        fits = (zip(room[qubits > 0], qubits[qubits > 0], strict=True) for qubits in (few, whole))
        least, needed = (min(sizes, default=(np.inf, 0)) for sizes in fits)
        words.append("reproduced" if least < needed else "undecided" if np.isinf(least[0]) else "not reproduced")
    worst, found = None, "no chip takes all layers at once"
    if ratios:
        worst = Interval(*[max(ratios)] * 3)
        found = f"they take at most {100 * worst.value:.0f} % of the qubits{', but more machine time' if min(slower) > 1 else ''}"
    return together(words), worst, found, (
        f"Qubits of embeddings that were found, so without error bars: {'; '.join(told) or 'no chip takes both'}. The times are modelled."
    )  # fmt: skip
