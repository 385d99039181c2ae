"""Studies of learning curves in small: what is trained, kept, resumed and fitted."""

import json
from dataclasses import replace

import numpy as np
import pytest

from artifact.parameters import notebook_parameters
from qnn_core import InvalidInput
from qnn_core.learning_curve import MEASURES, LearningCurve
from qnn_core.powerlaw import MODELS, common_window, scan_windows
from studies.curves import cost_of_an_epoch, curves_by_rate, curves_of, study
from studies.exponents import cost_to_reach, differences, fit_all, largest, tabulated
from studies.stored import Result

EPOCH = np.concatenate([[0.0], np.geomspace(0.01, 20, 60)])


def parameters(**changes):
    settings = {
        "method": "gibbs", "width": 8, "train_images": [100, 200], "rates": [0.003, 0.02], "epochs": 2, "batch_size": 20, "reads": 3,
        "sweeps": 5, "seeds": [0, 1, 2], "result": "unused.npz",
    }  # fmt: skip
    return notebook_parameters("05a_curves", {**settings, **changes})


def stored(p, arrays):
    return Result("curves.npz", arrays, {"parameters": json.loads(p.model_dump_json()), "sampler_kind": "test"})


@pytest.mark.parametrize("method", ["gibbs", "mlp"])
def test_a_study_tunes_the_rate_on_held_out_images_and_resumes(method, digits, tmp_path):
    p = parameters(method=method)
    arrays = study(p, digits, str(tmp_path))
    assert arrays["validation"].shape == (2, 2)
    assert arrays["num_validation"] == 40
    assert arrays["chosen"] == arrays["rates"][arrays["validation"].sum(axis=0).argmin()]
    small, big = curves_of(stored(p, arrays))
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
    by_rate = curves_by_rate(stored(p, arrays))
    assert [curve.rate for curve in by_rate] == [0.003, 0.02]
    chosen = next(curve for curve in by_rate if curve.rate == arrays["chosen"])
    np.testing.assert_array_equal(chosen.train, big.train[:2])
    # Finished runs are read, a damaged one is made again: the result is the same.
    files = sorted(tmp_path.glob("*.run"))
    files[0].write_bytes(b"half")
    altered = bytearray(files[1].read_bytes())
    altered[-200] ^= 1
    files[1].write_bytes(altered)
    again = study(p, digits, str(tmp_path))
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
    fitted = fit_all(curves, plateau=0.002, resamples=15, seed=0)
    found = differences(fitted)
    assert {one.other for one in found} == {"mlp", "energy"}
    for one in found:
        truth = 0.3 if one.other == "mlp" else 0.0
        if one.model == "power":
            assert one.interval.value == pytest.approx(truth, abs=0.04), one
    assert {row.method for row in fitted if row.measure == "heads"} == {"gibbs"}
    windows = {row.fits["power"].window for row in fitted if row.measure == "train" and row.axis == "epochs"}
    assert len(windows) == 1
    arrays = tabulated(fitted, found)
    assert arrays["exponent"].shape == (len(fitted), len(MODELS))
    assert arrays["difference"].shape == (len(found), 3)
    assert np.isfinite(arrays["low"][:, 0]).all()
    assert largest(fitted) == fitted


def test_windows_end_at_the_plateau_of_the_first_curve(curves):
    first, last = common_window(curves, "train", until=0.01)
    errors = [curve.values("train").mean(axis=0) for curve in curves]
    assert min(error[last == EPOCH][0] for error in errors) <= 0.01
    assert all((error[(first <= EPOCH) & (last > EPOCH)] > 0.01).all() for error in errors)
    scan = scan_windows(curves[0], curves[1], "train", (first, last), resamples=10, seed=0)
    assert len(scan["start"]) >= 1
    np.testing.assert_allclose(scan["difference"][:, 0], 0.3, atol=0.1)
    assert (scan["end"] / scan["start"] >= 10 * (1 - 1e-6)).all()


def test_what_is_refused_says_why(curves):
    flat = replace(curves[1], train=np.full_like(curves[1].train, 2000))
    rows = fit_all([curves[0], flat], axes=["epochs"], measures=["train"], plateau=0.0, resamples=20, seed=0)
    assert all(not row.fits and "never halves" in row.refused for row in rows)
    assert differences(rows) == []
    assert np.isnan(tabulated(rows, [])["exponent"]).all()
    assert all(row.best is None for row in rows)


def test_cost_of_an_epoch_counts_reads_updates_and_multiplications():
    p = parameters(width=10, reads=4, sweeps=5, copies=2)
    cost = cost_of_an_epoch(p, pixels=64, classes=3, images=50)
    assert cost["updates"] == 3
    assert cost["reads"] == 200
    assert cost["spin_updates"] == 200 * 5 * 16
    assert cost["multiply_adds"] == 50 * (2 * (64 * 10 + 10 * 6) + 4 * 5 * 2 * 10 * 6)
    assert cost["annealer_seconds"] == pytest.approx(50 * (0.015 + 4 * 0.00014))
    mlp = cost_of_an_epoch(parameters(method="mlp", width=10, copies=2), 64, 3, 50)
    assert mlp["reads"] == 0
    assert mlp["multiply_adds"] == 3 * 50 * (640 + 30)


def test_cost_to_reach_an_error_is_proportional_to_its_epochs(digits, tmp_path):
    p = parameters()
    result = stored(p, study(p, digits, str(tmp_path)))
    cost = cost_to_reach(result, 0.99)
    assert cost["reached"] == 1
    epoch = cost_of_an_epoch(p, 64, 10, 200)
    assert cost["reads"] == pytest.approx(cost["epochs"] * epoch["reads"])
    never = cost_to_reach(result, -1.0)
    assert never["reached"] == 0
    assert np.isnan(never["epochs"])


def test_measures_of_a_curve(curves):
    for measure in MEASURES:
        values = curves[0].values(measure)
        assert values.shape == (6, len(EPOCH))
    np.testing.assert_allclose(curves[0].values("train"), curves[0].train / 5000)
    assert curves[0].trials("loss") is None
