"""Notebooks stay thin: text, a few calls, figures; what can be wrong is in packages, where tests reach it."""

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

PROJECT = Path(__file__).parents[1]
NOT_YET = {"playground"}
NAMES = sorted(path.stem for path in (PROJECT / "notebooks").glob("*.ipynb") if path.stem not in NOT_YET)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_thin(name):
    cells = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    lines = {cell.id: len(cell.source.splitlines()) for cell in code}
    assert max(lines.values()) <= 25
    assert sum(lines[cell.id] for cell in code if "parameters" not in cell.metadata.get("tags", [])) <= 80
    for above, below in pairwise(cells):
        assert "markdown" in (above.cell_type, below.cell_type), f"no text above: {below.source[:60]}"
    assert not any(cell.get("outputs") for cell in cells)


def test_first_cells_load_nothing_that_only_later_ones_need():
    """Tables load pandas, and intervals and fits parts of scipy, when they are made; torch is loaded where it trains."""
    imports = set()
    for name in set(NAMES) - {"03_backprop", "08_torch_layer", "summary"}:
        cells = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        first = next(cell.source for cell in cells if cell.cell_type == "code" and "from_cell(" in cell.source)
        imports |= {ast.unparse(line) for line in ast.parse(first).body if isinstance(line, ast.Import | ast.ImportFrom)}
    heavy = ("seaborn", "pandas", "torch", "sklearn", "scipy.stats", "scipy.optimize", "dwave.system")
    said = f"import sys\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", "\n".join([*sorted(imports), said])], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
