"""Fill the README from finished runs.

python -m qnn_core.readme [--profile quick]: the table of claims and the gallery.
python -m qnn_core.readme --mnist: the table of training on full MNIST, from figure 2 of the paper profile.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from qnn_core.claims import Claim, load_claims, measured_number
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import ROOT, atomic_write, in_project, write_record
from qnn_core.origins import RECORDS, origin_of, records_behind
from qnn_core.results import Result, load_result
from qnn_core.statistics import difference_interval, mean_interval

GALLERY = "docs/gallery"
CLAIMS = ("<!-- claims: filled by python -m qnn_core.readme -->", "<!-- end of claims -->")
MNIST = ("<!-- mnist: filled by python -m qnn_core.readme --mnist -->", "<!-- end of mnist -->")
"""What stands around the two tables."""

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


def mnist_table(figure: Result) -> str:
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
            mean_interval(errors[method]),
            less,
            mean_interval(train[method]),
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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qnn_core.readme", description="Fill the README from finished runs.")
    parser.add_argument("--profile", default="quick", help="whose claims and figures to show")
    parser.add_argument(
        "--mnist", action="store_true", help="fill the table of full MNIST instead, from the paper profile's figure 2"
    )
    options = parser.parse_args(arguments)
    try:
        done = _fill_mnist() if options.mnist else _fill_claims(options.profile)
    except (MissingData, DamagedFile) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(done)
    return 0


def _fill_claims(profile: str) -> str:
    copies = {f"data/results/{profile}/claims.json": "claims.json"}
    copies |= {f"figures/{profile}/fig{n}.{ending}": f"fig{n}.{ending}" for n in range(1, 6) for ending in ("png", "npz", "json")}
    _fill(claims_table(load_claims(f"data/results/{profile}/claims.json")), CLAIMS, copies, profile)
    _keep_records()
    return f"README.md and {GALLERY} now show the {profile} profile."


def _fill_mnist() -> str:
    numbers = "figures/paper/fig2"
    copies = {f"{numbers}.{ending}": f"mnist.{ending}" for ending in ("npz", "json")}
    _fill(mnist_table(load_result(f"{numbers}.npz")), MNIST, copies, "paper")
    _keep_records()
    return f"README.md and {GALLERY} now show training on full MNIST."


def _fill(table: str, marks: tuple[str, str], copies: dict[str, str], profile: str) -> None:
    for source in copies:
        if not in_project(source).is_file():
            raise MissingData(f"{source} does not exist; run ./run_all.sh --profile {profile} first.")
    readme = with_table((ROOT / "README.md").read_text(encoding="utf-8"), table, marks)
    (ROOT / GALLERY).mkdir(parents=True, exist_ok=True)
    for source, name in copies.items():
        shutil.copyfile(in_project(source), ROOT / GALLERY / name)
    with atomic_write("README.md", "w") as file:
        file.write(readme)


def _keep_records() -> None:
    """Keep the records of all results behind the gallery: those results themselves are not kept."""
    shown = [
        origin_of(f"{GALLERY}/{path.name}").record for path in (ROOT / GALLERY).glob("*.json") if path.name != Path(RECORDS).name
    ]
    write_record(RECORDS, records_behind(shown))


if __name__ == "__main__":
    sys.exit(main())
