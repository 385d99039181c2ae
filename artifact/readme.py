"""What is kept of finished runs: python -m artifact.readme [--gallery]

Without an option, tables and numbers of the README and of docs/reconstruction.md are filled from the paper profile, whose results, figures
and pages are committed. With --gallery, claims and figures of the quick profile are copied to docs/gallery, which
`python -m artifact.verify` holds a new run against.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

from artifact.claims import Claim, load_claims, measured_number, more_reads
from artifact.files import ROOT, in_project
from artifact.origins import RECORDS, origin_of, records_behind
from artifact.results import load_result
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import atomic_write, write_record
from qnn_core.statistics import PERCENT, difference_interval, mean_interval
from studies.stored import Result

GALLERY = "docs/gallery"
SHOWN = {
    "claims": "data/results/paper/claims.json",
    "training": "figures/paper/fig2.npz",
    "ablation": "data/results/paper/ablation.npz",
}
"""What tables and numbers are filled from."""
FILLED = ("README.md", "docs/reconstruction.md")
"""Where they stand."""
CLAIMS = ("<!-- claims: filled by python -m artifact.readme -->", "<!-- end of claims -->")
TRAINING = ("<!-- training: filled by python -m artifact.readme -->", "<!-- end of training -->")
"""What stands around the tables."""
NUMBER = re.compile(r"(<!-- ablation: ([^>]+) -->).*?(<!-- end -->)")
"""A number in a sentence, with what stands around it."""

_METHODS = {
    "gibbs": "cutting heads (annealer: block Gibbs)",
    "energy": "the same energy model by backpropagation",
    "mlp": "MLP by backpropagation",
}


def claims_table(claims: list[Claim]) -> str:
    """The table of claims in Markdown."""
    lines = [
        "| | claim of the abstract | paper | measured here, 95 % interval | what was tested | verdict | notebook, figure | runtime | made by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {claim.id} | {claim.statement} | {claim.paper_number or 'no number'} | {measured_number(claim)}: {claim.measured} | {claim.tested} "
        f"| **{claim.verdict}** | {claim.notebook}, {claim.figure} | {duration(claim.runtime)} | {claim.sampler_kind} |"
        for claim in claims
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Seconds as people say them, to two digits.

    >>> duration(7.4), duration(312.0), duration(9100.0)
    ('7.4 s', '5.2 min', '2.5 h')
    """
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size or unit == "s":
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    raise AssertionError


def training_table(figure: Result) -> str:
    """Final errors of the three methods, from the numbers behind figure 2, in Markdown."""
    errors = {method: 100 * figure[f"{method}_test_error"][:, -1] for method in _METHODS}
    train = {method: 100 * figure[f"{method}_train_error"][:, -1] for method in _METHODS}
    lines = [
        "| 95 % intervals over seeds | test error, % | minus MLP, points | training error, % | rate | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for method, name in _METHODS.items():
        less = "" if method == "mlp" else difference_interval(errors[method], errors["mlp"])
        numbers = (
            mean_interval(errors[method], PERCENT),
            less,
            mean_interval(train[method], PERCENT),
            f"{float(figure[f'{method}_lr']):g}",
            len(errors[method]),
        )
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def with_table(readme: str, table: str, marks: tuple[str, str] = CLAIMS) -> str:
    """The README with the table between two marks replaced; raises DamagedFile when they are not there in order."""
    begin, end = (readme.find(mark) for mark in marks)
    if not 0 <= begin < end:
        raise DamagedFile(f"README.md has lost the lines {marks[0]} and {marks[1]} around its table; put them back.")
    return f"{readme[: begin + len(marks[0])]}\n{table}\n{readme[end:]}"


def ablation_numbers(ablation: Result) -> dict[str, str]:
    """Changes of the validation error in points: by each variant of the ablation, and by more reads at equal updates and at equal reads."""
    errors = dict(zip(ablation["variant"].tolist(), ablation["variant_error"], strict=True))
    changes = {name: difference_interval(error, errors["recommended"]) for name, error in errors.items()}
    changes["more reads, equal updates"] = more_reads(ablation, "deepest")
    changes["more reads, equal reads"] = more_reads(ablation, "deepest, equal reads")
    return {name: str(change) for name, change in changes.items()}


def with_numbers(document: str, numbers: dict[str, str]) -> str:
    """The document with the numbers in its sentences replaced; raises DamagedFile for a name that is none of them."""

    def current(match: re.Match[str]) -> str:
        before, name, after = match.groups()
        if name not in numbers:
            raise DamagedFile(f"no number is called {name!r}; there are {', '.join(numbers)}.")
        return f"{before}{numbers[name]}{after}"

    return NUMBER.sub(current, document)


def filled(name: str) -> str:
    """One of the documents with tables and numbers as the paper profile's results have them now."""
    document = with_numbers(in_project(name).read_text(encoding="utf-8"), ablation_numbers(load_result(SHOWN["ablation"])))
    if name != "README.md":
        return document
    document = with_table(document, claims_table(load_claims(SHOWN["claims"])), CLAIMS)
    return with_table(document, training_table(load_result(SHOWN["training"])), TRAINING)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m artifact.readme", description="Fill README and documents from the paper profile."
    )
    parser.add_argument(
        "--gallery", action="store_true", help=f"instead, keep claims and figures of the quick profile in {GALLERY}"
    )
    options = parser.parse_args(arguments)
    try:
        print(_keep_gallery() if options.gallery else _fill())
    except (MissingData, DamagedFile) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _fill() -> str:
    for name in FILLED:
        document = filled(name)
        with atomic_write(in_project(name), "w") as file:
            file.write(document)
    return f"{' and '.join(FILLED)} now show the paper profile."


def _keep_gallery() -> str:
    copies = {"data/results/quick/claims.json": "claims.json"}
    copies |= {f"figures/quick/fig{n}.{ending}": f"fig{n}.{ending}" for n in range(1, 6) for ending in ("png", "npz", "json")}
    for source in copies:
        if not in_project(source).is_file():
            raise MissingData(f"{source} does not exist; run ./run_all.sh first.")
    (ROOT / GALLERY).mkdir(parents=True, exist_ok=True)
    for source, name in copies.items():
        shutil.copyfile(in_project(source), ROOT / GALLERY / name)
    shown = [
        origin_of(f"{GALLERY}/{path.name}").record for path in (ROOT / GALLERY).glob("*.json") if path.name != Path(RECORDS).name
    ]
    write_record(in_project(RECORDS), records_behind(shown))
    return f"{GALLERY} now has the claims and figures of the quick profile."


if __name__ == "__main__":
    sys.exit(main())
