"""What a run will take, from a log of Snakemake's whose times are known."""

import json

import pytest

from artifact import files, plan
from artifact.plan import costs, main, read_log

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
    jobid: 11
[Thu Nov  5 00:00:20 2026]
Finished jobid: 11 (Rule: phase)
1 of 3 steps (33%) done
"""
REST = """[Thu Nov  5 00:00:25 2026]
Finished jobid: 4 (Rule: phase)
2 of 3 steps (67%) done
[Thu Nov  5 00:00:25 2026]
localrule fig1:
    jobid: 1
[Thu Nov  5 00:01:30 2026]
Finished jobid: 1 (Rule: fig1)
3 of 3 steps (100%) done
"""


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / "config").mkdir()
    return tmp_path / "log"


def test_times_and_what_is_left_are_read_from_the_log():
    assert read_log(LOG).planned == {"phase": 2, "fig1": 1}
    assert read_log(LOG).seconds == {"phase": [25.0]}
    assert read_log(LOG).left == {"phase": 1, "fig1": 1}
    whole = read_log(LOG + REST)
    assert whole.seconds == {"phase": [25.0, 35.0], "fig1": [65.0]}
    assert not whole.left
    assert not read_log("Building DAG of jobs...\nNothing to be done").planned


def test_a_rule_that_only_names_the_notebooks_of_another_is_not_planned():
    grouped = LOG.replace("phase           2", "phase           1\nphase_run       1")
    assert read_log(grouped).planned == {"phase_run": 1, "fig1": 1}
    assert not read_log(grouped).seconds


def test_a_measured_run_is_what_the_next_is_estimated_by(log, capsys):
    log.write_text(LOG)
    assert main([str(log)]) == 0
    assert capsys.readouterr().out == "3 notebooks to run, how long they take was not measured: fig1, phase 2.\n"
    assert main([str(log), "--left"]) == 0
    assert capsys.readouterr().out == "\n"
    assert main([str(log), "--measure"]) == 1
    assert "2 of its notebooks have not ended" in capsys.readouterr().err
    log.write_text(LOG + REST)
    assert main([str(log), "--measure"]) == 0
    assert costs("quick") == {"fig1": 65.0, "phase": 30.0}
    assert costs("paper") == {}
    capsys.readouterr()
    log.write_text(LOG)
    assert main([str(log), "--cores", "1"]) == 0
    assert capsys.readouterr().out == "3 notebooks to run, about 2 min on 1 cores: fig1, phase 2.\n"
    # 65 s and 30 s on two cores: the longer decides.
    assert main([str(log), "--left"]) == 0
    assert capsys.readouterr().out == "about 1 min left\n"
    log.write_text(LOG + REST)
    assert main([str(log), "--left"]) == 0
    assert capsys.readouterr().out == "\n"


def test_every_rule_of_a_measured_profile_is_one_of_the_workflow():
    known = json.loads((files.ROOT / plan.COSTS).read_text())
    rules = {
        line.split()[1].rstrip(":") for line in (files.ROOT / "Snakefile").read_text().splitlines() if line.startswith("rule ")
    }
    assert known
    for profile in known:
        assert set(costs(profile)) <= rules
