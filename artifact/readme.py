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
from collections.abc import Iterable
from pathlib import Path

from artifact.claims import load_claims
from artifact.files import ROOT, in_project
from artifact.origins import RECORDS, origin_of, records_behind
from artifact.results import load_result
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import atomic_write, write_record
from qnn_core.statistics import PERCENT, difference_interval, mean_interval
from studies.ablation import EQUAL_READS, RECOMMENDED, more_reads
from studies.claims import Claim
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


def claims_table(claims: Iterable[Claim]) -> str:
    """The table of claims in Markdown."""
    columns = ("claim of the abstract", "paper", "measured here, 95 % interval", "what was tested", "verdict", "notebook, figure")
    rows = [
        (claim.id, claim.statement, claim.paper_number or "no number", f"{claim.number}: {claim.measured}", claim.tested,
         f"**{claim.verdict}**", f"{claim.notebook}, {claim.figure}", duration(claim.runtime), claim.sampler_kind)
        for claim in claims
    ]  # fmt: skip
    return _markdown("| | " + " | ".join((*columns, "runtime", "made by")), rows)


def training_table(figure: Result) -> str:
    """Final errors of the three methods, from the numbers behind figure 2, in Markdown."""
    test, train = ({method: 100 * figure[f"{method}_{part}_error"][:, -1] for method in _METHODS} for part in ("test", "train"))
    rows = [
        (name, mean_interval(test[method], PERCENT), "" if method == "mlp" else difference_interval(test[method], test["mlp"]),
         mean_interval(train[method], PERCENT), f"{float(figure[f'{method}_lr']):g}", len(test[method]))
        for method, name in _METHODS.items()
    ]  # fmt: skip
    return _markdown("| 95 % intervals over seeds | test error, % | minus MLP, points | training error, % | rate | seeds", rows)


def _markdown(head: str, rows: Iterable[tuple[object, ...]]) -> str:
    lines = [f"{head} |", "|---" * head.count("|") + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def duration(seconds: float) -> str:
    """Seconds as people say them, to two digits.

    >>> duration(7.4), duration(312.0), duration(9100.0)
    ('7.4 s', '5.2 min', '2.5 h')
    """
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "min"), (0, "s")) if seconds >= size)
    value = seconds / (size or 1)
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"


def with_table(readme: str, table: str, marks: tuple[str, str] = CLAIMS) -> str:
    """The README with the table between two marks replaced; raises DamagedFile when they are not there in order."""
    begin, end = (readme.find(mark) for mark in marks)
    if not 0 <= begin < end:
        raise DamagedFile(f"README.md has lost the lines {marks[0]} and {marks[1]} around its table; put them back.")
    return f"{readme[: begin + len(marks[0])]}\n{table}\n{readme[end:]}"


def ablation_numbers(ablation: Result) -> dict[str, str]:
    """Changes of the validation error in points: by each variant of the ablation, and by more reads at equal updates and at equal reads."""
    errors = dict(zip(ablation["variant"].tolist(), ablation["variant_error"], strict=True))
    changes = {name: difference_interval(error, errors[RECOMMENDED]) for name, error in errors.items()}
    reads = {
        "more reads, equal updates": more_reads(ablation, "deepest"),
        "more reads, equal reads": more_reads(ablation, EQUAL_READS),
    }
    return {name: str(change) for name, change in (changes | reads).items()}


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
    parser = argparse.ArgumentParser(prog="python -m artifact.readme", description="Fill documents from the paper profile.")
    parser.add_argument(
        "--gallery", action="store_true", help=f"keep claims and figures of the quick profile in {GALLERY} instead"
    )
    try:
        print(_keep_gallery() if parser.parse_args(arguments).gallery else _fill())
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
