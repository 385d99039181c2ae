"""Why a run stopped: what notebooks, Python and the shell said, taken from Snakemake's log without Snakemake's own lines.

So every error is shown, whatever its wording.
"""

from __future__ import annotations

import re

_MOST = 30
_FRAME = re.compile(
    r"""$|\[\w{3}\ \w{3}\ .*\]$|(local)?rule\ \w+:$|(Finished|Terminating)\ job|\d+\ of\ \d+\ steps|Select\ jobs|Execute\ \d+\ jobs
    |Error\ in\ rule\ |RuleException:$|CalledProcessError\ in\ file|Command\ 'set\ .*\ returned|WorkflowError:$|At\ least\ one\ job
    |Exiting\ because|Complete\ log|Elapsed\ time|Job\ failed,\ going\ on|Shutting\ down
    |Trying\ to\ restart|Removing\ |Waiting\ at\ most|Logfile\ |=+$
    |(data|figures|notebooks)/\S+(,\ \S+)*(\ \(missing.*)?$
    |Assuming\ unrestricted|SNAKEMAKE$|Building\ DAG|Using\ shell|Provided\ |Rules\ claiming
    |\ \ (Date|Workflow\ ID|Platform|Host|User|.*\ version|Command|Snakefile|.*\ directory|Config\ .*):
    |Job\ stats:$|job\ +count$|-+\ +-+$|\w+\ +\d+$|.*;\ it\ is\ made\ again\.$
    |Traceback\ |\ \ File\ "|\ {4}(?!message:\ (?!None$))""",
    re.VERBOSE,
)
_COMMAND = re.compile(r"^Command 'set .* artifact\.execute (\w+) .*' died with", re.DOTALL)


def failures(log: str) -> str:
    """What programs other than Snakemake wrote into a log; its last lines if they wrote nothing.

    >>> failures('[Fri Nov 27 00:54:41 2026]\\n01_data stopped: KeyError: 1\\nRuleException:\\nError in rule data:\\n    jobid: 0\\n')
    '01_data stopped: KeyError: 1'
    """
    lines = log.splitlines()
    said = dict.fromkeys(_COMMAND.sub(r"\1 died with", line) for line in lines if not _FRAME.match(line))
    return "\n".join([*said][:_MOST] or lines[-_MOST:])
