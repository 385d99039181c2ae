"""Notebooks stay thin: text, a few calls, figures; what can be wrong is in packages, where tests reach it."""

from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

PROJECT = Path(__file__).parents[1]
NOT_YET = {"07_active_layers", "fig5", "summary", "playground"}
NAMES = sorted(path.stem for path in (PROJECT / "notebooks").glob("*.ipynb") if path.stem not in NOT_YET)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_thin(name):
    cells = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    lines = [
        len(cell.source.splitlines())
        for cell in cells
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])
    ]
    assert max(lines) <= 25
    assert sum(lines) <= 80
    for above, below in pairwise(cells):
        assert "markdown" in (above.cell_type, below.cell_type), f"no text above: {below.source[:60]}"
    assert not any(cell.get("outputs") for cell in cells)
