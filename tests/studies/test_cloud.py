"""The cloud of exponents: laws come back, shares of variance against sums over levels, hulls against half planes, runs against train."""

from itertools import product

import numpy as np
import pytest

from qnn_core.data import load_dataset
from qnn_core.training import train
from studies import choices, cloud
from studies.curves import LearningCurve
from studies.scaling_plots import cloud_figure
from studies.training import Recipe, with_rule

CHOICES = choices.Choices(("both", "as-read"), ("adam", "sgd"), (1.0,), (8,), (100,), ("mlp",))
LAWS = {"both": 1.1, "as-read": 0.6, "mlp": 0.8}
EPOCH = np.concatenate([[0.0], np.geomspace(0.01, 10, 40)])
IMAGES = 10**6


def curve_of(exponent, seed, scatter=0.02):
    """Three runs whose error falls as a power of epochs, and whose cuts as passes."""
    random = np.random.default_rng(seed)
    law = 0.003 * np.maximum(EPOCH, 0.009) ** -exponent
    error = np.minimum(law * np.exp(scatter * random.normal(size=(3, 1))), 0.9)
    counts, every = np.round(error * IMAGES).astype(np.int64), np.full(len(EPOCH), IMAGES)
    return LearningCurve("gibbs", 8, 100, 0.1, EPOCH, counts, counts, counts, every, 100 * EPOCH, error, IMAGES, IMAGES)


def learned(laws=LAWS):
    found = {}
    for number, setting in enumerate(CHOICES.settings):
        for weights, whose in product(("last", "averaged"), ("network", "own")):
            found[setting, weights, whose] = curve_of(laws[setting.maker], number)
    return found


@pytest.fixture(scope="module")
def arrays():
    return cloud.fit_cloud(learned(), CHOICES, plateau=0.0, resamples=10, seed=0)


def test_every_choice_is_made_once(arrays):
    rows = set(zip(*(arrays[name].tolist() for name in cloud.FACTORS), strict=True))
    assert len(rows) == len(arrays["known"]) == 2 * 2 * 2 * 6 * 2
    assert arrays["refused"].tolist() == [""] * len(rows)


def test_exponents_are_those_of_the_laws(arrays):
    for rule in ("both", "as-read"):
        of_it = (arrays["rule"] == rule) & (arrays["measure"] != "test error, plateau fitted")
        np.testing.assert_allclose(arrays["annealer"][of_it, 0], LAWS[rule], atol=0.01)
        np.testing.assert_allclose(arrays["backprop"][of_it, 0], LAWS["mlp"], atol=0.01)
        np.testing.assert_allclose(arrays["difference"][of_it, 0], LAWS[rule] - LAWS["mlp"], atol=0.02)


def test_half_of_the_choices_lie_above_because_of_the_rule(arrays):
    np.testing.assert_allclose(arrays["fraction_above"], 0.5, atol=0.01)
    assert arrays["largest_factor"] == "rule"
    shares = dict(zip(arrays["factors"].tolist(), arrays["share_difference"], strict=True))
    assert shares["rule"] > 0.99
    assert sum(shares.values()) <= 1 + 1e-9
    assert not arrays["reached"].any()


def test_the_paper_is_reached_by_its_own_exponents():
    paper = {"both": 1.01, "as-read": 0.6, "mlp": 0.78}
    arrays = cloud.fit_cloud(learned(paper), CHOICES, plateau=0.0, resamples=10, seed=0)
    assert arrays["reached"][arrays["rule"] == "both"].any()
    assert not arrays["reached"][arrays["rule"] == "as-read"].any()


def test_short_windows_and_runs_that_diverged_are_refused_with_a_reason():
    found = learned()
    for key in found:
        if key[0].maker == "as-read":
            found[key] = None
    arrays = cloud.fit_cloud(found, CHOICES, plateau=0.05, resamples=10, seed=0)
    assert (arrays["refused"][arrays["rule"] == "as-read"] == "A run diverged.").all()
    short = (arrays["rule"] == "both") & (arrays["measure"] == "training error") & (arrays["axis"] == "epochs")
    assert all("decades" in reason for reason in arrays["refused"][short])
    assert not arrays["known"][short].any()
    assert np.isnan(arrays["difference"][short]).all()


def test_shares_of_a_complete_design_are_those_between_means_of_levels():
    random = np.random.default_rng(1)
    levels = np.array(list(product(range(3), range(2), range(4), range(5))))
    values = levels[:, 0] ** 2 + 0.5 * levels[:, 1] * levels[:, 2] + random.normal(size=len(levels))
    shares = cloud.main_effects(values, {f"f{column}": levels[:, column] for column in range(4)})
    for column in range(4):
        means = np.array([values[levels[:, column] == level].mean() for level in levels[:, column]])
        assert shares[f"f{column}"] == pytest.approx(means.var() / values.var(), rel=1e-9)


def test_shares_of_an_incomplete_design_are_by_hand():
    # y = a + 2 b at three of the four corners: each factor's own part, the other given, is 1 / 3 * (1/2) and 4 * (1/2) of squares.
    a, b = np.array([0, 1, 0]), np.array([0, 0, 1])
    shares = cloud.main_effects(np.array([0.0, 1.0, 2.0]), {"a": a, "b": b})
    # Without a: the means 0.5 and 2 leave 0.5; without b: the means 1 and 1 leave 2. In all: 2.
    assert shares == pytest.approx({"a": 0.25, "b": 1.0})


def test_nothing_that_varies_has_no_share():
    assert cloud.main_effects(np.ones(4), {"a": np.arange(4)}) == {"a": 0.0}
    assert cloud.main_effects(np.empty(0), {"a": np.empty(0)}) == {"a": 0.0}


def test_a_hull_holds_what_no_half_plane_cuts_off():
    random = np.random.default_rng(2)
    cloud_of = random.normal(size=(30, 2))
    directions = np.stack([np.cos(angle := np.linspace(0, 2 * np.pi, 2000)), np.sin(angle)])
    for point in random.normal(size=(50, 2)) * 2:
        outside = (point @ directions > (cloud_of @ directions).max(axis=0)).any()
        assert cloud.in_hull(tuple(point), *cloud_of.T) == (not outside)
    assert not cloud.in_hull((0.0, 0.0), np.zeros(5), np.arange(5.0))
    assert not cloud.in_hull((0.0, 0.0), np.empty(0), np.empty(0))


@pytest.mark.parametrize("best", [0.01, 0.08, 0.00125])
def test_the_best_rate_is_found_up_and_down_the_ladder(best):
    tried = []

    def mistakes(rate):
        tried.append(rate)
        return abs(np.log2(rate / best))

    assert choices.best_rate(0.01, mistakes) == pytest.approx(best)
    assert len(tried) == len(set(tried)) == 3 + abs(round(np.log2(best / 0.01)))


TRAINING = {
    "rule": "both", "reads": 2, "epochs": 1, "batch_size": 20, "lr": 0.01, "schedule": "constant", "optimiser": "adam",
    "averaged": True, "evaluations": 2, "evaluation_images": None, "asked": 20,
}  # fmt: skip


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_one_run_shows_what_two_would(optimiser):
    data = load_dataset("digits").take(100, 0)
    made = Recipe("gibbs", (6,), {**TRAINING, "optimiser": optimiser}, {"copies": 1}, {"sweeps": 3})
    both = choices.both_weights(made, data, 3)
    for weights in ("last", "averaged"):
        options = {**with_rule(made.training), "averaged": weights == "averaged"}
        alone = train(made.untrained(data, 3), data, made.sampler, **options, seed=3).arrays()
        for name in ("epoch", "train_mistakes", "test_mistakes", "cross_entropy", "head_fraction"):
            np.testing.assert_array_equal(both[f"{weights}_{name}"], alone[name])
    other = Recipe("mlp", (6,), {**TRAINING, "optimiser": optimiser}, {"copies": 1}, {})
    assert {"last_train_mistakes", "averaged_train_mistakes"} <= choices.both_weights(other, data, 3).keys()


def test_runs_are_kept_and_a_small_study_can_be_drawn(tmp_path, monkeypatch):
    small = choices.Choices(("both",), ("adam",), (0.5, 1.0), (6,), (100, 150), ("mlp",))
    assert small.sizes == [(6, 100), (6, 150)]
    options = {
        "first_rate": 0.02,
        "seeds": (0, 1),
        "held_out": 0.2,
        "tuning_epochs": 1,
        "test_images": 60,
        "folder": str(tmp_path),
    }
    recipe = Recipe("gibbs", (6,), TRAINING, {"copies": 1}, {"sweeps": 3})
    data = load_dataset("digits")
    first, tuned = choices.learn(data, recipe, small, **options)
    assert tuned["tuned_maker"].tolist() == ["both", "mlp"]
    assert all(
        curve.num_test == (20 if whose == "own" and curve.method == "gibbs" else 60) for (_, _, whose), curve in first.items()
    )
    monkeypatch.setattr(choices, "both_weights", None)
    again, _ = choices.learn(data, recipe, small, **options)
    assert all(np.array_equal(first[key].train, again[key].train) for key in first)
    arrays = cloud.fit_cloud(first, small, plateau=0.0, resamples=20, seed=0)
    assert len(list(cloud.by_level(arrays))) == sum(len(np.unique(arrays[name])) for name in cloud.FACTORS)
    cloud_figure(arrays)
