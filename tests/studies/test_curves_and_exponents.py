"""Studies of learning curves in small: what is trained, kept, resumed and fitted."""

from dataclasses import replace

import numpy as np
import pytest

from qnn_core import InvalidInput
from qnn_core.powerlaw import MODELS
from studies.curves import MEASURES, CurveStudy, LearningCurve, cost_of_an_epoch, train_curves
from studies.exponents import (
    common_window,
    cost_to_reach,
    difference_rows,
    fit_all,
    fit_rows,
    largest,
    refusals,
    scan_windows,
    study_exponents,
)
from studies.stored import Result
from studies.training import Recipe

EPOCH = np.concatenate([[0.0], np.geomspace(0.01, 20, 60)])
COST = {"method": "gibbs", "width": 8, "copies": 1, "batch_size": 20, "reads": 3, "sweeps": 5}


def study(digits, folder, method="gibbs"):
    recipe = Recipe(
        method,
        (8,),
        {"rule": "both", "epochs": 2, "batch_size": 20, "reads": 3, "lr": None, "schedule": "constant", "evaluations": 12},
        {"copies": 1},
        {"sweeps": 5},
    )
    sizes = {"train_images": [100, 200], "rates": [0.003, 0.02], "held_out": 0.2, "seeds": [0, 1, 2], "rate_seeds": 2}
    arrays = train_curves(digits, recipe, **sizes, folder=str(folder))
    return CurveStudy(Result("curves.npz", arrays, {"parameters": {**COST, "method": method}}))


@pytest.mark.parametrize("method", ["gibbs", "mlp"])
def test_a_study_tunes_the_rate_on_held_out_images_and_resumes(method, digits, tmp_path):
    found = study(digits, tmp_path, method)
    arrays = found.result.arrays
    assert arrays["validation"].shape == (2, 2)
    assert arrays["num_validation"] == 40
    assert arrays["chosen"] == arrays["rates"][arrays["validation"].sum(axis=0).argmin()]
    small, big = found.curves
    assert (small.images, big.images, small.num_train, big.num_train) == (100, 200, 100, 200)
    assert small.train.shape == (3, len(small.epoch))
    assert small.epoch[-1] == 2
    assert (np.diff(big.cuts) >= 0).all()
    assert big.cuts[-1] <= 400
    if method == "mlp":
        assert big.cuts[-1] == 400
        assert np.isnan(big.values("heads")).all()
    else:
        assert np.nanmax(big.values("heads")) <= 1
    by_rate = found.by_rate
    assert [curve.rate for curve in by_rate] == [0.003, 0.02]
    chosen = next(curve for curve in by_rate if curve.rate == arrays["chosen"])
    np.testing.assert_array_equal(chosen.train, big.train[:2])
    # Finished runs are read, a damaged one is made again: the result is the same.
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2 * 2 + 3 + 3 + 2
    files[0].write_bytes(b"half")
    altered = bytearray(files[1].read_bytes())
    altered[-200] ^= 1
    files[1].write_bytes(altered)
    again = study(digits, tmp_path, method).result
    assert all(np.array_equal(arrays[name], again[name], equal_nan=True) for name in arrays)


def test_seeds_choose_images_alike_for_every_method(digits):
    one, other = digits.take(100, 3), digits.take(100, 3)
    np.testing.assert_array_equal(one.x_train, other.x_train)
    assert not np.array_equal(one.x_train, digits.take(100, 4).x_train)
    assert np.bincount(one.y_train).min() >= 9
    assert len(digits.take(1436, 0).y_train) == 1436
    assert digits.take(len(digits.y_train), 0) is digits
    with pytest.raises(InvalidInput, match="num_train = 5"):
        digits.take(5, 0)


@pytest.fixture(scope="module")
def curves():
    rates = {"gibbs": 1.0, "mlp": 0.7, "energy": 1.0}
    found = []
    for number, (method, alpha) in enumerate(rates.items()):
        random = np.random.default_rng(number)
        error = np.where(EPOCH > 0.02, 0.9 * (np.maximum(EPOCH, 1e-9) / 0.02) ** -alpha, 0.9)
        mistakes = random.binomial(5000, error, size=(6, len(EPOCH)))
        seen = np.full(len(EPOCH), 1000 if method == "gibbs" else 0)
        loss = error * np.exp(0.05 * random.standard_normal(mistakes.shape))
        found.append(
            LearningCurve(
                method, 120, 5000, 0.01, EPOCH, mistakes, mistakes, random.binomial(seen, error, size=mistakes.shape), seen, EPOCH * 5000, loss,
                num_train=5000, num_test=5000,
            )
        )  # fmt: skip
    return found


def test_differences_of_exponents_are_found_on_every_axis_and_measure(curves):
    arrays = fit_all(curves, plateau=0.002, resamples=15, seed=0)
    assert set(arrays["difference_other"]) == {"mlp", "energy"}
    power = arrays["difference_model"] == "power"
    truth = np.where(arrays["difference_other"] == "mlp", 0.3, 0.0)
    np.testing.assert_allclose(arrays["difference"][power, 0], truth[power], atol=0.04)
    assert set(arrays["method"][arrays["measure"] == "heads"]) == {"gibbs"}
    main = (arrays["measure"] == "train") & (arrays["axis"] == "epochs")
    assert len(np.unique(arrays["window"][main], axis=0)) == 1
    assert arrays["exponent"].shape == (len(arrays["method"]), len(MODELS))
    assert arrays["difference"].shape == (len(arrays["difference_other"]), 3)
    assert np.isfinite(arrays["low"][:, 0]).all()
    rows = list(difference_rows(arrays))
    assert len(rows) == len(arrays["difference"])
    assert all((row["sizes"], row["above 0"] + row["below 0"] <= 1) == (1, True) for row in rows)
    assert largest([*curves, replace(curves[0], images=10)]) == curves


def test_windows_end_at_the_plateau_of_the_first_curve(curves):
    first, last = common_window(curves, "train", "epochs", plateau=0.01)
    errors = [curve.values("train").mean(axis=0) for curve in curves]
    assert min(error[last == EPOCH][0] for error in errors) <= 0.01
    assert all((error[(first <= EPOCH) & (last > EPOCH)] > 0.01).all() for error in errors)
    scan = scan_windows(curves[0], curves[1], (first, last), resamples=10, seed=0)
    assert len(scan["start"]) >= 1
    np.testing.assert_allclose(scan["difference"][:, 0], 0.3, atol=0.1)
    assert (scan["end"] / scan["start"] >= 10 * (1 - 1e-6)).all()


def test_what_is_refused_says_why(curves):
    flat = replace(curves[1], train=np.full_like(curves[1].train, 2000))
    arrays = fit_all([curves[0], flat], plateau=0.0, resamples=2, seed=0)
    train = arrays["measure"] == "train"
    assert all("never halves" in refused for refused in arrays["refused"][train])
    assert "train" not in {row["measure"] for row in difference_rows(arrays)}
    assert np.isnan(arrays["exponent"][train]).all()
    assert (arrays["best"][train] == "").all()
    shown, methods = list(fit_rows(arrays)), set(arrays["method"])
    assert sum(name in methods for row in shown for name in row) == (arrays["best"] != "").sum()
    assert "train" not in {row["measure"] for row in shown}
    kept = np.flatnonzero(arrays["refused"] == "")[0]
    assert shown[0][arrays["method"][kept]].split("; ")[1:] == [f"{arrays['dispersion'][kept, 0]:.3g}", arrays["best"][kept]]
    told = refusals(arrays)
    assert told.startswith("Refused, because fits need a run that has learned something: train by epochs, ")
    assert "test by" not in told


def test_cost_of_an_epoch_counts_reads_updates_and_multiplications():
    settings = {"width": 10, "copies": 2, "batch_size": 20, "reads": 4, "sweeps": 5}
    cost = cost_of_an_epoch(64, 3, 50, method="gibbs", **settings)
    assert cost["updates"] == 3
    assert cost["reads"] == 200
    assert cost["spin_updates"] == 200 * 5 * 16
    assert cost["multiply_adds"] == 50 * (2 * (64 * 10 + 10 * 6) + 4 * 5 * 2 * 10 * 6)
    assert cost["annealer_seconds"] == pytest.approx(50 * (0.015 + 4 * 0.00014))
    mlp = cost_of_an_epoch(64, 3, 50, method="mlp", **settings)
    assert mlp["reads"] == 0
    assert mlp["multiply_adds"] == 3 * 50 * (640 + 30)


def test_cost_to_reach_an_error_is_proportional_to_its_epochs(digits, tmp_path):
    found = study(digits, tmp_path)
    cost = cost_to_reach(found, 0.99)
    assert cost["reached"] == 1
    assert found.epoch_cost == cost_of_an_epoch(64, 10, 200, **COST)
    assert cost["reads"] == pytest.approx(cost["epochs"] * found.epoch_cost["reads"])
    never = cost_to_reach(found, -1.0)
    assert never["reached"] == 0
    assert np.isnan(never["epochs"])


def test_a_study_of_short_runs_stores_what_it_could_not_fit(digits, tmp_path):
    arrays = study_exponents([study(digits, tmp_path)], plateau=0.002, resamples=2, seed=0)
    assert arrays["difference"].shape == arrays["scan_difference"].shape == (0, 3)
    assert arrays["local_gibbs"].shape == (8, 3)
    assert arrays["cost_gibbs_reached"].shape == arrays["levels"].shape
    assert arrays["curve_gibbs_images"] == 200


def test_measures_of_a_curve(curves):
    for measure in MEASURES:
        values = curves[0].values(measure)
        assert values.shape == (6, len(EPOCH))
    np.testing.assert_allclose(curves[0].values("train"), curves[0].train / 5000)
    assert curves[0].trials("loss") is None
