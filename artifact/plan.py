"""How long a run will take: python -m artifact.plan [--profile quick] LOG keeps how long one took, in config/costs.json.

LOG is what Snakemake wrote, .snakemake/run_all.log. The next run is estimated by the mean time of each rule's notebooks.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from artifact.files import in_project
from qnn_core.errors import DamagedFile
from qnn_core.files import reading, write_json

COSTS = "config/costs.json"


def planned(log: str) -> dict[str, int]:
    """Notebooks to run, by rule; a rule that only names those of another, as "curves" does for "curves_run", runs none."""
    table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)^total ", log, re.MULTILINE | re.DOTALL)
    counts = dict(re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE)) if table else {}
    return {rule: int(count) for rule, count in sorted(counts.items()) if f"{rule}_run" not in counts}


def measured(log: str) -> dict[str, float]:
    """Mean seconds of the notebooks of each rule that ended."""
    started: dict[str, datetime] = {}
    taken = defaultdict(list)
    for dated in log.split("\n[")[1:]:
        time, told = datetime.strptime(dated[:24], "%a %b %d %H:%M:%S %Y"), dated[26:]
        if job := re.search(r"^ +jobid: (\d+)$", told, re.MULTILINE):
            started[job[1]] = time
        elif ended := re.match(r"Finished jobid: (\d+) \(Rule: (\w+)\)", told):
            taken[ended[2]].append((time - started[ended[1]]).total_seconds())
    return {rule: round(sum(taken[rule]) / len(taken[rule]), 1) for rule in planned(log) if rule in taken}


def expected(log: str, profile: str, cores: int) -> str:
    """How many notebooks a run that has begun will make, and how long that takes, by the costs that are kept."""
    return plan(planned(log), _costs().get(profile, {}), cores)


def plan(notebooks: dict[str, int], seconds: dict[str, float], cores: int) -> str:
    """How many notebooks, and how long: another machine may be as fast, or busy, and three times as slow.

    Notebooks of rules that were not measured take the mean of the others.
    """
    parts = ", ".join(f"{rule} {count}" if count > 1 else rule for rule, count in notebooks.items())
    each = {rule: seconds.get(rule, sum(seconds.values()) / len(seconds)) for rule in notebooks} if seconds else {}
    total = max([*each.values(), sum(count * each.get(rule, 0) for rule, count in notebooks.items()) / cores])
    low, high = max(round(total / 60), 1), max(round(3 * total / 60), 2)
    time = f"{low} to {high} min on {cores} cores" if each else "how long they take was not measured"
    return f"{sum(notebooks.values())} notebooks to run, {time}: {parts}."


def _costs() -> dict[str, dict[str, float]]:
    """Seconds by profile and rule; none where the file was damaged: an estimate stops no run."""
    with suppress(OSError, DamagedFile), reading(in_project(COSTS), "a table of times", ""):
        return {profile: dict(known) for profile, known in json.loads(in_project(COSTS).read_text(encoding="utf-8")).items()}
    return {}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m artifact.plan", description=f"Keep how long a run took in {COSTS}.")
    parser.add_argument("log", type=Path, help="what Snakemake wrote")
    parser.add_argument("--profile", default="quick")
    options = parser.parse_args(arguments)
    costs, log = _costs(), options.log.read_text(encoding="utf-8")
    write_json(in_project(COSTS), {**costs, options.profile: {**costs.get(options.profile, {}), **measured(log)}})


if __name__ == "__main__":
    main()
