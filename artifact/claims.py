"""The table of claims as a file: what made each number, and the table printed. The rules are in `studies.claims`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from artifact.files import in_project, relative
from artifact.origins import records_behind
from artifact.results import REMEDY
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import read_record, reading, write_record
from studies.claims import (
    Claim,
    active_claim,
    grover_claim,
    minima_claim,
    phase_claim,
    scaling_claim,
    training_claim,
)
from studies.stored import Result


def all_claims(
    annealer: Sequence[Result], mlp: Sequence[Result], active: Sequence[Result], studies: Mapping[str, Result]
) -> list[Claim]:
    """The claims, each with what made it.

    annealer, mlp: trainings, one a seed. active: deep networks, one a depth. studies: by name, "data", "phase", "sizes", "ablation", "scaling"
    and "grover".
    """
    nearest_mean_error = float(studies["data"]["nearest_mean_error"])
    runs, baselines, deep = ([result.arrays for result in results] for results in (annealer, mlp, active))
    arrays = {name: result.arrays for name, result in studies.items()}

    def by(*names: str) -> list[Result]:
        return [studies[name] for name in names]

    return [
        with_origin(training_claim(runs, baselines, nearest_mean_error), annealer, mlp),
        with_origin(phase_claim(arrays["phase"], arrays["sizes"]), by("phase", "sizes")),
        with_origin(minima_claim(arrays["phase"], arrays["ablation"]), by("phase", "ablation")),
        with_origin(scaling_claim(arrays["scaling"]), by("scaling")),
        with_origin(grover_claim(arrays["grover"]), by("grover")),
        with_origin(active_claim(deep, nearest_mean_error), active),
    ]


def with_origin(claim: Claim, results: Iterable[Result], beside: Iterable[Result] = ()) -> Claim:
    """The claim with the kind of sampler of its results, and the seconds that these, those beside them, and all behind any of them took."""
    made = [result.provenance for result in results]
    kinds = sorted({record["sampler_kind"] for record in made})
    records = [*made, *(result.provenance for result in beside)]
    seconds = {(record["file"], record["sha256"]): record["seconds"] for record in (*records, *records_behind(records).values())}
    kind = "; ".join(kinds) if len(kinds) < 2 else ", ".join(sorted({kind.split(", ")[0] for kind in kinds}))
    return replace(claim, sampler_kind=kind, runtime=round(sum(seconds.values()), 1))


def save_claims(path: str, claims: Iterable[Claim], provenance: Mapping[str, Any]) -> None:
    """Store the claims of the profile that `path` names, data/results/PROFILE/claims.json."""
    content = {"profile": Path(path).parent.name, "claims": [asdict(claim) for claim in claims], "provenance": dict(provenance)}
    write_record(in_project(path), content)


def load_claims(path: str) -> list[Claim]:
    """The claims of a stored claims.json."""
    file = in_project(path)
    if not file.is_file():
        raise MissingData(f"{relative(file)} does not exist; ./run_all.sh makes it.")
    content = read_record(file, REMEDY)
    with reading(file, "a table of claims", REMEDY):
        return [Claim(**claim) for claim in content["claims"]]


def main(arguments: list[str] | None = None) -> int:
    """Print the table of claims of a profile: python -m artifact.claims [--profile quick]."""
    parser = argparse.ArgumentParser(prog="python -m artifact.claims", description="Print the claims table of a profile.")
    parser.add_argument("--profile", default="quick")
    profile = parser.parse_args(arguments).profile
    try:
        claims = load_claims(f"data/results/{profile}/claims.json")
    except (MissingData, DamagedFile) as failure:
        print(failure, file=sys.stderr)
        return 1
    layout = "{:4}{:<20}{:<28}{:<20}{:<18}{}"
    print(layout.format("", "paper", "measured, 95 % interval", "verdict", "notebook", "figure"))
    for claim in claims:
        print(layout.format(claim.id, claim.paper_number or "-", claim.number, claim.verdict, claim.notebook, claim.figure))
        print(f"{'':4}tested: {claim.tested}\n{'':4}by: {claim.sampler_kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
