"""Verdicts follow from numbers: every rule on both sides of its threshold, and between."""

import dataclasses

import numpy as np
import pytest

from qnn_core.statistics import Interval
from qnn_dwave.chips import chip
from studies import speed
from studies.claims import Claim, above, below, claims_table, per_claim, tally, together
from studies.grover import expected_calls, oracle_calls
from studies.rules import PARTS, judge
from studies.speed import Race
from studies.stored import Result

MODEL = speed._of_a_batch
YES, NO, DEPENDS, OPEN, MACHINE = "reproduced", "not reproduced", "depends", "undecided", "needs a quantum machine"


def stored(seconds=3.0, **arrays):
    settings = {"hidden": [8], "copies": 1, "reads": 5, "batch_size": 10}
    kept = {name: np.asarray(value) for name, value in arrays.items()}
    return Result("run.npz", kept, {"seconds": seconds, "parameters": settings})


def trained(mistakes, own=3, exact=97, disagreements=0):
    """A training that ends with mistakes and wrong own answers in 100 images."""
    return stored(
        step=[0, 20], test_mistakes=[90, mistakes], num_test=100, export_disagreements=disagreements, network_sizes=[64, 8, 10],
        own_wrong=own, own_exact=exact, own_images=100, reads=[0, 20 * 10 * 5],
    )  # fmt: skip


def glass(image, free):
    return stored(glass_exponent=image, glass_exponent_no_image=free, order_start=(0, -0.1, 0.1), order_end=(0.9, 0.8, 1))


def sizes(verdict, narrowing=(-0.3, -0.4, -0.2)):
    return stored(spins=[40, 160, 640], resolved=[True, True, False], narrowing=narrowing, growth=(np.nan,) * 3, verdict=verdict)


def phase(before=900, after=50, exact=True):
    """Three runs, two images, with a little scatter between runs."""
    counts = np.round(np.array([before, after])[None, :, None] * np.array([0.99, 1, 1.01])[:, None, None] * np.ones(2))
    return stored(minima=counts if exact else -np.ones_like(counts), distinct=counts)


def ablation(change=-2.0, dearer=1.0, **found):
    """Three seeds; with many reads an update the error, in per cent, changes by `change` at equal updates and by `dearer` at equal reads."""
    one = np.array([5.0, 5.1, 4.9])
    errors = [[one + change + np.array([0.0, 0.1, -0.1]), one], [one + dearer, one]]
    heads = {"gibbs": 9.0} | found
    return stored(
        reads=[10, 1], way=["deepest", "deepest, equal reads"], reads_error=errors, searcher=list(heads),
        distinct_heads=[np.full((3, 2), value) + np.array([[0.0], [0.1], [-0.1]]) for value in heads.values()],
    )  # fmt: skip


def cloud(*differences, above=(0.5, 0.4, 0.6)):
    """Choices of measure and axis with the differences of their exponents, and one that could not be fitted."""
    return stored(
        difference=[*differences, (np.nan,) * 3], known=[True] * len(differences) + [False], fraction_above=above, in_hull=True,
        reached=[False] * (len(differences) + 1), factors=["measure", "axis"], share_difference=[0.6, 0.1], largest_factor="measure",
    )  # fmt: skip


WEIGHTS = np.logspace(-5, -2, 60)


def grover(off=0.0, weight=1e-4, train=0.01, gain=1.6):
    """Searches whose power of calls is `off` from what their schedule expects, and trainings with exponents 0.5 and gain times that."""
    power = np.polyfit(np.log(WEIGHTS), np.log(expected_calls(WEIGHTS)), 1)[0] + off
    calls = np.logspace(0, 4, 40)
    curves = {"reads": 0.5, "amplified": 0.5 * gain}
    scatter = np.array([1.0, 1.05, 0.95])[:, None]
    return stored(
        found=WEIGHTS, power_amplified=(power, power - 0.004, power + 0.004), num_train=100_000, budget=1e4,
        budget_amplified_weight=[weight, 1.1 * weight, 0.9 * weight], budget_reads_weight=[1e-3] * 3,
        budget_amplified_train=[train, 1.1 * train, 0.9 * train], budget_reads_train=[0.02] * 3,
        **{f"training_{name}_calls": calls for name in curves},
        **{f"training_{name}_train": scatter * 0.5 * calls**-exponent for name, exponent in curves.items()},
    )  # fmt: skip


def active(few=(3, 4, 3), mlp=(3, 4, 3), binary=(3, 4, 3), qubits=((900, -1), (500, 700)), widths=(3, 2)):
    """All layers at once with 3, 4 and 3 mistakes of 1000, windows with `few`, MLPs with `mlp` and `binary`, on two chips."""
    errors = np.array([[[0.9, mistakes / 1000] for mistakes in runs] for runs in ((3, 4, 3), few)])
    baselines = {
        f"{name}_error": [[0.9, mistakes / 1000] for mistakes in runs] for name, runs in (("mlp", mlp), ("binary", binary))
    }
    return stored(
        width=widths, layers=[8, 6, 4], test_error=errors, reads=[100, 100], anneals=[[150] * 3, [250] * 3], chip=["Large-2", "Small-1"],
        chip_qubits=[2000, 1000], qubits=qubits, qpu_seconds=[[0.5, -1], [3, 4]], **baselines,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A modelled batch of 10 images takes 40 seconds, of which 1e-4 are anneals; no embedding is looked for."""
    monkeypatch.setattr(speed, "_of_a_batch", lambda *_: (40.0, 10))


def verdict(part, **changed):
    results = {
        "annealer": [trained(3), trained(4)], "mlp": [trained(3), trained(4)], "equilibrium": [glass((0.9, 0.8, 1), (0.9, 0.8, 1))],
        "sizes": [sizes("transition")], "phase": [phase()], "ablation": [ablation()], "cloud": [cloud((0.2, 0.1, 0.3), above=(1, 0.96, 1))],
        "grover": [grover()], "active": [active()],
    }  # fmt: skip
    results |= {name: value if isinstance(value, list) else [value] for name, value in changed.items()}
    return judge(part, results)


def verdicts(**changed):
    return {part: verdict(part, **changed) for part in PARTS}


@pytest.mark.parametrize(
    ("part", "changed", "word"),
    [
        ("C1a", {}, YES),
        ("C1a", {"annealer": [trained(6), trained(7)]}, NO),
        ("C1a", {"annealer": [trained(3), trained(6)]}, OPEN),
        ("C1b", {"annealer": [trained(3, own=4), trained(4, own=5)]}, YES),
        ("C1b", {"annealer": [trained(3, own=4, disagreements=1), trained(4, own=5)]}, NO),
        ("C1b", {"annealer": [trained(6), trained(7, own=4)]}, NO),
        ("C2a", {}, YES),
        ("C2a", {"equilibrium": glass((0.1, 0, 0.2), (0.9, 0.8, 1))}, DEPENDS),
        ("C2a", {"equilibrium": glass((0.1, 0, 0.2), (0.1, 0, 0.2))}, NO),
        ("C2a", {"equilibrium": glass((0.3, 0.2, 0.4), (0.9, 0.8, 1))}, OPEN),
        ("C2a", {"equilibrium": glass((np.nan,) * 3, (0.9, 0.8, 1))}, OPEN),
        ("C2a", {"equilibrium": stored()}, OPEN),
        ("C2b", {}, YES),
        ("C2b", {"annealer": [trained(3, exact=20), trained(4, exact=21)]}, NO),
        ("C2b", {"annealer": [trained(3, exact=85), trained(4, exact=95)]}, OPEN),
        ("C2c", {}, YES),
        ("C2c", {"sizes": sizes("crossover")}, NO),
        ("C2c", {"sizes": sizes("undecided", (np.nan,) * 3)}, OPEN),
        ("C3a", {}, YES),
        ("C3a", {"phase": phase(50, 900, exact=False)}, NO),
        ("C3b", {}, YES),
        ("C3b", {"ablation": ablation(2.0)}, NO),
        ("C3b", {"ablation": ablation(0.1)}, OPEN),
        ("C3c", {}, NO),
        ("C3c", {"ablation": ablation(dearer=-1.0)}, YES),
        ("C3d", {}, MACHINE),
        ("C3d", {"ablation": ablation(qpu=20.0)}, YES),
        ("C3d", {"ablation": ablation(qpu=2.0)}, NO),
        ("C4", {}, YES),
        ("C4", {"cloud": cloud((0.2, 0.1, 0.3), (-0.2, -0.3, -0.1))}, DEPENDS),
        ("C4", {"cloud": cloud((-0.2, -0.3, -0.1), (0.1, -0.1, 0.3), above=(0.01, 0, 0.04))}, NO),
        ("C4", {"cloud": cloud((0.2, 0.1, 0.3), (-0.2, -0.3, 0.1))}, OPEN),
        ("C4", {"cloud": cloud(above=(np.nan,) * 3)}, OPEN),
        ("C5a", {}, YES),
        ("C5a", {"grover": grover(off=0.02)}, NO),
        ("C5b", {}, YES),
        ("C5b", {"grover": grover(train=0.02)}, DEPENDS),
        ("C5b", {"grover": grover(weight=1e-2, train=0.04)}, NO),
        ("C5b", {"grover": grover(weight=1e-3, train=0.02)}, OPEN),
        ("C5c", {}, YES),
        ("C5c", {"grover": grover(gain=0.7)}, NO),
        ("C5c", {"grover": grover(gain=2.6)}, NO),
        ("C6a", {}, YES),
        ("C6a", {"active": active((22, 23, 22))}, NO),
        ("C6a", {"active": [active((22, 23, 22)), active()]}, DEPENDS),
        ("C6a", {"active": active((3, 12, 3))}, OPEN),
        ("C6a", {"active": active(widths=(2, 1))}, OPEN),
        ("C6b", {}, YES),
        ("C6b", {"active": active((12, 13, 12))}, NO),
        ("C6b", {"active": [active((3, 12, 3)), active()]}, OPEN),
        ("C6c", {}, YES),
        ("C6c", {"active": active(qubits=((900, 800), (500, 700)))}, YES),
        ("C6c", {"active": active(qubits=((900, 700), (500, 700)))}, NO),
        ("C6c", {"active": active(qubits=((900, 700), (500, -1)))}, NO),
        ("C6c", {"active": active(qubits=((-1, -1), (500, -1)))}, YES),
        ("C6c", {"active": active(qubits=((-1, -1), (-1, -1)))}, OPEN),
    ],
)  # fmt: skip
def test_words_follow_from_numbers(part, changed, word):
    assert verdict(part, **changed).verdict == word


def test_wider_windows_are_told_beside_those_of_two_layers():
    one = active((12, 13, 12)).arrays
    rows = {name: one[name][[0, 1, 0]] for name in ("test_error", "reads", "anneals", "qubits", "qpu_seconds")}
    rows["test_error"] = rows["test_error"] + np.array([0, 0, 0.002])[:, None, None]
    judged = verdict("C6b", active=stored(**{**one, **rows, "width": [4, 2, 3], "layers": [8, 6, 5, 4]}))
    assert judged.verdict == NO
    assert "Layers of 8-6-5-4, 3 at a time: 0.200 [0.200, 0.200] points" in judged.conditions


@pytest.mark.parametrize(
    ("batch", "tiles", "mlp", "word"),
    [
        (40.0, 10, 4.0, DEPENDS),  # 80 s by the model, of which 0.0002 s are anneals
        (40.0, 10, 1e-5, NO),
        (0.1, 10, 4.0, MACHINE),
        (np.inf, 0, 4.0, OPEN),
    ],
)
def test_an_annealer_is_fast_only_against_what_was_measured(monkeypatch, batch, tiles, mlp, word):
    monkeypatch.setattr(speed, "_of_a_batch", lambda *_: (batch, tiles))
    runs = [trained(3), trained(4)]
    for run, factor in zip(runs, (0.99, 1.01), strict=True):
        run.provenance["seconds"] = factor * mlp
    race = Race.of_runs(trained(3), runs)
    assert race.annealer == 20 * batch
    assert race.anneals == (pytest.approx(20 * 5 * 20e-6) if tiles else np.inf)
    assert verdict("C1c", mlp=runs).verdict == word
    if np.isfinite(batch):
        assert race.slower().value == pytest.approx(20 * batch / mlp, rel=1e-3)
        assert f"{20 * batch:,.0f}" in repr(race.table()) or batch < 1


def test_images_that_rest_are_not_submitted(monkeypatch):
    """Of twenty batches of ten images, two side by side; half of the images rest, and any update may end with a submission of one image."""
    monkeypatch.setattr(speed, "_of_a_batch", lambda *_: (40.0, 2))
    run = trained(3)
    assert Race.of_runs(run, [run]).annealer == 20 * 40.0
    run.arrays["reads"] = np.array([0, 100 * 5])
    race = Race.of_runs(run, [run])
    assert race.annealer == pytest.approx((100 + 20) / 2 * 40.0 / 5)
    assert race.anneals == pytest.approx((100 + 20) / 2 * 5 * 20e-6)


def test_the_model_of_a_machine_counts_submissions(tmp_path, monkeypatch):
    """Embedded for real, in a small chip: programming, five anneals and their readout, for as many submissions as are needed."""
    monkeypatch.setattr(speed, "chip", lambda family, _: chip(family, 2))
    seconds, tiles = MODEL((8, 4), 10, 5, str(tmp_path))
    assert 1 <= tiles < 10
    assert seconds == pytest.approx(np.ceil(10 / tiles) * (0.015 + 5 * (20e-6 + 120e-6)))


def test_expected_calls_are_the_mean_of_those_that_searches_take():
    weights = np.array([1e-4, 3e-3, 0.2])
    calls = oracle_calls(np.repeat(weights, 20_000), 0).reshape(3, -1)
    errors = calls.std(axis=1) / np.sqrt(calls.shape[1])
    assert (np.abs(calls.mean(axis=1) - expected_calls(weights)) < 4 * errors).all()


def test_numbers_are_those_of_the_runs():
    found = verdicts()
    assert found["C1a"].value == 0
    assert "the annealer's own answer: 3.000 [3.000, 3.000] %" in found["C1a"].conditions
    assert found["C1b"].value == pytest.approx(0.5)
    assert found["C2b"].number == "97 %, without error bar"
    assert "from 0.00 [-0.10, 0.10] to 0.90 [0.80, 1.00]" in found["C2b"].conditions
    assert found["C3a"].value == pytest.approx(50 / 900, rel=0.02)
    assert found["C3b"].value == pytest.approx(-2)
    assert found["C4"].number.startswith("100.0 [96.0, 100.0] %")
    assert found["C4"].found == "true in 100 % of plausible analyses; the choice of measure matters most"
    assert found["C5c"].value == pytest.approx(1.6, rel=0.05)
    worse = verdict("C6a", active=[active((22, 23, 22)), active()])
    assert worse.value == pytest.approx(1.9)
    spins = verdict("C6a", active=[active((22, 23, 22), binary=(13, 13, 14))])
    assert spins.found.endswith("that of an MLP; at most 0.9 points above that of one whose units are ±1, like spins")
    assert "500 instead of 900 on Large-2" in found["C6c"].conditions
    assert found["C6c"].value == pytest.approx(500 / 900)
    assert found["C6c"].found == "they take at most 56 % of the qubits, but more machine time"


def test_a_run_without_own_answers_leaves_their_parts_open():
    runs = [trained(3), trained(4)]
    for run in runs:
        del run.arrays["own_wrong"], run.arrays["own_exact"]
    found = verdicts(annealer=runs)
    lacking = {name: claim.verdict for name, claim in found.items() if "lack" in claim.conditions}
    assert lacking == dict.fromkeys(("C1a", "C1b", "C2b"), OPEN)
    assert found["C1b"].value is None


def test_a_single_seed_decides_nothing():
    found = verdicts(annealer=[trained(3)], mlp=[trained(3)])
    assert {found[name].verdict for name in ("C1a", "C1b", "C1c", "C2b")} == {OPEN}


def test_intervals_and_words():
    assert [below(Interval(0, *ends), 1) for ends in ((-1, 0.9), (1.1, 2), (0.9, 1.1))] == [YES, NO, OPEN]
    assert [above(Interval(0, *ends), 1) for ends in ((-1, 0.9), (1.1, 2), (0.9, 1.1))] == [NO, YES, OPEN]
    assert [together(words) for words in ((YES, YES), (YES, NO, OPEN), (YES, OPEN), (NO, OPEN))] == [YES, DEPENDS, OPEN, OPEN]


def test_verdicts_are_counted():
    found = [Claim(*["told"] * 8, word, None, None, None, "", "") for word in (OPEN, YES, OPEN, NO)]
    assert tally(found) == "4 parts of six claims: **reproduced** 1, **not reproduced** 1, **undecided** 2."


def test_every_part_says_what_its_rule_is_and_shows_itself():
    found = list(verdicts().values())
    assert [claim.id for claim in found] == sorted(PARTS)
    assert [len(parts) for parts in per_claim(found).values()] == [3, 3, 4, 1, 3, 3]
    for claim in found:
        assert all(
            getattr(claim, field.name)
            for field in dataclasses.fields(Claim)
            if field.name in ("rule", "change", "found", "measure")
        )
        assert claim.rule in claim._repr_markdown_()
    table = repr(claims_table([found[0], dataclasses.replace(found[1], value=None)]))
    assert found[0].number in table
    assert "not measured" in table
