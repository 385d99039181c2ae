"""How long a run will take: python -m artifact.plan [--profile quick] [--cores 2] [--measure] LOG

LOG is what Snakemake wrote. How long each rule's notebooks took stands in config/costs.json, where --measure puts the times of this log.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from artifact.files import in_project
from qnn_core.files import write_json

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


def plan(notebooks: dict[str, int], seconds: dict[str, float], cores: int) -> str:
    """How many notebooks, and about how long; those of rules not measured take the mean of the others."""
    parts = ", ".join(f"{rule} {count}" if count > 1 else rule for rule, count in notebooks.items())
    each = {rule: seconds.get(rule, sum(seconds.values()) / len(seconds)) for rule in notebooks} if seconds else {}
    total = max([*each.values(), sum(count * each.get(rule, 0) for rule, count in notebooks.items()) / cores])
    time = f"about {max(round(total / 60), 1)} min on {cores} cores" if each else "how long they take was not measured"
    return f"{sum(notebooks.values())} notebooks to run, {time}: {parts}."


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m artifact.plan", description="How long a run will take.")
    parser.add_argument("log", type=Path, help="what Snakemake wrote")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--cores", type=int, default=2, help="notebooks at a time")
    parser.add_argument("--measure", action="store_true", help=f"keep the times of a run that has ended in {COSTS}")
    options = parser.parse_args(arguments)
    log, costs = options.log.read_text(encoding="utf-8"), in_project(COSTS)
    known = json.loads(costs.read_text(encoding="utf-8"))
    seconds = known.get(options.profile, {})
    if options.measure:
        write_json(costs, {**known, options.profile: {**seconds, **measured(log)}})
    elif notebooks := planned(log):
        print(plan(notebooks, seconds, options.cores))


if __name__ == "__main__":
    main()
