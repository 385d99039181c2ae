"""A run that stopped shows what its notebooks, Python and the shell said first, whatever the words are, and none of Snakemake's."""

import pytest

from artifact.failures import failures

BEGUN = """Assuming unrestricted shared filesystem usage.

SNAKEMAKE
=========
  Date: 2026-11-27 00:52:09
  Snakemake version: 9.27.1
  Python version: 3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]
  Command: /usr/bin/python data --cores 2
  Working directory: /home/project
  Config file(s): []

Building DAG of jobs...
Using shell: /usr/bin/bash
Provided cores: 2
Rules claiming more threads will be scaled down.
Job stats:
job      count
-----  -------
data         1
total        1

Select jobs to execute...
Execute 1 jobs...

[Fri Nov 27 00:54:12 2026]
localrule data:
    input: notebooks/01_data.ipynb, artifact/checks.py
    reason: Missing output files: data/results/smoke/data.npz
"""
COMMAND = (
    """Command 'set -euo pipefail;  python -m artifact.execute 01_data --output x.ipynb --parameters '{"dataset": "digits"}''"""
)
ENDED = """RuleException:
CalledProcessError in file "/home/project/Snakefile", line 189:
%s
[Fri Nov 27 00:54:41 2026]
Error in rule data:
    message: None
    jobid: 0
    output: data/results/smoke/data.npz
    shell:
        python -m artifact.execute 01_data
        (command exited with non-zero exit code)
1 of 3 steps (33%%) done
Removing output files of failed job data since they might be corrupted:
data/results/smoke/data.npz, data/results/smoke/data.json
notebooks/rendered/smoke/01_data.ipynb
Exiting because a job execution failed. Look above for error messages
Complete log(s): /home/project/.snakemake/log/2026-11-27T005209.snakemake.log
Elapsed time: 0:02:31.499783
WorkflowError:
At least one job did not complete successfully.
"""
SAID = {
    "an error": "01_data stopped: KeyError: 'a key'",
    "several lines": "01_data stopped: ValueError: first line\nsecond line: what to do\nThe notebook so far: x.failed.ipynb",
    "a name that ends otherwise": "01_data stopped: SystemExit: 3",
    "odd letters": "01_data stopped: ValueError: 50 % {x} $HOME `id` größer",
    "the shell": "/usr/bin/bash: line 1: python: command not found",
    "parameters": "Parameters of notebook 01_data are not usable:\n  epochs = '3': Input should be a valid integer",
    "a disk": "x.npz could not be written (No space left on device).",
    "no output": 'MissingOutputException in rule cloud in file "Snakefile", line 173:\nJob 7  completed successfully, but',
    "a cluster": "sbatch: error: invalid partition specified: none",
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_was_said_is_shown_and_nothing_else(said):
    assert failures(BEGUN + said + "\n" + ENDED % f"{COMMAND} returned non-zero exit status 1.") == said


def test_of_a_traceback_its_error_is_shown():
    trace = 'Traceback (most recent call last):\n  File "<frozen runpy>", line 198, in _run\n    import x\nImportError: no x\n'
    assert failures(BEGUN + trace + ENDED % f"{COMMAND} returned non-zero exit status 1.") == "ImportError: no x"


def test_a_notebook_that_was_killed_is_named():
    assert failures(BEGUN + ENDED % f"{COMMAND} died with <Signals.SIGKILL: 9>.") == "01_data died with <Signals.SIGKILL: 9>."


def test_a_workflow_that_did_not_begin_says_why():
    log = 'ParameterError in file "/p/Snakefile", line 14:\nParameters are not usable:\n  File "/p/Snakefile", line 14, in <module>\n'
    assert failures(log).splitlines()[1:] == ["Parameters are not usable:"]


def test_where_nobody_said_anything_the_log_itself_is_shown():
    log = ENDED % f"{COMMAND} returned non-zero exit status 1."
    assert failures(log) == "\n".join(log.splitlines()[-30:])
