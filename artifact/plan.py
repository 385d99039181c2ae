"""How long a run will take: by the mean time of each rule's notebooks in runs made here before, else in those of config/costs.json."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import suppress
from datetime import datetime

from artifact.files import in_project
from qnn_core.errors import DamagedFile
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


def expected(log: str, profile: str, cores: int) -> str:
    """How many notebooks a run that has begun will make, and how long that takes, by the costs that are kept."""
    notebooks, own = planned(log), _costs(LEARNED).get(profile, {})
    return plan(notebooks, {**_costs(COSTS).get(profile, {}), **own}, cores, learned=notebooks.keys() <= own.keys())


def learn(log: str, profile: str) -> None:
    """Keep how long the notebooks of a run took, for the next estimate."""
    costs = _costs(LEARNED)
    if taken := measured(log):
        write_json(in_project(LEARNED), {**costs, profile: {**costs.get(profile, {}), **taken}})


def plan(notebooks: dict[str, int], seconds: dict[str, float], cores: int, *, learned: bool = False) -> str:
    """How many notebooks, and how long; those of rules that were not measured take the mean of the others.

    learned: whether the seconds are this machine's own. Another may be as fast, or busy, and three times as slow.
    """
    parts = ", ".join(f"{rule} {count}" if count > 1 else rule for rule, count in notebooks.items())
    each = {rule: seconds.get(rule, sum(seconds.values()) / len(seconds)) for rule in notebooks} if seconds else {}
    total = max([*each.values(), sum(count * each.get(rule, 0) for rule, count in notebooks.items()) / cores])
    low, high = (max(round(factor * total / 60), 1) for factor in ((0.8, 1.5) if learned else (1, 3)))
    time = f"{low} to {max(high, low + 1)} min on {cores} cores" if each else "how long they take was not measured"
    return f"{sum(notebooks.values())} notebooks to run, {time}: {parts}."


def _costs(name: str) -> dict[str, dict[str, float]]:
    """Seconds by profile and rule; none where there is no such file, or a damaged one: an estimate stops no run."""
    with suppress(OSError, DamagedFile), reading(in_project(name), "a table of times", ""):
        return {profile: dict(known) for profile, known in json.loads(in_project(name).read_text(encoding="utf-8")).items()}
    return {}
