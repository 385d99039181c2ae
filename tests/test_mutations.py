"""The list of planted faults fits the code, and two of them are planted here; python -m tests.mutations plants all."""

import ast
from pathlib import Path

import pytest
from mutations import FAULTS, PROJECT, found


def test_every_fault_changes_one_line_that_is_there_and_names_a_test():
    assert len(FAULTS) >= 20
    for fault in FAULTS:
        source = (PROJECT / fault.file).read_text(encoding="utf-8")
        assert source.count(fault.line) == 1, f"{fault.file}: {fault.line}"
        ast.parse(source.replace(fault.line, fault.faulty))
        file, _, test = fault.test.partition("::")
        assert f"def {test}(" in (Path(__file__).parent / file).read_text(encoding="utf-8"), fault.test


@pytest.mark.parametrize("fault", [FAULTS[0], FAULTS[-4]], ids=lambda fault: fault.file)
def test_planted_faults_are_found(fault, tmp_path):
    assert found(fault, tmp_path)
