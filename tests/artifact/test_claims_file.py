"""The table of claims as a file, and what the README shows of it."""

import pytest

from artifact import claims
from artifact.readme import claims_table, with_numbers, with_table
from qnn_core import DamagedFile
from studies.claims import Claim
from studies.stored import Result

CLAIM = Claim(
    "C2",
    "Order rises.",
    None,
    "rise",
    0.6,
    0.55,
    0.65,
    "",
    "that it rises",
    "agrees",
    "No remark.",
    "04_phase",
    "fig3",
    "gibbs",
    4.0,
)


def result(sha256, seconds, kind="classical annealer (block Gibbs), 4 sweeps"):
    return Result("run.npz", {}, {"sampler_kind": kind, "file": "run.npz", "sha256": sha256, "seconds": seconds, "inputs": {}})


def test_the_runtime_of_a_claim_counts_each_run_behind_it_once(monkeypatch):
    behind = {"rates.npz": {"file": "rates.npz", "sha256": "r", "seconds": 5.0}}
    monkeypatch.setattr(claims, "records_behind", lambda _: behind)
    runs, beside = [result("a", 2.0), result("b", 3.0)], [result("b", 3.0), result("c", 4.0, "backpropagation")]
    made = claims.with_origin(CLAIM, runs, beside)
    assert made.runtime == 14.0
    assert made.sampler_kind == runs[0].provenance["sampler_kind"]
    both = claims.with_origin(CLAIM, [*runs, *beside])
    assert both.sampler_kind == "backpropagation, classical annealer (block Gibbs)"


def test_claims_are_stored_read_and_printed(tmp_path, capsys, monkeypatch):
    path = str(tmp_path / "quick" / "claims.json")
    claims.save_claims(path, [CLAIM], {"notebook": "summary"})
    assert claims.load_claims(path) == [CLAIM]
    assert '"profile": "quick"' in (tmp_path / "quick" / "claims.json").read_text()
    assert claims.main(["--profile", "nothing"]) == 1
    assert "does not exist" in capsys.readouterr().err
    monkeypatch.setattr(claims, "load_claims", lambda _: [CLAIM])
    assert claims.main(["--profile", "quick"]) == 0
    assert "C2  -                   0.600 [0.550, 0.650]" in capsys.readouterr().out


def test_claims_and_numbers_are_put_into_a_page():
    table = claims_table([CLAIM])
    assert "| C2 | Order rises. | no number | 0.600 [0.550, 0.650]: rise | that it rises | **agrees** |" in table
    assert len({line.count("|") for line in table.splitlines()}) == 1
    page = "a\n<!-- claims: filled by python -m artifact.readme -->\nold\n<!-- end of claims -->\nb\n"
    assert with_table(page, table).count(table) == 1
    assert "old" not in with_table(page, table)
    with pytest.raises(DamagedFile, match="lost the lines"):
        with_table("no marks", table)
    sentence = "by <!-- ablation: no margin -->old<!-- end --> and <!-- ablation: all heads --><!-- end -->."
    now = with_numbers(sentence, {"no margin": "1 [0, 2]", "all heads": "3"})
    assert now == "by <!-- ablation: no margin -->1 [0, 2]<!-- end --> and <!-- ablation: all heads -->3<!-- end -->."
    with pytest.raises(DamagedFile, match="no number is called 'no margin'; there are all heads"):
        with_numbers(sentence, {"all heads": "3"})
