"""What a run will take, from a log of Snakemake's whose times are known."""

import json
import os

import pytest

from artifact import files
from artifact.environment import targets
from artifact.plan import COSTS, LEARNED, expected, learn, measured, plan, planned

LOG = """Job stats:
job         count
--------  -------
phase           2
fig1            1
total           3

Select jobs to execute...
[Wed Nov  4 23:59:50 2026]
localrule phase:
    jobid: 4
[Wed Nov  4 23:59:55 2026]
rule phase:
    input: notebooks/04_phase.ipynb
    jobid: 11
[Thu Nov  5 00:00:20 2026]
Finished jobid: 11 (Rule: phase)
1 of 3 steps (33%) done
[Thu Nov  5 00:00:25 2026]
Finished jobid: 4 (Rule: phase)
2 of 3 steps (67%) done
[Thu Nov  5 00:00:25 2026]
localrule fig1:
    jobid: 1
"""
REST = """[Thu Nov  5 00:01:30 2026]
Finished jobid: 1 (Rule: fig1)
3 of 3 steps (100%) done
"""


def test_notebooks_and_times_are_read_from_the_log():
    assert planned(LOG) == {"phase": 2, "fig1": 1}
    assert measured(LOG) == {"phase": 30.0}
    assert measured(LOG + REST) == {"phase": 30.0, "fig1": 65.0}
    assert not planned("Building DAG of jobs...\nNothing to be done")


def test_a_rule_that_only_names_the_notebooks_of_another_is_not_planned():
    grouped = LOG.replace("phase           2", "phase           1\nphase_run       1")
    assert planned(grouped) == {"phase_run": 1, "fig1": 1}
    assert not measured(grouped)


@pytest.mark.parametrize(
    ("notebooks", "seconds", "minutes"),
    [
        ({"phase": 2, "sizes": 1}, {"phase": 60.0, "sizes": 240.0}, "4 to 12 min on 2 cores"),
        ({"phase": 8, "sizes": 1}, {"phase": 60.0, "sizes": 240.0}, "6 to 18 min on 2 cores"),
        ({"phase": 7, "new": 1}, {"phase": 60.0}, "4 to 12 min on 2 cores"),
        ({"phase": 1}, {}, "how long they take was not measured"),
    ],
)
def test_the_longest_notebook_or_all_of_them_decide(notebooks, seconds, minutes):
    assert minutes in plan(notebooks, seconds, 2)


def test_a_measured_run_is_what_the_next_is_estimated_by(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / LEARNED).parent.mkdir()
    learn(LOG + REST, "quick")
    learn(LOG + REST, "paper")
    os.replace(tmp_path / LEARNED, tmp_path / COSTS)
    assert json.loads((tmp_path / COSTS).read_text()) == {key: {"phase": 30.0, "fig1": 65.0} for key in ("quick", "paper")}
    assert expected(LOG, "quick", 1) == "3 notebooks to run, 2 to 6 min on 1 cores: fig1, phase 2."


def test_what_was_made_here_before_is_estimated_by_its_own_time(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / COSTS).write_text(json.dumps({"quick": {"phase": 600.0, "fig1": 600.0}}))
    assert "30 to 90 min" in expected(LOG, "quick", 1)
    learn(LOG + REST, "quick")
    assert "2 to 3 min" in expected(LOG, "quick", 1)
    learn(LOG, "quick")  # of a run that was stopped before anything ended
    assert "2 to 3 min" in expected(LOG, "quick", 1)
    assert json.loads((tmp_path / COSTS).read_text()) == {"quick": {"phase": 600.0, "fig1": 600.0}}


@pytest.mark.parametrize("kept", ["{}", "{", "[1]", "3", '{"quick": 3}', "[" * 100_000, ""])
def test_a_damaged_table_of_times_stops_no_run(tmp_path, monkeypatch, kept):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / COSTS).write_text(kept)
    assert "how long they take was not measured" in expected(LOG, "quick", 1)


def test_every_rule_of_a_measured_profile_is_a_target_of_the_workflow():
    known = json.loads((files.ROOT / COSTS).read_text())
    assert set(known) == {"quick", "paper"}
    assert {rule.removesuffix("_run") for costs in known.values() for rule in costs} <= set(targets())
