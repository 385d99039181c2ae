"""How long a run will take: python -m artifact.plan [--profile quick] [--cores 2] [--measure] LOG

LOG is what Snakemake wrote. How long each rule's notebooks took stands in config/costs.json, where --measure puts the times of this log;
--learn keeps them for this folder alone, and run_all.sh does so after every run.
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
from qnn_core.files import reading, write_json

COSTS, LEARNED = "config/costs.json", ".snakemake/costs.json"


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


def plan(notebooks: dict[str, int], seconds: dict[str, float], cores: int, *, learned: bool = False) -> str:
    """How many notebooks, and how long; those of rules not measured take the mean of the others.

    learned: whether the seconds are this machine's own. Another may be as fast, or busy, and three times as slow.
    """
    parts = ", ".join(f"{rule} {count}" if count > 1 else rule for rule, count in notebooks.items())
    each = {rule: seconds.get(rule, sum(seconds.values()) / len(seconds)) for rule in notebooks} if seconds else {}
    total = max([*each.values(), sum(count * each.get(rule, 0) for rule, count in notebooks.items()) / cores])
    low, high = (max(round(factor * total / 60), 1) for factor in ((0.8, 1.5) if learned else (1, 3)))
    time = f"{low} to {max(high, low + 1)} min on {cores} cores" if each else "how long they take was not measured"
    return f"{sum(notebooks.values())} notebooks to run, {time}: {parts}."


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m artifact.plan", description="How long a run will take.")
    parser.add_argument("log", type=Path, help="what Snakemake wrote")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--cores", type=int, default=2, help="notebooks at a time")
    parser.add_argument("--measure", action="store_true", help=f"keep the times of a run that has ended in {COSTS}")
    parser.add_argument("--learn", action="store_true", help="keep them for this folder alone")
    options = parser.parse_args(arguments)
    log, profile = options.log.read_text(encoding="utf-8"), options.profile
    costs, own = (_known(name) for name in (COSTS, LEARNED))
    if options.measure or options.learn:
        known = costs if options.measure else own
        write_json(
            in_project(COSTS if options.measure else LEARNED), {**known, profile: {**known.get(profile, {}), **measured(log)}}
        )
    elif notebooks := planned(log):
        learned = own.get(profile, {})
        print(plan(notebooks, {**costs.get(profile, {}), **learned}, options.cores, learned=notebooks.keys() <= learned.keys()))


def _known(name: str) -> dict[str, dict[str, float]]:
    """Seconds by profile and rule; none where there is no such file, or one that was damaged."""
    with suppress(OSError, ValueError), reading(in_project(name), "a table of times", ""):
        return {profile: dict(known) for profile, known in json.loads(in_project(name).read_text(encoding="utf-8")).items()}
    return {}


if __name__ == "__main__":
    main()
