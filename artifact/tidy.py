"""Before a run: remove altered files that can be made again, and set aside files that this run would not make, see docs/trust.md.

Snakemake looks at dates alone, so every file of a profile is held against its SHA-256 here. What does not match is named, in one sentence,
and removed with all that the same notebook made, so that Snakemake misses it; a page or record in these folders that the workflow did not
write counts as damaged. Recorded reads and data sets are never touched.
"""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

from artifact.files import STORED, in_project, relative
from artifact.origins import read_page
from artifact.parameters import notebook_parameters
from artifact.profiles import load_profile
from artifact.results import PACKAGES, files_of, made_by
from artifact.workflow import table
from qnn_core.errors import DamagedFile
from qnn_core.files import file_sha256, read_record, read_sealed, reading

EMBEDDINGS = "data/embeddings"
SOURCES = (*PACKAGES, "notebooks", "config", "Snakefile")
_AGAIN = "it is made again"


def outputs(profile: str) -> tuple[str, str, str]:
    """The folders of a profile's results, figures and rendered pages."""
    return f"data/results/{profile}", f"figures/{profile}", f"notebooks/rendered/{profile}"


def tidy(profile: str) -> list[str]:
    """Remove leftovers and damaged files of a profile; returns a sentence for each damaged one."""
    now = time.time()
    for source in (path for name in SOURCES for path in [in_project(name), *in_project(name).rglob("*")]):
        # Snakemake would never be done with what is younger than its outputs.
        if source.is_file() and source.stat().st_mtime > now:
            os.utime(source)
    results, figures, pages = (in_project(folder) for folder in outputs(profile))
    embeddings = in_project(EMBEDDINGS)
    for leftover in (path for folder in (results, figures, pages, embeddings) for path in folder.rglob(".*") if path.is_file()):
        leftover.unlink()
    for compiled in (path for package in PACKAGES for path in in_project(package).rglob("*.nb[ic]")):
        # Numba keeps pickles, and would stop in every run at one that lacks its end.
        if not compiled.read_bytes().endswith(pickle.STOP):
            compiled.unlink()
    found = [_damage(checkpoint, "training begins from its start") for checkpoint in sorted(results.rglob("*.checkpoint"))]
    found += [_damage(embedding, _AGAIN) for embedding in sorted(embeddings.rglob("*.json"))]
    found += [_damaged_family(record, pages) for folder in (results, figures) for record in sorted(folder.rglob("*.json"))]
    found += [_damage(page, _AGAIN) for page in rendered(pages)]
    return [sentence for sentence in found if sentence]


def set_aside(profile: str, *, only_tell: bool = False) -> list[str]:
    """Move results and figures that were made with other parameters than a profile's, by hand or before it changed; a sentence for each."""
    content, sentences = load_profile(profile), []
    for row in table(profile, content).values():
        for wildcards in row.each():
            files = [in_project(file.format(**wildcards)) for file in row.files]
            wanted = {**row.settings(content, wildcards), **row.paths(wildcards)}
            if other := _otherwise(files[-1], notebook_parameters(row.notebook, wanted).model_dump(mode="json")):
                sentences.append(f"{relative(files[-1])} was made with {other}, unlike config/{profile}.yaml; {_AGAIN}.")
                for file in files if not only_tell else ():
                    aside = in_project(relative(file).replace(f"/{profile}/", "/before/", 1))
                    aside.parent.mkdir(parents=True, exist_ok=True)
                    if file.is_file():
                        file.replace(aside)
    return sentences


def _otherwise(record: Path, wanted: dict[str, Any]) -> str:
    """Which parameters of a record are not those wanted, in words; empty if all are, or there is no whole record."""
    try:
        made = made_by(read_record(record, _AGAIN)).get("parameters", {})
    except (FileNotFoundError, DamagedFile):
        return ""
    names = sorted(name for name in wanted.keys() | made.keys() if wanted.get(name) != made.get(name))
    told = [f"{name} = {made.get(name)!r:.60}" for name in names[:2]]
    return ", ".join(told) + f" and {len(names) - 2} other parameters" * (len(names) > 2)


def rendered(folder: Path) -> list[Path]:
    """The workflow's pages in a folder: none that failed, nor what Jupyter keeps of those that were opened."""
    pages = sorted(folder.rglob("*.ipynb"))
    return [page for page in pages if not page.name.endswith(".failed.ipynb") and ".ipynb_checkpoints" not in page.parts]


def _damage(path: Path, remedy: str) -> str:
    """What is wrong with a file that carries its own SHA-256, which then is removed; nothing if nothing is."""
    read = {".checkpoint": read_sealed, ".json": read_record, ".ipynb": read_page}[path.suffix]
    try:
        read(path, remedy)
    except DamagedFile as failure:
        path.unlink()
        return str(failure)
    return ""


def _damaged_family(record: Path, pages: Path) -> str:
    """What is wrong with a record, or with what it is the record of; all of it is removed then, the record last."""
    family = [record.with_suffix(ending) for ending in STORED["figure"]]
    shown: list[Path] = []
    try:
        with reading(record, "a complete record", _AGAIN):
            content = read_record(record, _AGAIN)
            notebook = str(made_by(content).get("notebook"))  # Which has one page, or one for each of its results.
            shown = [pages / f"{notebook}.ipynb", pages / notebook / f"{record.stem}.ipynb"]
            for name, sha256 in files_of(content).items():
                path = record.with_name(name)
                if path.is_file() and file_sha256(path) != sha256:
                    raise DamagedFile(f"{relative(path)} does not match its recorded SHA-256; {_AGAIN}.")
                if not path.is_file() and name != content["file"]:  # A result that is too large to be kept leaves its record.
                    raise DamagedFile(f"{relative(path)} is missing; {_AGAIN}.")
        for page in filter(Path.is_file, shown):
            read_page(page, _AGAIN)
    except DamagedFile as failure:
        for path in [*shown, *family]:
            path.unlink(missing_ok=True)
        return str(failure)
    return ""
