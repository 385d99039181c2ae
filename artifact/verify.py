"""Run everything again elsewhere and compare every number: python -m artifact.verify [--profile quick]

The profile is made again from this folder's sources in a scratch folder, and held against the results that are here and, if they are of
the same profile, against the claims and figures in docs/gallery. What is compared, bit for bit or with `--tolerance`, is in docs/trust.md.

Another type of processor, or number of threads, rounds sums in another order. Cutting heads decides between yes and no all the way, so a
difference in the last digit of one energy leads to another run, as good as the first, and single numbers no longer agree.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count

from artifact.environment import started, targets
from artifact.files import ROOT
from artifact.origins import read_page
from artifact.readme import GALLERY
from artifact.results import PACKAGES, sidecar
from artifact.tidy import outputs
from qnn_core.errors import MissingData, check
from qnn_core.files import file_sha256, read_arrays, read_record
from qnn_core.terminal import command

SOURCES = (*PACKAGES, "notebooks", "config", "Snakefile", "run_all.sh", "requirements.lock", "pyproject.toml", "environment.yml")
NEAR = 0.01
"""Largest tolerated difference of a number that no annealer had a part in, in units of the largest of its array."""
STANDARD_ERRORS = 4
"""Tolerated difference of two counts of mistakes."""

_MARK = ".verify"  # of a folder that a rerun has to itself
_REMEDY = "./run_all.sh makes it again"
_VOLATILE = {
    "seconds", "runtime", "code", "packages", "python", "processor", "arithmetic", "agreement", "sha256", "page_sha256", "pictures",
}  # fmt: skip
_WITHOUT_ANNEALER = ("none", "backpropagation")
_SUFFIXES = (".npz", ".json", ".png", ".pdf", ".ipynb")


@dataclass
class Comparison:
    """What two runs have in common. tolerant: whether another processor is allowed for.

    compared: how many things of each kind were looked at. differences: one line each.
    """

    tolerant: bool = False
    compared: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def differs(self, name: str, what: str) -> None:
        self.differences.append(f"{name}: {what}")

    def look(self, name: str, expected: Path, found: Path) -> None:
        """Compare two files of one name."""
        kinds = {".npz": self._arrays, ".json": self._records, ".ipynb": self._pages}
        kinds.get(expected.suffix, self._pictures)(name, expected, found)

    def _arrays(self, name: str, expected: Path, found: Path) -> None:
        ours, theirs = (read_arrays(path, _REMEDY) for path in (expected, found))
        kind = read_record(sidecar(str(expected)), _REMEDY)["sampler_kind"] if self.tolerant else ""
        self.compared["files of numbers"] += 1
        for array in sorted(ours.keys() ^ theirs.keys()):
            self.differs(name, f"{array} {'is new' if array in theirs else 'is not there any more'}")
        for array in sorted(ours.keys() & theirs.keys()):
            self.compared["arrays"] += 1
            if what := self._array(array, ours[array], theirs[array], kind.startswith(_WITHOUT_ANNEALER)):
                self.differs(name, f"{array} {what}")

    def _array(self, array: str, one: np.ndarray, other: np.ndarray, smooth: bool) -> str:
        """How two arrays differ, in words; empty if they do not. smooth: whether no annealer had a part in them."""
        compared = not self.tolerant or (smooth and one.dtype.kind == "f" and not array.endswith("mistakes"))
        if (
            (one.dtype.kind, one.ndim) != (other.dtype.kind, other.ndim)
            or (compared and one.shape != other.shape)
            or (not self.tolerant and one.dtype != other.dtype)
        ):
            return f"was {one.dtype} {one.shape} and is {other.dtype} {other.shape}"
        if compared:
            self.compared["numbers"] += one.size
            same = _near(one, other) if self.tolerant else one.tobytes() == other.tobytes()
            return "" if same else _first_difference(one, other)
        if array.endswith("mistakes"):
            self.compared["counts of mistakes"] += one.shape[0] if one.ndim > 1 else 1
            if not _counts_agree(one, other):
                return f"ends at {one[..., -1]} and at {other[..., -1]}, more than chance makes of it"
        return ""

    def _records(self, name: str, expected: Path, found: Path) -> None:
        ours, theirs = (_lasting(read_record(path, _REMEDY)) for path in (expected, found))
        self.compared["records"] += 1
        if "claims" in ours and "claims" in theirs:
            self._claims(name, ours.pop("claims"), theirs.pop("claims"))
        for key in sorted({*ours, *theirs}):
            if ours.get(key) != theirs.get(key):
                self.differs(name, f"{key} was {ours.get(key)!r:.200}, is {theirs.get(key)!r:.200}")

    def _claims(self, name: str, ours: list[Any], theirs: list[Any]) -> None:
        self.compared["claims"] += len(ours)
        if [claim["id"] for claim in ours] != [claim["id"] for claim in theirs]:
            self.differs(name, "has other claims")
            return
        for one, other in zip(ours, theirs, strict=True):
            if not self.tolerant:
                for key in sorted(key for key in one if one[key] != other[key]):
                    self.differs(name, f"{one['id']}, {key} was {one[key]!r:.200}, is {other[key]!r:.200}")
            elif None not in (one["value"], other["value"]) and (one["low"] > other["high"] or other["low"] > one["high"]):
                told = f"{one['id']} was {one['value']:.4g} and is {other['value']:.4g}, and their intervals do not meet"
                self.differs(name, told)

    def _pictures(self, name: str, expected: Path, found: Path) -> None:
        if not self.tolerant:
            self.compared["pictures"] += 1
            if expected.read_bytes() != found.read_bytes():
                self.differs(name, "is another picture")

    def _pages(self, name: str, expected: Path, found: Path) -> None:
        ours, theirs = (read_page(path, _REMEDY)["cells"] for path in (expected, found))
        self.compared["pages"] += 1
        if len(ours) != len(theirs):
            self.differs(name, f"had {len(ours)} cells, has {len(theirs)}")
            return
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if (one["source"] != other["source"]) if self.tolerant else (one != other):
                self.differs(name, f"cell {number} shows something else{_first_line(one, other)}")


def _first_difference(one: np.ndarray, other: np.ndarray) -> str:
    pairs = list(zip(one.ravel(), other.ravel(), strict=True))
    different = np.array([mine.tobytes() != yours.tobytes() for mine, yours in pairs])
    place = int(different.argmax())
    index = tuple(int(part) for part in np.unravel_index(place, one.shape))
    mine, yours = pairs[place]
    return f"differs in {different.sum()} of {one.size} numbers, first at {index}: was {mine!r}, is {yours!r}"


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    largest = float(np.abs(one[np.isfinite(one)]).max(initial=0.0))
    return bool(np.allclose(one, other, rtol=0, atol=NEAR * largest, equal_nan=True))


def _counts_agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether the last counts differ by no more than counts of rare independent events do."""
    mine, yours = (np.asarray(counts[..., -1], np.float64) for counts in (one, other))
    return bool((np.abs(mine - yours) <= STANDARD_ERRORS * np.sqrt(mine + yours + 1)).all())


def _lasting(content: Any) -> Any:
    """A record without what may change from run to run; of its inputs, the names."""
    if isinstance(content, Mapping):
        kept = {key: _lasting(value) for key, value in content.items() if key not in _VOLATILE}
        return {**kept, "inputs": sorted(content["inputs"])} if "inputs" in content else kept
    return [_lasting(item) for item in content] if isinstance(content, list) else content


def _first_line(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first line of text in which two cells differ."""
    texts = []
    for cell in (one, other):
        shown = [line for output in cell.get("outputs", []) for line in output.get("text", ["a picture, or a table"])]
        texts.append([*cell["source"], *shown])
    pairs = zip(*texts, strict=False)
    return next((f": was {mine.strip()!r}, is {yours.strip()!r}" for mine, yours in pairs if mine != yours), "")


def compare(expected: Path, found: Path, profile: str, *, tolerant: bool = False, partial: bool = False) -> Comparison:
    """Hold what one project folder has of a profile against another's.

    tolerant: allow for another processor. partial: what is only in `expected` is no difference.
    Raises MissingData when there is nothing to compare with, DamagedFile when a file is not whole.
    """
    ours, theirs = (_files(folder, profile) for folder in (expected, found))
    if not ours:
        remedy = f"./run_all.sh --profile {profile} makes them"
        raise MissingData(f"There are no results of the profile {profile} to compare with; {remedy}.")
    result = Comparison(tolerant)
    for name in sorted(theirs - ours):
        if sidecar(name) not in ours or not name.endswith(".npz"):
            result.differs(name, "is new")
        elif not tolerant:
            result.compared["files known by their record alone"] += 1
            if read_record(expected / sidecar(name), _REMEDY)["sha256"] != file_sha256(found / name):
                result.differs(name, "does not have the SHA-256 of its record")
    for name in sorted(ours - theirs) if not partial else ():
        result.differs(name, "was there before, and was not made again")
    for name in sorted(ours & theirs):
        result.look(name, expected / name, found / name)
    return result


def compare_gallery(found: Path, profile: str, *, tolerant: bool = False, gallery: Path = ROOT / GALLERY) -> Comparison:
    """Hold a new run against the claims and figures that are kept in docs/gallery, as far as both are there and of one profile."""
    result = Comparison(tolerant)
    claims = gallery / "claims.json"
    if claims.is_file() and read_record(claims, "restore it from git")["profile"] == profile:
        results, figures, _ = outputs(profile)
        places = {claims: f"{results}/claims.json"}
        places |= {path: f"{figures}/{path.name}" for path in sorted(gallery.glob("fig*.*"))}
        places |= {path: f"{results}/training/{path.name}" for path in sorted(gallery.glob("gibbs-*.npz"))}
        for kept, made in places.items():
            if (found / made).is_file():
                result.look(f"{GALLERY}/{kept.name}", kept, found / made)
    return result


def _files(folder: Path, profile: str) -> set[str]:
    """All files of a profile, from the folder; not what a stopped run leaves."""
    paths = (path for output in outputs(profile) for path in (folder / output).rglob("*") if path.suffix in _SUFFIXES)
    left = re.compile(r"(^|/)\.[^/]*$|\.failed\.ipynb$|\.runs/[^/]*$")
    return {name for path in paths if not left.search(name := str(path.relative_to(folder)))}


def copy_sources(folder: Path, project: Path = ROOT) -> None:
    """Copy what runs of a project, and link data sets and recorded reads, which are inputs; embeddings are made again."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        if (project / name).is_dir():
            shutil.copytree(project / name, folder / name, ignore=shutil.ignore_patterns("rendered"), dirs_exist_ok=True)
        else:
            shutil.copy2(project / name, folder / name)
    for source in (project / "data").glob("*"):
        target = folder / "data" / source.name
        if source.name not in ("results", "embeddings", "README.md") and not target.exists():
            target.symlink_to(source)


def rerun(profile: str, folder: Path, cores: int, target: str = "summary") -> int:
    """Make a profile, or one target of it, in a folder with the sources, empty or left by a run that was stopped. Prints the steps.

    Returns the status of the run, 0 where everything could be made.
    """
    command = [sys.executable, "-m", "artifact.run", "--profile", profile, "--cores", str(cores), "--only", target]
    with started(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}) as run:
        pass
    return run.returncode


@command
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m artifact.verify", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--cores", type=int, default=cpu_count(), help="notebooks run side by side")
    part = "one target, as of ./run_all.sh, with what it needs"
    parser.add_argument("--only", default="summary", choices=targets(), metavar="TARGET", help=part)
    parser.add_argument("--tolerance", action="store_true", help="allow for another type of processor or number of threads")
    parser.add_argument("--against", type=Path, default=ROOT, help="another copy of the project, with its results")
    where = "where to run, kept; a run that was stopped there goes on (default: a new folder)"
    parser.add_argument("--folder", type=Path, help=where)
    options = parser.parse_args(arguments)
    profile, tolerant, partial = options.profile, options.tolerance, options.only != "summary"
    folder = options.folder or Path(tempfile.mkdtemp(prefix="qnn-verify-"))
    usable = (folder / _MARK).is_file() or not any(folder.glob("*"))
    check(usable, "folder", str(folder), "an empty folder, a new one, or one in which a rerun was stopped: files go there")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    copy_sources(folder)
    if rerun(profile, folder, options.cores, options.only):
        return 1  # Why, it has said.
    gallery = compare_gallery(folder, profile, tolerant=tolerant)
    before = Comparison()
    if _files(options.against, profile) or not gallery.compared:
        before = compare(options.against, folder, profile, tolerant=tolerant, partial=partial)
    for what, comparison in (("results here", before), (f"claims and figures in {GALLERY}", gallery)):
        told = ", ".join(f"{number:,} {kind}" for kind, number in comparison.compared.items())
        print(f"compared with the {what}: {told or 'nothing, there are none of this profile'}")
    also = "; pictures, outputs of pages, and single numbers that an annealer had a part in" if tolerant else ""
    print(f"not compared: wall times, versions of code and packages, the processor{also}")
    differences = before.differences + gallery.differences
    print(*(f"  {line}" for line in differences[:50]), sep="\n", end="\n" if differences else "")
    print(f"{len(differences)} differences{', of which the first 50 are listed' if len(differences) > 50 else ''}")
    if differences:
        print(f"The new run is in {folder}.")
    elif options.folder is None:
        shutil.rmtree(folder)
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
