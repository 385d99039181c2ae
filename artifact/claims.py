"""The table of claims as a file, with what made each number. The rules are in `studies.rules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from artifact.files import in_project, relative
from artifact.origins import records_behind
from artifact.results import REMEDY
from qnn_core.errors import MissingData
from qnn_core.files import read_record, reading, write_record
from studies.claims import Claim
from studies.rules import PARTS, Results, judge
from studies.stored import Result


def all_claims(results: Results) -> list[Claim]:
    """Every part of the claims, with what made it; results: by the names that `PARTS` uses."""
    return [
        with_origin(judge(name, results), [result for study in uses for result in results[study]])
        for name, (_, uses, _) in PARTS.items()
    ]


def with_origin(claim: Claim, results: Iterable[Result]) -> Claim:
    """The claim with the kind of sampler of its results, and the seconds that these and all behind any of them took."""
    records = [result.provenance for result in results]
    seconds = {(record["file"], record["sha256"]): record["seconds"] for record in (*records, *records_behind(records).values())}
    kinds = sorted({record["sampler_kind"] for record in records})
    kind = kinds[0] if len(kinds) == 1 else ", ".join(sorted({one for kind in kinds for one in kind.split(", ")[0].split("; ")}))
    return replace(claim, sampler_kind=kind, runtime=round(sum(seconds.values()), 1))


def save_claims(path: str, claims: Iterable[Claim], provenance: Mapping[str, Any], agreement: str) -> None:
    """Store the claims of the profile that `path` names, data/results/PROFILE/claims.json. agreement: of `artifact.agreement`."""
    rows = [asdict(claim) for claim in claims]
    content = {"profile": Path(path).parent.name, "claims": rows, "agreement": agreement, "provenance": dict(provenance)}
    write_record(in_project(path), content)


def load_claims(path: str) -> tuple[list[Claim], str]:
    """The claims of a stored claims.json, and whether the machine that made them computes the committed bits."""
    file = in_project(path)
    if not file.is_file():
        raise MissingData(f"{relative(file)} does not exist; ./run_all.sh makes it.")
    content = read_record(file, REMEDY)
    with reading(file, "a table of claims", REMEDY):
        return [Claim(**claim) for claim in content["claims"]], content["agreement"]
