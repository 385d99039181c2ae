"""Profiles: what the workflow gives each notebook, checked before any of them runs."""

from pathlib import Path

import pytest

from artifact.profiles import load_profile, runs_of, settings
from qnn_core import InvalidInput

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["smoke", "quick", "paper"])
def test_profiles_are_valid(name):
    profile = load_profile(name)
    assert {"dataset", "seeds", "widths"} <= set(profile)


def test_values_at_the_top_go_to_all_and_sections_and_runs_change_them():
    profile = {"epochs": 3, "reads": 4, "nothing": 1, "05a_curves": {"reads": 5, "runs": {"mlp": {"rates": [0.1]}, "gibbs": {}}}}
    assert settings(profile, "03_backprop") == {"epochs": 3}
    assert settings(profile, "02_training", seed=7) == {"epochs": 3, "reads": 4, "seed": 7}
    assert runs_of(profile, "05a_curves") == ["mlp", "gibbs"]
    assert settings(profile, "05a_curves", "gibbs") == {"epochs": 3, "reads": 5, "method": "gibbs"}
    assert settings(profile, "05a_curves", "mlp", width=9)["rates"] == [0.1]


def test_a_profile_that_is_no_yaml_or_says_a_thing_twice_is_refused(tmp_path):
    content = (PROJECT / "config" / "smoke.yaml").read_text()
    for broken, named in (
        (content + "epochs: 7\n", "epochs is given twice"),
        ("a: [1", "a readable yaml file"),
        ("- 1", "config/bad.yaml"),
    ):
        (tmp_path / "bad.yaml").write_text(broken)
        with pytest.raises(InvalidInput, match=named):
            load_profile("bad", tmp_path)
    with pytest.raises(InvalidInput, match="profile = 'large'"):
        load_profile("large")
