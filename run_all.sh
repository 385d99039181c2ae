#!/usr/bin/env bash
# Make everything: environment, results, figures, rendered notebooks, and the table of claims.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'TEXT'
Usage: ./run_all.sh [options]        run the workflow and print the table of claims
       ./run_all.sh test             run the linters and the tests

  --profile smoke|quick|paper   how large (default quick: minutes, on scikit-learn's digits; paper: full MNIST)
  --cores N                     notebooks run side by side (default: all processors)
  --only TARGET                 data, rates, training, backprop, phase, scaling, grover, active, fig1 .. fig5 or summary,
                                with what it needs
  --dry-run                     list what would run and why, and run nothing
  --force                       run all of it again, up to date or not
  --help                        this text
TEXT
}

usage_error() {
    printf 'run_all.sh: %s\n\n' "$1" >&2
    usage >&2
    exit 2
}

python_is_311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in python3.11 python3 python; do
        if command -v "$candidate" >/dev/null && python_is_311 "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    printf 'run_all.sh: Python 3.11 is needed and was not found (python3 is: %s).\n' \
        "$(python3 --version 2>/dev/null || echo missing)" >&2
    printf 'Install it, or create the conda environment: conda env create -f environment.yml\n' >&2
    exit 1
}

install_lock() {
    local log=.venv/install.log total installed
    total=$(grep -c '==' requirements.lock)
    .venv/bin/python -m pip install --disable-pip-version-check --no-input -r requirements.lock >"$log" 2>&1 &
    local job=$!
    while kill -0 "$job" 2>/dev/null; do
        installed=$(grep -c '^Collecting ' "$log" || true)
        if [ -t 1 ]; then printf '\rInstalling packages: %s of %s fetched ' "$installed" "$total"; fi
        sleep 1
    done
    if [ -t 1 ]; then printf '\n'; fi
    if ! wait "$job"; then
        printf 'run_all.sh: the packages could not be installed; the last lines of %s:\n' "$log" >&2
        tail -n 15 "$log" >&2
        exit 1
    fi
    .venv/bin/python -m pip install --disable-pip-version-check --no-input -q --no-deps --no-build-isolation -e . >>"$log" 2>&1
}

# Puts the environment's programs first on PATH: an active conda environment as it is, else .venv, made or renewed when the lock changed.
activate() {
    local wanted
    if [ -n "${CONDA_PREFIX:-}" ] && [ "${CONDA_DEFAULT_ENV:-}" = "$(sed -n 's/^name: *//p' environment.yml)" ]; then
        echo "Using the active conda environment ${CONDA_DEFAULT_ENV}."
        return
    fi
    local python=.venv/bin/python
    if [ ! -x "$python" ] || ! python_is_311 "$python"; then
        python=$(find_python)
    fi
    wanted=$("$python" -c 'import hashlib, pathlib; print(hashlib.sha256(b"".join(
        pathlib.Path(name).read_bytes() for name in ("requirements.lock", "pyproject.toml"))).hexdigest())')
    # An environment that was moved with its folder does not work: its scripts name the old place.
    wanted="$wanted $PWD"
    if [ ! -f .venv/lock ] || [ "$(cat .venv/lock)" != "$wanted" ]; then
        python=$(find_python)
        echo "Making the environment .venv from requirements.lock (a few minutes, once)."
        "$python" -m venv --clear .venv
        install_lock
        printf '%s' "$wanted" >.venv/lock
    fi
    export PATH="$PWD/.venv/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"
}

run_tests() {
    activate
    local failed=0
    ruff check . || failed=1
    ruff format --check . || failed=1
    mypy || failed=1
    python -m pytest || failed=1
    exit "$failed"
}

profile=quick
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
only=summary
options=()

if [ "${1:-}" = test ]; then
    [ $# -eq 1 ] || usage_error "test takes no options, got: ${*:2}"
    run_tests
fi

while [ $# -gt 0 ]; do
    option=$1
    case $option in
        --profile | --cores | --only)
            [ $# -ge 2 ] || usage_error "$option needs a value"
            value=$2
            shift 2
            ;;
        --profile=* | --cores=* | --only=*)
            value=${option#*=}
            option=${option%%=*}
            shift
            ;;
        --dry-run) options+=(--dry-run) && shift && continue ;;
        --force) options+=(--forceall) && shift && continue ;;
        --help | -h) usage && exit 0 ;;
        *) usage_error "unknown argument: $option" ;;
    esac
    case $option in
        --profile)
            case $value in smoke | quick | paper) profile=$value ;; *) usage_error "--profile $value: smoke, quick or paper" ;; esac
            ;;
        --cores)
            case $value in '' | 0* | *[!0-9]*) usage_error "--cores $value: a whole number of at least 1" ;; *) cores=$value ;; esac
            ;;
        --only)
            case $value in
                data | rates | training | backprop | phase | scaling | grover | active | fig[1-5] | summary) only=$value ;;
                *) usage_error "--only $value: see the list of targets" ;;
            esac
            ;;
    esac
done

activate
mkdir -p .snakemake
lock_option=()
if command -v flock >/dev/null; then
    # Held by this shell until it ends, however it ends, so a killed run leaves no stale lock behind.
    exec 9>.snakemake/run
    flock --nonblock 9 || { echo "run_all.sh: another run is at work in this folder; wait for it to end." >&2 && exit 1; }
    lock_option=(--nolock)
fi

export PYTHONHASHSEED=0
started=$SECONDS
status=0
snakemake "$only" --cores "$cores" --config profile="$profile" --rerun-incomplete --keep-going --printshellcmds \
    "${lock_option[@]}" "${options[@]}" 9>&- >.snakemake/run_all.log 2>&1 &
job=$!
trap 'kill -INT "$job" 2>/dev/null; wait "$job"; exit 130' INT TERM
shown=''
while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    progress=$(grep -E '^[0-9]+ of [0-9]+ steps' .snakemake/run_all.log | tail -n 1 || true)
    if [ -n "$progress" ] && [ "$progress" != "$shown" ]; then
        shown=$progress
        if [ -t 1 ]; then printf '\r%s, %d s ' "$progress" $((SECONDS - started)); else printf '%s, %d s\n' "$progress" $((SECONDS - started)); fi
    fi
done
wait "$job" || status=$?
if [ -t 1 ] && [ -n "$shown" ]; then printf '\n'; fi

if [ "$status" -ne 0 ]; then
    grep -E 'stopped:|not usable|^  [a-z_.]+|The notebook so far|Error|error' .snakemake/run_all.log | head -n 20 >&2 || true
    printf 'run_all.sh: not everything could be made; the whole log is .snakemake/run_all.log. Run again to go on from here.\n' >&2
    exit 1
fi
if [[ " ${options[*]:-} " == *" --dry-run "* ]]; then
    sed -n '/^Job stats/,/^total/p' .snakemake/run_all.log | awk '!seen[$0]++'
    grep -q 'Nothing to be done' .snakemake/run_all.log && echo "Nothing to be done: all is up to date."
    exit 0
fi
if grep -q 'Nothing to be done' .snakemake/run_all.log; then echo "All is up to date."; fi
if [ "$only" = summary ]; then
    echo
    python -m qnn_core.claims --profile "$profile"
    cat <<TEXT

Table of claims:      data/results/$profile/claims.json
Figures:              figures/$profile/
Rendered notebooks:   notebooks/rendered/$profile/
TEXT
fi
