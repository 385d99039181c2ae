"""Verdicts follow from numbers: each rule at, above and below its threshold."""

import dataclasses

import numpy as np
import pytest

from qnn_core.statistics import Interval
from studies import claims


def history(mistakes, disagreements=0):
    return {
        "test_mistakes": np.array([90, mistakes]),
        "num_test": np.array(100),
        "export_disagreements": np.array(disagreements),
    }


def test_an_exported_network_must_agree_with_itself_and_beat_the_nearest_mean():
    mlp = [history(2), history(3)]
    good = claims.training_claim([history(3), history(4)], mlp, nearest_mean_error=0.2)
    assert (good.id, good.verdict) == ("C1", "agrees")
    assert good.value == pytest.approx(3.5)
    assert good.unit == "%"
    assert claims.training_claim([history(3), history(4)], mlp, nearest_mean_error=0.05).verdict == "not testable here"
    assert claims.training_claim([history(3), history(4)], mlp, nearest_mean_error=-0.05).verdict == "disagrees"
    assert claims.training_claim([history(3, disagreements=1), history(4)], mlp, nearest_mean_error=0.2).verdict == "disagrees"


def phase_result(before, after, minima_before=900, minima_after=50):
    """Three runs, two images, with a little scatter between runs."""
    scatter = np.array([-0.01, 0.0, 0.01])[:, None, None]
    ends = np.array([before, after])[None, :, None]
    minima = np.round(np.array([minima_before, minima_after])[None, :, None] * (1 + scatter) * np.ones((1, 1, 2)))
    return {"q_ea": ends + scatter + np.zeros((1, 1, 2)), "minima": minima, "distinct": minima}


def sizes_result(verdict):
    return {
        "spins": np.array([40, 160, 640]),
        "resolved": np.array([True, True, False]),
        "narrowing": np.array([-0.3, -0.4, -0.2]),
        "growth": np.array([1.0, 0.9, 1.1]),
        "untrained": np.array([0.5, 0.4, 0.6]),
        "verdict": np.array(verdict),
    }


@pytest.mark.parametrize(
    ("after", "sharpness", "verdict"),
    [
        (0.9, "transition", "agrees"),
        (0.9, "crossover", "disagrees"),
        (0.9, "undecided", "not testable here"),
        (0.1, "transition", "disagrees"),
        (0.3, "transition", "not testable here"),
    ],
)
def test_order_must_rise_and_sharpen(after, sharpness, verdict):
    result = phase_result(0.3, after)
    if after == 0.3:
        result["q_ea"][:, 1] += np.array([0.2, -0.1, -0.05])[:, None]
    claim = claims.phase_claim(result, sizes_result(sharpness))
    assert claim.verdict == verdict
    assert "From 40 to 160 spins" in claim.measured


def ablation_result(change, dearer=0.0):
    """Three seeds; with many reads an update the error, in per cent, changes by `change` at equal updates and by `dearer` at equal reads."""
    one = np.array([5.0, 5.1, 4.9])
    errors = [[one + change + np.array([0.0, 0.1, -0.1]), one], [one + dearer, one], [one, one]]
    ways = np.array(["deepest", "deepest, equal reads", "all heads"])
    return {"reads": np.array([10, 1]), "way": ways, "reads_error": np.array(errors)}


def test_minima_must_fall_and_are_counted_exactly_where_they_can_be():
    helps = ablation_result(-2.0)
    falling = claims.minima_claim(phase_result(0.3, 0.9), helps)
    assert falling.verdict == "agrees"
    assert "-2.00 [-2.25, -1.75] points at equal updates, 0.000 [0.000, 0.000] at equal reads" in falling.measured
    assert claims.minima_claim(phase_result(0.3, 0.9), ablation_result(0.1)).verdict == "not testable here"
    assert claims.minima_claim(phase_result(0.3, 0.9), ablation_result(-2.0, 1.0)).verdict == "not testable here"
    assert claims.minima_claim(phase_result(0.3, 0.9), ablation_result(2.0)).verdict == "disagrees"
    assert falling.value == pytest.approx(50 / 900, rel=0.02)
    assert "exact" in falling.measured
    assert claims.minima_claim(phase_result(0.3, 0.9, 50, 900), helps).verdict == "disagrees"
    unknown = phase_result(0.3, 0.9)
    unknown["minima"] = np.full_like(unknown["minima"], -1)
    assert "different reads" in claims.minima_claim(unknown, helps).measured


def scaling_result(difference, scanned, elsewhere=(0.0, -9.0, 9.0)):
    """Two sizes: a claim is about the larger."""
    methods = ["gibbs", "mlp", "energy"]
    arrays = {"method": np.array(methods * 2), "measure": np.array(["train"] * 6), "axis": np.array(["epochs"] * 6)}
    arrays |= {"width": np.array([60] * 3 + [120] * 3), "images": np.array([500] * 6)}
    arrays |= {name: np.tile([1.0, 0.9, 0.8], 2)[:, None] for name in ("exponent", "low", "high", "dispersion")}
    arrays["scan_difference"] = np.array([[value, value - 0.1, value + 0.1] for value in scanned]).reshape(-1, 3)
    known = [] if difference is None else [elsewhere, difference]
    arrays["difference"] = np.array(known).reshape(len(known), 3)
    arrays |= {"difference_width": np.array([60, 120])[: len(known)], "difference_images": np.array([500, 500])[: len(known)]}
    for name, value in (("other", "mlp"), ("measure", "train"), ("axis", "epochs"), ("model", "power")):
        arrays[f"difference_{name}"] = np.array([value] * len(known))
    return arrays


@pytest.mark.parametrize(
    ("difference", "scanned", "verdict"),
    [
        ((0.2, 0.1, 0.3), (0.15, 0.2), "agrees"),
        ((0.6, 0.5, 0.7), (0.5, 0.7), "agrees"),
        ((-0.1, -0.2, 0.0), (-0.3, -0.1), "disagrees"),
        ((0.0, -0.1, 0.1), (0.0, 0.1), "disagrees"),
        ((0.0, -0.1, 0.1), (0.0, 0.2), "not testable here"),
        ((0.06, 0.01, 0.11), (-0.2, 0.1), "not testable here"),
        ((0.2, 0.1, 0.3), (0.05, 0.2), "not testable here"),
        ((0.2, 0.1, 0.3), (), "not testable here"),
        (None, (), "not testable here"),
    ],
)
def test_exponents_must_differ_whatever_the_window(difference, scanned, verdict):
    claim = claims.scaling_claim(scaling_result(difference, scanned))
    assert claim.verdict == verdict
    assert claim.paper_number == "1.01 - 0.78 = 0.23"


def test_no_exponent_is_larger_whose_sign_depends_on_axis_and_measure():
    larger, smaller = ((0.2, 0.1, 0.3), (0.15, 0.2)), ((-0.1, -0.2, 0.0), (-0.3, -0.1))
    assert claims.scaling_claim(scaling_result(*larger, elsewhere=(-9.0, -10.0, -8.0))).verdict == "not testable here"
    assert claims.scaling_claim(scaling_result(*smaller, elsewhere=(9.0, 8.0, 10.0))).verdict == "not testable here"


@pytest.mark.parametrize(
    ("power", "amplified", "verdict"),
    [
        ((-0.5, -0.52, -0.48), (1e-4, 2e-4, 1e-4), "agrees"),
        ((-0.5, -0.52, -0.48), (1e-2, 2e-2, 1e-2), "disagrees"),
        ((-0.5, -0.52, -0.48), (1e-4, 2e-2, 1e-3), "not testable here"),
        ((np.nan,) * 3, (1e-4, 2e-4, 1e-4), "not testable here"),
    ],
)
def test_amplified_search_must_speed_up_single_searches_and_training(power, amplified, verdict):
    arrays = {"power_amplified": np.array(power), "largest_error": np.array(1e-14), "budget": np.array(1e4)}
    arrays |= {"budget_amplified_weight": np.array(amplified), "budget_reads_weight": np.array([1e-3, 2e-3, 1e-3])}
    arrays |= {"budget_amplified_train": np.array([0.01, 0.02, 0.01]), "budget_reads_train": np.array([0.02, 0.02, 0.02])}
    claim = claims.grover_claim(arrays)
    assert claim.verdict == verdict
    if np.isfinite(power[0]):
        assert claim.value == 2
        assert claim.low < 2 < claim.high
    else:
        assert claim.value is None


def active_result(few, qubits=((900, -1), (500, 700)), widths=(3, 2)):
    """All layers at once with 3, 4 and 3 mistakes of 1000, and windows with `few`, on two chips."""
    errors = np.array([[[0.9, mistakes / 1000] for mistakes in runs] for runs in ((3, 4, 3), few)])
    return {
        "label": np.array(["all 3 layers at once", "2 layers at a time"]),
        "width": np.array(widths),
        "layers": np.array([8, 6, 4]),
        "test_error": errors,
        "reads": np.array([100, 100]),
        "anneals": np.array([[150] * 3, [250] * 3]),
        "spins": np.array([18, 14]),
        "chip": np.array(["Large-2", "Small-1"]),
        "chip_qubits": np.array([2000, 1000]),
        "qubits": np.array(qubits),
        "mlp_error": errors[0],
    }


@pytest.mark.parametrize(
    ("few", "verdict"),
    [((3, 4, 3), "agrees"), ((12, 13, 12), "disagrees"), ((3, 12, 3), "not testable here")],
)
def test_few_layers_must_cost_little_at_every_depth(few, verdict):
    claim = claims.active_claim([active_result(few)], 0.2)
    assert claim.verdict == verdict
    assert "2.5 anneals a read instead of 1.5" in claim.measured
    assert "700 qubits on Small-1 instead of 900 on Large-2" in claim.measured
    also = claims.active_claim([active_result((3, 4, 3)), active_result(few)], 0.2)
    assert also.verdict == verdict
    assert also.value == pytest.approx(0)


def test_two_ways_that_fail_alike_do_not_agree():
    assert claims.active_claim([active_result((3, 4, 3))], 0.001).verdict == "not testable here"


@pytest.mark.parametrize(
    ("qubits", "verdict", "told"),
    [
        (((900, 800), (500, 700)), "agrees", "700 qubits on Small-1 instead of 800 on Small-1"),
        (((500, -1), (500, 700)), "agrees", "700 qubits on Small-1 instead of 500 on Large-2"),
        (((-1, -1), (500, -1)), "agrees", "500 qubits on Large-2, all at once on no chip"),
        (((900, 700), (500, 700)), "disagrees", "700 qubits on Small-1 instead of 700 on Small-1"),
        (((900, 700), (500, -1)), "disagrees", "500 qubits on Large-2 instead of 700 on Small-1"),
        (((900, 700), (-1, -1)), "disagrees", "windows fit no chip"),
        (((-1, -1), (-1, -1)), "not testable here", "windows fit no chip"),
    ],
)
def test_few_layers_must_take_a_smaller_chip_or_less_of_it(qubits, verdict, told):
    claim = claims.active_claim([active_result((3, 4, 3), qubits=qubits)], 0.2)
    assert claim.verdict == verdict
    assert told in claim.measured


def test_windows_of_two_layers_and_all_at_once_are_needed():
    assert claims.active_claim([active_result((3, 4, 3), widths=(2, 1))], 0.2).value is None
    assert (
        "layers of 8-6-4 spins"
        in claims.active_claim([active_result((3, 4, 3), widths=(2, 1)), active_result((3, 4, 3))], 0.2).measured
    )


def test_percentages():
    assert claims.percent(Interval(0.025, 0.02, 0.03)) == "2.50 [2.00, 3.00] %"


def test_claims_show_themselves():
    claim = claims.minima_claim(phase_result(0.3, 0.9), ablation_result(-2.0))
    table = repr(claims.claims_table([claim, dataclasses.replace(claim, id="C9", value=None)]))
    assert claim.number.startswith("0.0556 [")
    assert claim.number in table
    assert "not measured" in table
    assert claim._repr_markdown_().startswith("**C3.** Measured: fraction of minima")
