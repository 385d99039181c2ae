"""The book: rendered notebooks, claims, documents and docstrings, to be read without a network.

./run_all.sh --site writes site/index.html. Sphinx sets the pages (docs/conf.py); here they are gathered.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import pkgutil
import re
import shutil
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from sphinx.cmd.build import build_main

from artifact.claims import load_claims
from artifact.files import ROOT, STORED
from artifact.interactive import network_script
from artifact.profiles import load_profile, runs_of
from artifact.readme import GALLERY, duration, kept_claims
from artifact.results import load_result, made_by, sidecar
from artifact.tidy import rendered
from qnn_core.data import load_dataset
from qnn_core.errors import DamagedFile, MissingData
from studies.claims import Claim, per_claim, tally
from studies.paper import CLAIMS, TITLES

DOCUMENTED = ("qnn_core", "qnn_dwave", "studies")
"""Packages whose docstrings are the reference."""
TEMPLATES = jinja2.Environment(loader=jinja2.FileSystemLoader("docs/book/templates"), undefined=jinja2.StrictUndefined)
TEMPLATES.filters["duration"] = duration


def write_book(profile: str) -> str:
    """Write the book of a profile in place of an older one; returns the path of its first page.

    Raises MissingData when the profile has no rendered notebooks or no claims, DamagedFile when Sphinx finds fault with a page.
    """
    with contextlib.chdir(ROOT), tempfile.TemporaryDirectory(dir=".", prefix=".site-") as scratch:
        sources, book, old = (Path(scratch) / name for name in ("sources", "book", "old"))
        _gather(sources, profile)
        script = _gather_play(sources, profile)
        _set(sources, book, profile)
        (book / "_static/network.js").write_text(script, encoding="utf-8")
        if Path("site").exists():
            os.replace("site", old)
        os.replace(book, "site")
    return "site/index.html"


def _gather(sources: Path, profile: str) -> None:
    """All pages, in the folders that their sources have in the project."""
    notebooks = _gather_notebooks(sources, profile)
    if not notebooks:
        raise MissingData(f"No rendered notebook of the {profile} profile; run ./run_all.sh --profile {profile} first.")
    claims, _ = load_claims(f"data/results/{profile}/claims.json")
    shutil.copytree(Path("figures") / profile, sources / "figures")
    shutil.copytree("docs", sources / "docs", ignore=shutil.ignore_patterns("gallery", "book", "*.py", "__pycache__"))
    for document in (sources / "docs").glob("*.md"):
        document.write_text(_with_links_inside(document), encoding="utf-8")
    listed = re.findall(r"^notebooks/\S+$", Path("docs/book/templates/index.md").read_text(encoding="utf-8"), re.MULTILINE)
    further = [name for name in notebooks if not any(fnmatch(name, pattern) for pattern in listed)]
    _write(sources / "index.md", "index.md", claims=claims, tally=tally(claims), titles=TITLES, profile=profile, further=further)
    other = "quick" if profile == "paper" else "paper"
    differing = _judged_otherwise(claims, other)
    for name, parts in per_claim(claims).items():
        told = {"title": TITLES[name], "statement": CLAIMS[name], "parts": parts, "other": other, "others": differing}
        _write(sources / f"claims/{name}.md", "claim.md", name=name, **told)
    packages = [[name, *(one.name for one in pkgutil.walk_packages([name], f"{name}."))] for name in DOCUMENTED]
    modules = [name for names in packages if len(names) > 1 for name in names]
    _write(sources / "api/index.md", "reference.md", modules=modules)
    for name in modules:
        _write(sources / f"api/{name}.md", "module.md", name=name)


def _gather_play(sources: Path, profile: str) -> str:
    """The page `play`, which needs no Python; returns the script with its network."""
    training = load_result(_training_to_play_with(profile))
    data, made = load_dataset("digits"), training.provenance
    below = TEMPLATES.get_template("provenance.md").render(record=made, seconds=made["seconds"], others={})
    _write(sources / "play.md", "play.md", record=made, images=len(data.y_train), below=below)
    return network_script(training, data)


def _training_to_play_with(profile: str) -> str:
    """A training of the profile whose networks a page can hold: one hidden layer, small images; else the one of the gallery."""
    records = [*sorted(Path(f"data/results/{profile}/training").glob("gibbs-*.json")), *Path(GALLERY).glob("gibbs-*.json")]
    for record in records:
        made = json.loads(record.read_text(encoding="utf-8"))["parameters"]
        if made["dataset"] == "digits" and len(made["hidden"]) == 1:
            return str(record.with_suffix(".npz"))
    raise MissingData(f"No training on digits in data/results/{profile} or {GALLERY}; git restores {GALLERY}.")


def _judged_otherwise(claims: list[Claim], profile: str) -> dict[str, Claim]:
    """Parts, by id, that the last run of another profile gave another word; none if there is no such run."""
    verdicts = {claim.id: claim.verdict for claim in claims}
    with contextlib.suppress(MissingData, DamagedFile):
        others, _ = load_claims(kept_claims(profile))
        return {other.id: other for other in others if other.verdict != verdicts.get(other.id, other.verdict)}
    return {}


def _with_links_inside(document: Path) -> str:
    """The text of a document; links to files of the project that are no pages become their text."""

    def kept(link: re.Match[str]) -> str:
        text, target = link[1], link[2].replace("notebooks/rendered/paper/", "notebooks/")
        inside = "://" in target or (document.parent / target.split("#")[0]).exists()
        return f"[{text}]({target})" if inside else text

    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", kept, document.read_text(encoding="utf-8"))


def _write(page: Path, template: str, **values: Any) -> None:
    page.parent.mkdir(exist_ok=True)
    page.write_text(TEMPLATES.get_template(template).render(values), encoding="utf-8")


def _gather_notebooks(sources: Path, profile: str) -> list[str]:
    """Pages of the rendered notebooks, failed ones left out; returns their names.

    Of several runs of a notebook the one that the profile names first stands for it, and leads to the others.
    """
    folder = Path("notebooks/rendered") / profile
    runs: dict[str, list[Path]] = {}
    for path in rendered(folder):
        runs.setdefault(f"notebooks/{path.relative_to(folder).with_suffix('').parts[0]}", []).append(path)
    content = load_profile(profile) if runs else {}
    for name, paths in runs.items():
        named = runs_of(content, Path(name).name)
        paths.sort(key=lambda path: [not path.stem.startswith(run) for run in named])
        pages = {paths[0]: Path(f"{name}.ipynb")} | {path: path for path in paths[1:]}
        for path, page in pages.items():
            others = {one.stem: os.path.relpath(pages[one], page.parent) for one in paths if one != path}
            (sources / page).parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(_as_page(path, page, others), sources / page)
    return list(runs)


def _as_page(path: Path, page: Path, others: dict[str, str]) -> nbformat.NotebookNode:
    """A rendered notebook with its code folded, its pictures named, and below it what made it.

    page: where the book has it; a further run, which the book does not list, where it was. others: links to the other runs by name.
    """
    content = nbformat.read(path, as_version=4)
    heading, up = "", os.path.relpath(".", page.parent)
    for cell in content.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^#+ (.*)$", cell.source, flags=re.MULTILINE) or [heading])[-1]
            cell.source = cell.source.replace("](../", f"]({up}/")  # As seen from notebooks/.
        else:
            tags = cell.metadata.setdefault("tags", [])
            tags.append("remove-input" if {"parameters", "injected-parameters"} & set(tags) else "hide-input")
            cell.metadata["mystnb"] = {"image": {"alt": f"Plot under the heading “{heading.replace('$', '')}”"}}
    if page == path:
        content.metadata["orphan"] = True
        content.cells[0].source = re.sub(r"^# .*", rf"\g<0> ({path.stem})", content.cells[0].source)
    if record := content.metadata.pop("provenance", None):
        below = TEMPLATES.get_template("provenance.md").render(record=record, seconds=_seconds(record), others=others)
        content.cells.append(nbformat.v4.new_markdown_cell(below))
    return content


def _seconds(record: dict[str, Any]) -> float | None:
    """Wall time, which the record of the result has; pages are the same on every machine."""
    stored = [Path(sidecar(path)) for name, path in record["parameters"].items() if name in STORED]
    made = [made_by(json.loads(file.read_text(encoding="utf-8"))) for file in stored if file.is_file()]
    return float(made[0]["seconds"]) if made else None


def _set(sources: Path, book: Path, profile: str) -> None:
    """Run Sphinx; its warnings are errors."""
    os.environ["BOOK_PROFILE"] = profile
    options = ["-q", "-W", "--keep-going", "-j", "auto", "-c", "docs", "-d", str(book.with_name("doctrees"))]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        if build_main([*options, str(sources), str(book)]):
            raise DamagedFile(f"Sphinx could not make the book:\n{said.getvalue()}")
    # Firefox takes no font from a file beside a page.
    style, font = (book / "_static" / name for name in ("book.css", "STIXTwoMath.woff2"))
    embedded = f"data:font/woff2;base64,{base64.b64encode(font.read_bytes()).decode()}"
    style.write_text(style.read_text(encoding="utf-8").replace(font.name, embedded), encoding="utf-8")
