"""Run everything again elsewhere and compare every number: python -m artifact.verify [--profile quick]

The profile is made again from this folder's sources in a scratch folder, and held against the results that are here and, if they are of
the same profile, against the claims and figures in docs/gallery. Compared bit for bit: every array of every result; the numbers behind
every figure, its PNG and its PDF; every cell and output of every rendered page; the table of claims; the notebook, parameters, inputs,
data and kind of sampler of every record. Not compared: wall times, versions of code and packages, and the processor.

Another type of processor, or number of threads, rounds sums in another order. Cutting heads decides between yes and no all the way, so
the last digit of one energy turns into another run, as good as the first, and single numbers no longer agree. `--tolerance` compares
what must agree even then: files, names and types of arrays, records; all numbers that no annealer had a part in, to a hundredth of the
largest of their array; the counts of mistakes at the end of each run, within 4 standard errors of their difference; and each claim, its
95 % interval overlapping the other's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
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
from artifact.run import Stopped
from artifact.tidy import outputs
from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.files import file_sha256, read_arrays, read_record

SOURCES = (*PACKAGES, "notebooks", "config", "Snakefile", "run_all.sh", "requirements.lock", "pyproject.toml", "environment.yml")
NEAR = 0.01
"""Largest tolerated difference of a number that no annealer had a part in, in units of the largest of its array."""
STANDARD_ERRORS = 4
"""Tolerated difference of two counts of mistakes."""

_MARK = ".verify"  # of a folder that a rerun has to itself
_REMEDY = "./run_all.sh makes it again"
_VOLATILE = {
    "seconds",
    "runtime",
    "code",
    "packages",
    "python",
    "processor",
    "arithmetic",
    "agreement",
    "sha256",
    "page_sha256",
    "pictures",
}
_WITHOUT_ANNEALER = ("none", "backpropagation")


@dataclass
class Comparison:
    """What two runs have in common. compared: how many things of each kind were looked at. differences: one line each."""

    compared: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def count(self, kind: str, number: int = 1) -> None:
        self.compared[kind] = self.compared.get(kind, 0) + number

    def differs(self, name: str, what: str) -> None:
        self.differences.append(f"{name}: {what}")


def compare(expected: Path, found: Path, profile: str, *, tolerant: bool = False, partial: bool = False) -> Comparison:
    """Hold what one project folder has of a profile against another's.

    tolerant: allow for another processor, as said above. partial: what is only in `expected` is no difference.
    Raises MissingData when there is nothing to compare with, DamagedFile when a file is not whole.
    """
    ours, theirs = (_files(folder, profile) for folder in (expected, found))
    if not ours:
        raise MissingData(
            f"There are no results of the profile {profile} to compare with; ./run_all.sh --profile {profile} makes them."
        )
    result = Comparison()
    for name in sorted(theirs - ours):
        if sidecar(name) not in ours or not name.endswith(".npz"):
            result.differs(name, "is new")
        elif not tolerant:
            result.count("files known by their record alone")
            if read_record(expected / sidecar(name), _REMEDY)["sha256"] != file_sha256(found / name):
                result.differs(name, "does not have the SHA-256 of its record")
    for name in sorted(ours - theirs) if not partial else ():
        result.differs(name, "was there before, and was not made again")
    for name in sorted(ours & theirs):
        _COMPARERS[Path(name).suffix](name, expected / name, found / name, result, tolerant)
    return result


def compare_gallery(found: Path, profile: str, *, tolerant: bool = False, gallery: Path = ROOT / GALLERY) -> Comparison:
    """Hold a new run against the claims and figures that are kept in docs/gallery, as far as both are there and of one profile."""
    result = Comparison()
    claims = gallery / "claims.json"
    if not claims.is_file() or read_record(claims, "restore it from git")["profile"] != profile:
        return result
    places = {claims: found / outputs(profile)[0] / "claims.json"}
    places |= {path: found / outputs(profile)[1] / path.name for path in sorted(gallery.glob("fig*.*"))}
    places |= {path: found / outputs(profile)[0] / "training" / path.name for path in sorted(gallery.glob("gibbs-*.npz"))}
    for ours, theirs in places.items():
        if theirs.is_file():
            _COMPARERS[ours.suffix](f"{GALLERY}/{ours.name}", ours, theirs, result, tolerant)
    return result


def _files(folder: Path, profile: str) -> set[str]:
    """All files of a profile, from the folder; not what a stopped run leaves."""
    paths = (path for output in outputs(profile) for path in (folder / output).rglob("*"))
    return {
        str(path.relative_to(folder))
        for path in paths
        if path.suffix in _COMPARERS
        and not path.name.startswith(".")
        and not path.name.endswith(".failed.ipynb")
        and path.parent.suffix != ".runs"
    }


def _compare_arrays(name: str, expected: Path, found: Path, result: Comparison, tolerant: bool) -> None:
    ours, theirs = (read_arrays(path, _REMEDY) for path in (expected, found))
    exact = not tolerant
    smooth = tolerant and read_record(sidecar(str(expected)), _REMEDY)["sampler_kind"].startswith(_WITHOUT_ANNEALER)
    result.count("files of numbers")
    for array in sorted({*ours, *theirs}):
        if array not in ours or array not in theirs:
            result.differs(name, f"{array} {'is new' if array in theirs else 'is not there any more'}")
            continue
        one, other = ours[array], theirs[array]
        result.count("arrays")
        if (
            one.dtype.kind != other.dtype.kind
            or one.ndim != other.ndim
            or (exact and (one.dtype, one.shape) != (other.dtype, other.shape))
        ):
            result.differs(name, f"{array} was {one.dtype} {one.shape} and is {other.dtype} {other.shape}")
        elif exact:
            result.count("numbers", one.size)
            if one.tobytes() != other.tobytes():
                result.differs(name, f"{array} {_first_difference(one, other)}")
        elif array.endswith("mistakes"):
            result.count("counts of mistakes", one.shape[0] if one.ndim > 1 else 1)
            if not _counts_agree(one, other):
                result.differs(name, f"{array} ends at {one[..., -1]} and at {other[..., -1]}, more than chance makes of it")
        elif smooth and one.dtype.kind == "f":
            result.count("numbers", one.size)
            if not _near(one, other):
                result.differs(name, f"{array} {_first_difference(one, other)}")


def _first_difference(one: np.ndarray, other: np.ndarray) -> str:
    pairs = list(zip(one.ravel(), other.ravel(), strict=True))
    different = np.array([mine.tobytes() != yours.tobytes() for mine, yours in pairs])
    place = int(different.argmax())
    index = tuple(int(part) for part in np.unravel_index(place, one.shape))
    mine, yours = pairs[place]
    return f"differs in {different.sum()} of {one.size} numbers, first at {index}: was {mine!r}, is {yours!r}"


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    largest = float(np.abs(one[np.isfinite(one)]).max(initial=0.0))
    return bool(np.allclose(one, other, rtol=0, atol=NEAR * largest, equal_nan=True))


def _counts_agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether the last counts differ by no more than counts of rare independent events do."""
    mine, yours = (np.asarray(counts[..., -1], np.float64) for counts in (one, other))
    return bool((np.abs(mine - yours) <= STANDARD_ERRORS * np.sqrt(mine + yours + 1)).all())


def _compare_records(name: str, expected: Path, found: Path, result: Comparison, tolerant: bool) -> None:
    ours, theirs = (_lasting(read_record(path, _REMEDY)) for path in (expected, found))
    result.count("records")
    if "claims" in ours and "claims" in theirs:
        _compare_claims(name, ours.pop("claims"), theirs.pop("claims"), result, tolerant)
    for key in sorted({*ours, *theirs}):
        if ours.get(key) != theirs.get(key):
            result.differs(name, f"{key} was {ours.get(key)!r:.200}, is {theirs.get(key)!r:.200}")


def _lasting(content: Any) -> Any:
    """A record without what may change from run to run; of its inputs, the names."""
    if isinstance(content, Mapping):
        kept = {key: _lasting(value) for key, value in content.items() if key not in _VOLATILE}
        return {**kept, "inputs": sorted(content["inputs"])} if "inputs" in content else kept
    return [_lasting(item) for item in content] if isinstance(content, list) else content


def _compare_claims(name: str, ours: list[Any], theirs: list[Any], result: Comparison, tolerant: bool) -> None:
    result.count("claims", len(ours))
    if [claim["id"] for claim in ours] != [claim["id"] for claim in theirs]:
        result.differs(name, "has other claims")
        return
    for one, other in zip(ours, theirs, strict=True):
        measured = None not in (one["value"], other["value"])
        if tolerant and measured and (one["low"] > other["high"] or other["low"] > one["high"]):
            result.differs(
                name, f"{one['id']} was {one['value']:.4g} and is {other['value']:.4g}, and their intervals do not meet"
            )
        for key in sorted(key for key in one if not tolerant and one[key] != other[key]):
            result.differs(name, f"{one['id']}, {key} was {one[key]!r:.200}, is {other[key]!r:.200}")


def _compare_bytes(name: str, expected: Path, found: Path, result: Comparison, tolerant: bool) -> None:
    if not tolerant:
        result.count("pictures")
        if expected.read_bytes() != found.read_bytes():
            result.differs(name, "is another picture")


def _compare_pages(name: str, expected: Path, found: Path, result: Comparison, tolerant: bool) -> None:
    ours, theirs = (read_page(path, _REMEDY)["cells"] for path in (expected, found))
    result.count("pages")
    if len(ours) != len(theirs):
        result.differs(name, f"had {len(ours)} cells, has {len(theirs)}")
        return
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        mine, yours = (cell["source"] if tolerant else cell for cell in (one, other))
        if mine != yours:
            result.differs(name, f"cell {number} shows something else{_first_line(one, other)}")


def _first_line(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first line of text in which two cells differ."""
    texts = []
    for cell in (one, other):
        shown = [line for output in cell.get("outputs", []) for line in output.get("text", ["a picture, or a table"])]
        texts.append([*cell["source"], *shown])
    return next(
        (f": was {mine.strip()!r}, is {yours.strip()!r}" for mine, yours in zip(*texts, strict=False) if mine != yours), ""
    )


_COMPARERS: dict[str, Callable[[str, Path, Path, Comparison, bool], None]] = {
    ".npz": _compare_arrays,
    ".json": _compare_records,
    ".png": _compare_bytes,
    ".pdf": _compare_bytes,
    ".ipynb": _compare_pages,
}


def copy_sources(folder: Path, project: Path = ROOT) -> None:
    """Copy what runs of a project, and link data sets and recorded reads, which are inputs; embeddings are made again."""
    for name in SOURCES:
        source, target = project / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("rendered"), dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
    for source in (project / "data").glob("*"):
        target = folder / "data" / source.name
        if source.name not in ("results", "embeddings", "README.md") and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)


def rerun(profile: str, folder: Path, cores: int, target: str = "summary") -> None:
    """Make a profile, or one target of it, in a folder with the sources, empty or left by a run that was stopped. Prints the steps.

    Raises Stopped when not everything could be made; why, it has said.
    """
    command = [sys.executable, "-m", "artifact.run", "--profile", profile, "--cores", str(cores), "--only", target]
    with started(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}) as run:
        pass
    if run.returncode:
        raise Stopped("The rerun stopped.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m artifact.verify", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--cores", type=int, default=cpu_count(), help="notebooks run side by side")
    parser.add_argument(
        "--only",
        default="summary",
        choices=targets(),
        metavar="TARGET",
        help="one target, as of ./run_all.sh, with what it needs",
    )
    parser.add_argument("--tolerance", action="store_true", help="allow for another type of processor or number of threads")
    parser.add_argument("--against", type=Path, default=ROOT, help="another copy of the project, with its results")
    parser.add_argument(
        "--folder", type=Path, help="where to run, kept; a run that was stopped there goes on (default: a new folder)"
    )
    options = parser.parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="qnn-verify-"))
    partial = options.only != "summary"
    try:
        if any(folder.glob("*")) and not (folder / _MARK).is_file():
            raise InvalidInput(
                "folder", str(folder), "an empty folder, a new one, or one in which a rerun was stopped: files go there"
            )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
        copy_sources(folder)
        rerun(options.profile, folder, options.cores, options.only)
        gallery = compare_gallery(folder, options.profile, tolerant=options.tolerance)
        before = Comparison()
        if _files(options.against, options.profile) or not gallery.compared:
            before = compare(options.against, folder, options.profile, tolerant=options.tolerance, partial=partial)
    except (InvalidInput, MissingData, DamagedFile, Stopped) as failure:
        print(failure, file=sys.stderr)
        return 1
    for what, comparison in (("results here", before), (f"claims and figures in {GALLERY}", gallery)):
        told = ", ".join(f"{number:,} {kind}" for kind, number in comparison.compared.items())
        print(f"compared with the {what}: {told or 'nothing, there are none of this profile'}")
    print("not compared: wall times, versions of code and packages, the processor" + _NOT_TOLERANT * options.tolerance)
    differences = before.differences + gallery.differences
    for line in differences[:50]:
        print(f"  {line}")
    print(f"{len(differences)} differences{', of which the first 50 are listed' if len(differences) > 50 else ''}")
    if differences:
        print(f"The new run is in {folder}.")
        return 1
    if options.folder is None:
        shutil.rmtree(folder)
    return 0


_NOT_TOLERANT = "; pictures, outputs of pages, and single numbers that an annealer had a part in"


if __name__ == "__main__":
    sys.exit(main())
