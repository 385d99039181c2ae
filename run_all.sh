#!/usr/bin/env bash
# Find Python 3.11 and hand over to artifact/environment.py, which makes the environment and runs the workflow in it: ./run_all.sh --help
set -euo pipefail
# What would put packages elsewhere than into .venv, compile them again in every process, or stop at a letter that this terminal does not have.
unset PIP_TARGET PIP_PREFIX PYTHONHOME PYTHONDONTWRITEBYTECODE
export PIP_USER=0 PYTHONIOENCODING=:replace
cd "$(dirname "${BASH_SOURCE[0]}")"
for python in python3.11 python3 python .venv/bin/python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        exec "$python" artifact/environment.py "$@"
    fi
done
printf 'run_all.sh: Python 3.11 is needed and was not found (python3 is: %s).\n' "$(python3 --version 2>/dev/null || echo missing)" >&2
printf 'Install it, or create the conda environment: conda env create -f environment.yml\n' >&2
exit 1
