"""Rendered notebooks as pages of HTML: formulas as MathML, code folded, pictures described, and where every number comes from.

Nothing on a page is fetched when it is read. MathML is what browsers draw by themselves (MathML Core, W3C); the conversion is math-core's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from math_core import LatexToMathML
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from artifact.contents import about
from artifact.files import in_project, relative
from artifact.origins import STORED_AS
from artifact.parameters import assigned
from artifact.results import REMEDY
from qnn_core.files import read_record

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, eq=False)
class Page:
    """One rendered notebook. source: its path in the project. name: its path below the profile's folder, without ending."""

    source: str
    name: str
    content: NotebookNode

    @property
    def notebook(self) -> str:
        """The notebook that it is a copy of; runs of one notebook with several seeds lie in a folder of its name."""
        return self.name.split("/")[0]

    @cached_property
    def title(self) -> str:
        return next((line.removeprefix("# ") for line in self._prose() if line.startswith("# ")), self.notebook)

    @cached_property
    def about(self) -> str:
        """One line on what the page answers: the notebook's own first sentence where the contents have none."""
        first = next((line for line in self._prose() if line.strip() and not line.startswith("#")), "")
        return about(self.notebook) or re.split(r"(?<=[.?!])\s", first)[0]

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """All parameters of the run."""
        values: dict[str, Any] = {}
        for cell in self.content.cells:
            if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
                values |= assigned(cell.source)
        return values

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What the page carries of what made it, with the wall time that the record of its result has; empty where it carries nothing."""
        carried = dict(self.content.metadata.get("provenance", {}))
        for name in STORED_AS:
            record = in_project(self.parameters[name]).with_suffix(".json") if carried and name in self.parameters else None
            if record is not None and record.is_file():
                stored = read_record(record, REMEDY)
                carried["seconds"] = stored.get("provenance", stored)["seconds"]
        return carried

    def _prose(self) -> list[str]:
        return "\n".join(cell.source for cell in self.content.cells if cell.cell_type == "markdown").split("\n")


def read_pages(profile: str) -> list[Page]:
    """The rendered notebooks of a profile, failed ones left out."""
    folder = in_project("notebooks/rendered") / profile
    files = [
        path
        for path in folder.rglob("*.ipynb")
        if not path.name.endswith(".failed.ipynb") and ".ipynb_checkpoints" not in path.parts
    ]
    return [
        Page(relative(path), path.relative_to(folder).with_suffix("").as_posix(), nbformat.read(path, as_version=4))
        for path in sorted(files)
    ]


def labels(pages: Iterable[Page]) -> list[str]:
    """Short names of runs of one notebook: the parameters in which they differ.

    Paths and the rates chosen for them are left out, and lists of tables where something shorter tells the runs apart.
    """
    runs = [page.parameters for page in pages]
    names = [
        name
        for name in runs[0]
        if name not in (*STORED_AS, "rates", "lr") and any(run.get(name) != runs[0][name] for run in runs)
    ]
    short = [name for name in names if not any(_is_structured(run.get(name)) for run in runs)] or names
    return [", ".join(f"{name} {_plain(run.get(name))}" for name in short) or "the run" for run in runs]


def _is_structured(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _plain(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    """Markdown to HTML with formulas as MathML."""

    def __init__(self, **options: Any) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, **options)
        self._convert = LatexToMathML(fancy_error=False).convert_with_local_state

    def inline_math(self, body: str) -> str:
        return self._convert(body, displaystyle=False)

    def block_math(self, body: str) -> str:
        return f'<div class="formula">{self._convert(body, displaystyle=True)}</div>'

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def table(self, text: str) -> str:
        return f'<div class="scroll"><table>{text}</table></div>\n'


def markdown_to_html(source: str) -> str:
    """Markdown as the notebooks write it, as HTML; raises math_core.LatexError for a formula that cannot be set."""
    return MarkdownWithMath(renderer=_Renderer()).render(source)


def body_html(page: Page) -> str:
    """The cells of a page as HTML, without head and foot."""
    exporter = HTMLExporter(template_name="page", extra_template_basedirs=[str(TEMPLATES)])
    exporter.register_filter("markdown2html", markdown_to_html)
    html, _ = exporter.from_notebook_node(_described(page))
    return str(html)


def _described(page: Page) -> NotebookNode:
    """A copy of the notebook whose pictures say under which heading they stand, for those who cannot see them."""
    content = deepcopy(page.content)
    heading = page.title
    for cell in content.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ (.*)$", cell.source, flags=re.MULTILINE)
            heading = found[-1] if found else heading
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                alt = f"Plot under the heading “{heading.replace('$', '')}”; the text around it says what it shows."
                output.metadata.setdefault("image/png", {})["alt"] = alt
    return content
