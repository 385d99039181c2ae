"""What a run will do and how long that takes: python -m artifact.plan [--profile quick] [--cores 2] [--left | --measure] LOG

LOG is what Snakemake wrote. The estimate takes from config/costs.json how long each rule's notebooks took in a measured run; with
--measure, the times of this log are kept there. Another machine is slower or faster by as much as its cores are.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from artifact.files import in_project
from qnn_core.errors import MissingData
from qnn_core.files import write_json

COSTS = "config/costs.json"
_CLOCK = "%a %b %d %H:%M:%S %Y"


@dataclass(frozen=True)
class Log:
    """What Snakemake has told so far.

    planned: notebooks to run, by rule; a rule that only names those of another, as "curves" does for "curves_run", runs none.
    seconds: how long each of those that ended took, by rule.
    """

    planned: Counter[str]
    seconds: dict[str, list[float]]

    @property
    def left(self) -> Counter[str]:
        """Notebooks that have not ended, by rule."""
        return self.planned - Counter({rule: len(times) for rule, times in self.seconds.items()})


def read_log(text: str) -> Log:
    """Read the log of one run."""
    table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)^total ", text, re.MULTILINE | re.DOTALL)
    counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE)} if table else {}
    planned = Counter({rule: count for rule, count in counts.items() if f"{rule}_run" not in counts})
    clock = datetime.min
    started: dict[str, datetime] = {}
    seconds: dict[str, list[float]] = {}
    for line in text.splitlines():
        if stamp := re.fullmatch(r"\[(\w{3} \w{3} +\d+ [\d:]{8} \d{4})\]", line):
            clock = datetime.strptime(stamp[1], _CLOCK)
        elif job := re.fullmatch(r" +jobid: (\d+)", line):
            started[job[1]] = clock
        elif (ended := re.match(r"Finished jobid: (\d+) \(Rule: (\w+)\)", line)) and ended[1] in started and ended[2] in planned:
            seconds.setdefault(ended[2], []).append((clock - started[ended[1]]).total_seconds())
    return Log(planned, seconds)


def costs(profile: str) -> dict[str, float]:
    """Seconds that a notebook of each rule took in the measured run of a profile; empty if none was measured."""
    path = in_project(COSTS)
    return json.loads(path.read_text(encoding="utf-8")).get(profile, {}) if path.is_file() else {}


def estimate(notebooks: Counter[str], seconds: dict[str, float], cores: int) -> float | None:
    """Seconds until notebooks have run, `cores` at a time; those of unknown rules take the mean of the others. None if nothing is known.

    >>> estimate(Counter({"phase": 2, "sizes": 1}), {"phase": 10.0, "sizes": 40.0}, 2)
    40.0
    >>> estimate(Counter({"phase": 4, "sizes": 1}), {"phase": 10.0, "sizes": 40.0}, 2)
    40.0
    >>> estimate(Counter({"phase": 8, "new": 1}), {"phase": 10.0}, 2)
    45.0
    """
    if not seconds:
        return None
    mean = sum(seconds.values()) / len(seconds)
    each = {rule: seconds.get(rule, mean) for rule in notebooks}
    longest = max(each.values(), default=0.0)
    return max(longest, sum(count * each[rule] for rule, count in notebooks.items()) / cores)


def told(seconds: float) -> str:
    """
    >>> told(49.0), told(320.0), told(5000.0)
    ('1 min', '5 min', '83 min')
    """
    return f"{max(round(seconds / 60), 1)} min"


def plan(log: Log, profile: str, cores: int) -> str:
    """The notebooks of a run and how long they will take."""
    known = costs(profile)
    expected = estimate(log.planned, known, cores)
    total = sum(log.planned.values())
    parts = ", ".join(f"{rule} {count}" if count > 1 else rule for rule, count in sorted(log.planned.items()))
    time = "how long they take was not measured" if expected is None else f"about {told(expected)} on {cores} cores"
    return f"{total} notebooks to run, {time}: {parts}."


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m artifact.plan", description="What a run will do, and how long that takes.")
    parser.add_argument("log", type=Path, help="what Snakemake wrote")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--cores", type=int, default=2, help="notebooks at a time")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--left", action="store_true", help="only how long what is left will take")
    what.add_argument("--measure", action="store_true", help=f"keep the times of a finished run in {COSTS}")
    options = parser.parse_args(arguments)
    log = read_log(options.log.read_text(encoding="utf-8"))
    if options.measure:
        try:
            print(_measure(log, options.profile))
        except MissingData as failure:
            print(failure, file=sys.stderr)
            return 1
    elif options.left:
        expected = estimate(log.left, costs(options.profile), options.cores)
        print(f"about {told(expected)} left" if expected else "")
    elif log.planned:
        print(plan(log, options.profile, options.cores))
    return 0


def _measure(log: Log, profile: str) -> str:
    if log.left or not log.planned:
        raise MissingData(f"the log is not of a finished run: {sum(log.left.values())} of its notebooks have not ended.")
    path = in_project(COSTS)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept[profile] = {rule: round(sum(times) / len(times), 1) for rule, times in sorted(log.seconds.items())}
    write_json(path, kept)
    return f"{COSTS} has the times of the {profile} profile."


if __name__ == "__main__":
    sys.exit(main())
