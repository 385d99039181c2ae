"""The paper's claims, split into parts. Each part has one number with its interval, and a verdict that a rule makes of them.

No verdict is written by hand: the rules are in `studies.rules`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from qnn_core.statistics import Interval
from studies.paper import CLAIMS
from studies.tables import Table, table

Verdict = Literal["reproduced", "not reproduced", "depends", "undecided", "needs a quantum machine"]
"""Defined in docs/words.md."""


@dataclass(frozen=True)
class Part:
    """One part of a claim. statement: what is judged, in a few words. measure: what its number is; unit: of that number. rule: how the
    verdict follows from it. change: what would change our mind. notebook, figure: where to see it, figure empty if no figure shows it.
    """

    id: str
    statement: str
    measure: str
    unit: str
    rule: str
    change: str
    notebook: str
    figure: str


@dataclass(frozen=True)
class Claim(Part):
    """A part with its verdict. value, low, high: its number with a 95 % interval, None if not measured. found: the result in one sentence.
    conditions: other numbers that belong to it, and its limits. sampler_kind: what made the reads. runtime: seconds of the runs behind it.
    """

    verdict: Verdict
    value: float | None
    low: float | None
    high: float | None
    found: str
    conditions: str
    sampler_kind: str = ""
    runtime: float = 0.0

    @property
    def number(self) -> str:
        """The number with its interval and unit."""
        if self.value is None or self.low is None or self.high is None:
            return "not measured"
        if self.low == self.high:
            return f"{self.value:.3g} {self.unit}".strip() + ", without error bar"
        return f"{Interval(self.value, self.low, self.high)} {self.unit}".strip()

    def _repr_markdown_(self) -> str:
        return "\n".join(
            [
                f"**{self.id}. {self.statement}: {self.verdict}.**\n",
                f"- *Number:* {self.measure}: {self.number}.",
                f"- *Rule:* {self.rule}",
                f"- *Details:* {self.conditions}",
                f"- *What would change our mind:* {self.change}",
                f"- *Reads by:* {self.sampler_kind}.",
            ]
        )


def claims_table(claims: Iterable[Claim]) -> Table:
    """One row for each part."""
    return table(
        {
            claim.id: {
                "claim": claim.statement,
                "measured (95 %)": claim.number,
                "verdict": claim.verdict,
                "where": claim.notebook,
            }
            for claim in claims
        }
    )


def tally(claims: Iterable[Claim]) -> str:
    """How many parts got each verdict, in Markdown."""
    counts = Counter(claim.verdict for claim in claims)
    told = ", ".join(f"**{word}** {counts[word]}" for word in get_args(Verdict) if counts[word])
    return f"{counts.total()} parts of six claims: {told}."


def per_claim(claims: Iterable[Claim]) -> dict[str, list[Claim]]:
    """The parts of each claim, by its id: C1 has C1a, C1b, ..."""
    return {name: [claim for claim in claims if claim.id[:2] == name] for name in CLAIMS}


def below(number: Interval, bar: float) -> Verdict:
    """The verdict on a part that says that a number is below a bar."""
    return "reproduced" if number.high < bar else "not reproduced" if number.low > bar else "undecided"


def above(number: Interval, bar: float) -> Verdict:
    """The verdict on a part that says that it is above."""
    return below(Interval(-number.value, -number.high, -number.low), -bar)


def together(words: Iterable[Verdict]) -> Verdict:
    """One verdict out of several: theirs if they agree, "depends" if some are reproduced and others not, else "undecided"."""
    found = set(words)
    if len(found) == 1:
        return found.pop()
    return "depends" if {"reproduced", "not reproduced"} <= found else "undecided"
