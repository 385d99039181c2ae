"""What is kept of finished runs: python -m artifact.readme [--gallery]

Without an option, tables and numbers of the README and the documents are filled from the paper profile, whose results, figures
and pages are committed. With --gallery, claims, figures and a training of the quick profile are copied to docs/gallery, which
`python -m artifact.verify` holds a new run against.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterable, Mapping

from artifact.claims import load_claims
from artifact.files import ROOT, in_project
from artifact.origins import RECORDS, origin_of, records_behind
from artifact.results import load_result
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import atomic_write, write_record
from qnn_core.statistics import PERCENT, difference_interval, mean_interval
from qnn_core.terminal import command
from studies.ablation import EQUAL_READS, RECOMMENDED, more_reads
from studies.claims import Claim, tally
from studies.stored import Result

GALLERY = "docs/gallery"
TRAINED = "gibbs-120-s0"
"""The training of which networks are kept there, for the page of the book to play with."""
FILLED = ("README.md", "docs/mnist.md", "docs/reconstruction.md")
"""Documents with tables and numbers of the paper profile."""
_BEGIN = r"<!-- (?:ablation: ([^>]+)|(\w+): filled by python -m artifact\.readme) -->"
_PLACE = re.compile(rf"({_BEGIN}\n?)(?:(?!<!--).)*?(\n?<!-- end(?: of \w+)? -->)", re.DOTALL)
"""A number in a sentence, or a table, by its name, with what stands around it."""

_METHODS = {
    "gibbs": "cutting heads (annealer: block Gibbs)",
    "energy": "the same energy model by backpropagation",
    "mlp": "MLP by backpropagation",
}
_RULES = {
    RECOMMENDED: "heads as they are read and completed, half of each",
    "heads as read": "heads as they are read",
    "completed heads": "completed heads",
    "Boltzmann machine, cold": "a Boltzmann machine, with reads that end cold",
    "equilibrium propagation": "equilibrium propagation",
}
"""Variants of the ablation that differ in their rule, and their names in the documents."""


def kept_claims(profile: str) -> str:
    """The claims of the last run of a profile; those of the quick one may be those of the gallery."""
    made = f"data/results/{profile}/claims.json"
    return made if profile != "quick" or in_project(made).is_file() else f"{GALLERY}/claims.json"


def claims_table(claims: Iterable[Claim]) -> str:
    """The claims in four columns, a row a part, in Markdown; every part leads to its notebook."""
    rows = []
    for claim in claims:
        page = f"notebooks/rendered/paper/{claim.notebook}"
        see = page if in_project(page).is_dir() else f"{page}.ipynb"  # The folder of the pages where there are several.
        told = (f"{claim.id} {claim.statement}", claim.found, f"**{claim.verdict}**", f"[{claim.notebook.split('_')[0]}]({see})")
        rows.append(told)
    return _markdown("| the abstract says | we found | verdict | see |", rows)


def training_table(figure: Result) -> str:
    """Final errors of the three methods and of the annealer's own answers, from the numbers behind figure 2, in Markdown."""
    test, train = ({method: 100 * figure[f"{method}_{part}_error"][:, -1] for method in _METHODS} for part in ("test", "train"))
    rows: list[tuple[object, ...]] = [
        (name, mean_interval(test[method], PERCENT), "" if method == "mlp" else difference_interval(test[method], test["mlp"]),
         mean_interval(train[method], PERCENT), f"{float(figure[f'{method}_lr']):g}", len(test[method]))
        for method, name in _METHODS.items()
    ]  # fmt: skip
    own = 100 * figure["gibbs_own_error"][:, -1]
    errors = (mean_interval(own, PERCENT), difference_interval(own, test["mlp"]))
    rows.insert(1, ("the same, answered by the annealer itself", *errors, "", *rows[0][4:]))
    return _markdown("| 95 % intervals over seeds | test error, % | minus MLP, points | training error, % | rate | seeds |", rows)


def _markdown(head: str, rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, "|---" * (head.count("|") - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def duration(seconds: float) -> str:
    """Seconds as people say them, to two digits.

    >>> duration(7.4), duration(312.0), duration(9100.0)
    ('7.4 s', '5.2 min', '2.5 h')
    """
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "min"), (0, "s")) if seconds >= size)
    value = seconds / (size or 1)
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"


def ablation_numbers(ablation: Result) -> dict[str, str]:
    """Changes of the validation error in points: by each variant of the ablation, and by more reads at equal updates and at equal reads."""
    errors = dict(zip(ablation["variant"].tolist(), ablation["variant_error"], strict=True))
    changes = {name: difference_interval(error, errors[RECOMMENDED]) for name, error in errors.items()}
    changes["more reads, equal updates"] = more_reads(ablation, "deepest")
    changes["more reads, equal reads"] = more_reads(ablation, EQUAL_READS)
    return {name: str(change) for name, change in changes.items()}


def rules_table(ablation: Result) -> str:
    """Validation errors of the network and of the annealer's own answer by learning rule, in Markdown."""
    variants = ablation["variant"].tolist()
    rows = [
        (name, *(mean_interval(ablation[errors][variants.index(variant)], PERCENT) for errors in ("variant_error", "variant_own_error")))
        for variant, name in _RULES.items()
    ]  # fmt: skip
    return _markdown("| rule | the network is wrong, % | the annealer's own answer is wrong, % |", rows)


def with_values(document: str, values: Mapping[str, str]) -> str:
    """The document with its tables and numbers replaced; raises DamagedFile for a name that is none of them, or a mark without its end."""

    def current(match: re.Match[str]) -> str:
        begin, number, table, end = match.groups()
        if (number or table) not in values:
            raise DamagedFile(f"nothing is called {number or table!r}; there are {', '.join(values)}.")
        return f"{begin}{values[number or table]}{end}"

    if len(_PLACE.findall(document)) != len(re.findall(_BEGIN, document)):
        raise DamagedFile("a mark of a table or number in the document lacks its end.")
    return _PLACE.sub(current, document)


def filled(name: str) -> str:
    """One of the documents with tables and numbers as the paper profile's results have them now."""
    (claims, _), ablation = load_claims(kept_claims("paper")), load_result("data/results/paper/ablation.npz")
    values = {
        "claims": f"{tally(claims)}\n\n{claims_table(claims)}",
        "training": training_table(load_result("figures/paper/fig2.npz")),
        "rules": rules_table(ablation),
        **ablation_numbers(ablation),
    }
    return with_values(in_project(name).read_text(encoding="utf-8"), values)


@command
def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m artifact.readme", description="Fill documents from the paper profile.")
    what = f"keep claims and figures of the quick profile in {GALLERY} instead"
    parser.add_argument("--gallery", action="store_true", help=what)
    print(_keep_gallery() if parser.parse_args(arguments).gallery else _fill())


def _fill() -> str:
    for name in FILLED:
        document = filled(name)
        with atomic_write(in_project(name), "w") as file:
            file.write(document)
    return f"{', '.join(FILLED)} now show the paper profile."


def _keep_gallery() -> str:
    kept = ["data/results/quick/claims.json", *(f"data/results/quick/training/{TRAINED}.{ending}" for ending in ("npz", "json"))]
    kept += [f"figures/quick/fig{n}.{ending}" for n in range(1, 6) for ending in ("png", "npz", "json")]
    for file in kept:
        if not in_project(file).is_file():
            raise MissingData(f"{file} does not exist; run ./run_all.sh first.")
    for file in kept:
        shutil.copy(in_project(file), ROOT / GALLERY)
    shown = [f"{GALLERY}/{path.name}" for path in (ROOT / GALLERY).glob("*.json")]
    write_record(in_project(RECORDS), records_behind(origin_of(path) for path in shown if path != RECORDS))
    return f"{GALLERY} now has the claims and figures of the quick profile."


if __name__ == "__main__":
    sys.exit(main())
