"""Every machine says whether it computes the committed bits, and what differs first."""

import numpy as np
import pytest

from artifact import agreement
from artifact.files import in_project
from qnn_core.files import read_record
from qnn_core.processor import SETTLED, arithmetic

COMMITTED = read_record(in_project(agreement.DIGESTS), "")


@pytest.mark.parametrize("step", agreement.STEPS)
def test_this_machine_computes_the_committed_bits(step):
    if arithmetic() != COMMITTED["arithmetic"]:
        pytest.skip(f"committed with {COMMITTED['arithmetic']}, here {arithmetic()}")
    assert agreement.digest(step) == COMMITTED["steps"][step], f"the {step} differ; loops {SETTLED}"


def test_the_first_step_that_differs_is_named(monkeypatch, capsys):
    steps = {"zeros": lambda: [np.zeros(3)], "ones": lambda: [np.ones(3)], "twos": lambda: [np.full(3, 2.0)]}
    monkeypatch.setattr(agreement, "STEPS", steps)
    digests = {step: agreement.digest(step) for step in steps}
    monkeypatch.setattr(agreement, "read_record", lambda *_: {"steps": digests, "arithmetic": "loops of another"})
    assert agreement.main([]) == 0
    assert "the same bits as that of the committed runs, in all 3 steps" in capsys.readouterr().out
    monkeypatch.setitem(steps, "ones", lambda: [np.array([1, 1, np.nextafter(1.0, 2.0)])])
    assert agreement.main([]) == 1
    said = capsys.readouterr().out
    assert "first in the ones, in 1 of 3 steps" in said
    assert "there: loops of another" in said
