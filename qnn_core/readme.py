"""Fill the README's table of claims and its gallery from a finished run: python -m qnn_core.readme [--profile quick]."""

from __future__ import annotations

import argparse
import shutil
import sys

from qnn_core.claims import Claim, load_claims, measured_number
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import ROOT, atomic_write, relative

GALLERY = "docs/gallery"
_BEGIN = "<!-- claims: filled by python -m qnn_core.readme -->"
_END = "<!-- end of claims -->"


def claims_table(claims: list[Claim]) -> str:
    """The table of claims in Markdown."""
    lines = [
        "| | claim of the abstract | paper | measured here, 95 % interval | what was tested | verdict | notebook, figure | made by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {claim.id} | {claim.statement} | {claim.paper_number or 'no number'} | {measured_number(claim)}: {claim.measured} | {claim.tested} "
        f"| **{claim.verdict}** | {claim.notebook}, {claim.figure} | {claim.sampler_kind} |"
        for claim in claims
    ]
    return "\n".join(lines)


def with_table(readme: str, table: str) -> str:
    """The README with its table replaced; raises DamagedFile when the two marks are not there in order."""
    begin, end = readme.find(_BEGIN), readme.find(_END)
    if not 0 <= begin < end:
        raise DamagedFile(f"README.md has lost the lines {_BEGIN} and {_END} around its table; put them back.")
    return f"{readme[: begin + len(_BEGIN)]}\n{table}\n{readme[end:]}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qnn_core.readme", description="Fill the README from a finished run.")
    parser.add_argument("--profile", default="quick")
    profile = parser.parse_args(arguments).profile
    sources = [ROOT / "data/results" / profile / "claims.json"]
    sources += [ROOT / "figures" / profile / f"fig{number}.{ending}" for number in range(1, 6) for ending in ("png", "json")]
    try:
        claims = load_claims(str(sources[0]))
        for source in sources:
            if not source.is_file():
                raise MissingData(f"{relative(source)} does not exist; run ./run_all.sh --profile {profile} first.")
        readme = with_table((ROOT / "README.md").read_text(encoding="utf-8"), claims_table(claims))
    except (MissingData, DamagedFile) as failure:
        print(failure, file=sys.stderr)
        return 1
    (ROOT / GALLERY).mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copyfile(source, ROOT / GALLERY / source.name)
    with atomic_write("README.md", "w") as file:
        file.write(readme)
    print(f"README.md and {GALLERY} now show the {profile} profile.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
