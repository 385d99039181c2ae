"""The table of claims as a file, and what the README shows of it."""

from pathlib import Path

import pytest

from artifact import claims, run
from artifact.environment import options
from artifact.readme import claims_table, kept_claims, with_values
from qnn_core import DamagedFile, MissingData
from studies import rules
from studies.claims import Claim
from studies.stored import Result

CLAIM = Claim(
    "C2b", "It ends ordered", "images in order", "%", "reproduced if above 90 %.", "disorder", "04_phase", "fig3",
    "reproduced", 97.0, 96.0, 98.0, "97 % are in order", "None.", "gibbs", 4.0,
)  # fmt: skip


def result(sha256, seconds, kind="classical annealer (block Gibbs), 4 sweeps"):
    return Result(
        "run.npz",
        {},
        {"sampler_kind": kind, "file": "run.npz", "sha256": sha256, "seconds": seconds, "inputs": {}, "parameters": {}},
    )


def test_the_runtime_of_a_claim_counts_each_run_behind_it_once(monkeypatch):
    behind = {"rates.npz": {"file": "rates.npz", "sha256": "r", "seconds": 5.0}}
    monkeypatch.setattr(claims, "records_behind", lambda _: behind)
    runs, others = [result("a", 2.0), result("b", 3.0)], [result("b", 3.0), result("c", 4.0, "backpropagation")]
    both = claims.with_origin(CLAIM, [*runs, *others])
    assert both.runtime == 14.0
    assert both.sampler_kind == "backpropagation, classical annealer (block Gibbs)"
    assert claims.with_origin(CLAIM, runs).sampler_kind == runs[0].provenance["sampler_kind"]


def test_every_part_carries_what_made_the_studies_that_it_reads(monkeypatch):
    monkeypatch.setattr(claims, "records_behind", lambda _: {})
    studies = {name for _, uses, _ in rules.PARTS.values() for name in uses}
    results = {name: [result(name, 2.0, name)] for name in studies}
    made = {claim.id: claim for claim in claims.all_claims(results)}
    assert list(made) == list(rules.PARTS)
    assert (made["C1a"].sampler_kind, made["C1a"].runtime) == ("annealer, mlp", 4.0)
    assert {claim.verdict for claim in made.values()} == {"undecided"}


def test_claims_are_stored_read_and_printed(tmp_path, capsys, monkeypatch):
    path = str(tmp_path / "quick" / "claims.json")
    claims.save_claims(path, [CLAIM], {"notebook": "summary"}, "The same bits.")
    assert claims.load_claims(path) == ([CLAIM], "The same bits.")
    assert '"profile": "quick"' in (tmp_path / "quick" / "claims.json").read_text()
    with pytest.raises(MissingData, match="does not exist"):
        claims.load_claims("data/results/nothing/claims.json")
    monkeypatch.setattr(claims, "in_project", lambda _: Path(path))
    for name in ("tidy", "set_aside"):
        monkeypatch.setattr(run, name, lambda *_, **__: [])
    monkeypatch.setattr(run, "make", lambda *_: "Nothing to be done")
    run.run(options([]))
    assert "C2b" in (said := capsys.readouterr().out)
    assert CLAIM.number in said
    assert "\nThe same bits.\n" in said
    assert kept_claims("paper") == "data/results/paper/claims.json"


def test_claims_and_numbers_are_put_into_a_page():
    table = claims_table([CLAIM])
    assert f"| C2b It ends ordered | {CLAIM.found} | **reproduced** | [04](notebooks/rendered/paper/04_phase.ipynb) |" in table
    assert {line.count("|") for line in table.splitlines()} == {5}
    page = "a\n<!-- claims: filled by python -m artifact.readme -->\nold\n<!-- end of claims -->\nb\n"
    sentence = "by <!-- ablation: no margin -->old<!-- end --> and <!-- ablation: all heads --><!-- end -->."
    values = {"claims": table, "no margin": "1 [0, 2]", "all heads": "3"}
    assert with_values(page + sentence, values) == page.replace("old", table) + (
        "by <!-- ablation: no margin -->1 [0, 2]<!-- end --> and <!-- ablation: all heads -->3<!-- end -->."
    )
    for mark in ("<!-- end of claims -->", "<!-- end -->"):
        with pytest.raises(DamagedFile, match="lacks its end"):
            with_values((page + sentence).replace(mark, ""), values)
    for name, document in (("claims", page), ("no margin", sentence)):
        with pytest.raises(DamagedFile, match=f"nothing is called '{name}'; there are all heads"):
            with_values(document, {"all heads": "3"})
