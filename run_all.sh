#!/usr/bin/env bash
# Make everything: environment, results, figures, rendered notebooks, and the table of claims.
set -euo pipefail
# What would put packages elsewhere than into .venv, or stop at a letter that this terminal does not have.
unset PIP_TARGET PIP_PREFIX PYTHONHOME
export PIP_USER=0
export PYTHONIOENCODING=:replace
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'TEXT'
Usage: ./run_all.sh [options]        run the workflow and print the table of claims
       ./run_all.sh test             run the linters and the tests

  --profile smoke|quick|paper   how large (default quick: minutes, on scikit-learn's digits; paper: full MNIST)
  --cores N                     notebooks run side by side (default: all processors)
  --only TARGET                 data, rates, training, samplers, ablation, backprop, phase, equilibrium, sizes, landscape, curves, scaling,
                                heads, cloud, grover, active, layer, fig1 .. fig5 or summary, with what it needs
  --executor local|slurm        run on this machine (default), or hand each notebook to Slurm, at most N of --cores at once
  --site                        write site/index.html from the profile's rendered notebooks, made first if there are none
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

# Runs a command as a process group of its own, so that stopping this script stops everything it started.
set -m
job=''
stop() {
    trap '' INT TERM PIPE
    if [ -n "$job" ]; then
        kill -TERM -- "-$job" 2>/dev/null || true
        wait "$job" 2>/dev/null || true
    fi
    printf '\nStopped. Run again to go on from here.\n' >&2
    exit 130
}
trap stop INT TERM PIPE

# One run at a time. The lock lives as long as this script or any process it has started, however they end.
take_lock() {
    if ! { [ -w . ] && mkdir -p .snakemake && [ -w .snakemake ]; } 2>/dev/null; then
        printf 'run_all.sh: this folder cannot be written, and results go into it; copy it to a place of yours.\n' >&2
        exit 1
    fi
    exec 9>.snakemake/run
    local status=0
    lock_descriptor 9 || status=$?
    if [ "$status" -eq 1 ]; then  # Others are of file systems that know no locks.
        printf 'run_all.sh: another run is at work in this folder; wait for it to end.\n' >&2
        exit 1
    fi
}

lock_descriptor() {
    if command -v flock >/dev/null; then
        flock --nonblock "$1"
    else
        "$(find_python)" -c "import fcntl; fcntl.flock($1, fcntl.LOCK_EX | fcntl.LOCK_NB)" 2>/dev/null
    fi
}

install_lock() {
    local log=.venv/install.log total fetched
    total=$(grep -c '==' requirements.lock)
    .venv/bin/python -m pip install --disable-pip-version-check --no-input -r requirements.lock >"$log" 2>&1 &
    job=$!
    while kill -0 "$job" 2>/dev/null; do
        fetched=$(grep -c '^Collecting ' "$log" || true)
        if [ -t 1 ]; then printf '\rInstalling packages: %s of %s fetched ' "$fetched" "$total"; fi
        sleep 1
    done
    if [ -t 1 ]; then printf '\n'; fi
    if ! wait "$job" || ! .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps \
        --no-build-isolation -e . >>"$log" 2>&1; then
        printf 'run_all.sh: the packages could not be installed; the last lines of %s:\n' "$log" >&2
        tail -n 15 "$log" >&2
        exit 1
    fi
    job=''
}

# Puts the environment's programs first on PATH: an active conda environment that has the lock's versions, or the project's name, as it
# is; else .venv, made or brought up to date where it differs from the lock.
activate() {
    local name python
    if [ -n "${CONDA_PREFIX:-}" ] && [ -x "$CONDA_PREFIX/bin/python" ]; then
        name=$(sed -n 's/^name: *//p' environment.yml)
        if "$CONDA_PREFIX/bin/python" artifact/environment.py >/dev/null 2>&1 || [ "${CONDA_DEFAULT_ENV:-}" = "$name" ]; then
            echo "Using the active conda environment ${CONDA_DEFAULT_ENV:-$CONDA_PREFIX}."
            "$CONDA_PREFIX/bin/python" artifact/environment.py || echo "It differs from requirements.lock as listed; going on with it."
            export PATH="$CONDA_PREFIX/bin:$PATH"
            return
        fi
    fi
    if ! .venv/bin/python artifact/environment.py >/dev/null 2>&1; then
        echo "Making the environment .venv from requirements.lock (a few minutes, once)."
        python=$(find_python)
        # Anew for another Python, and in a folder that was renamed: the programs in it name their place.
        if [ "$(.venv/bin/python --version 2>/dev/null)" != "$("$python" --version)" ] || ! grep -qsF "$PWD/.venv" .venv/bin/activate; then
            "$python" -m venv --clear .venv
        fi
        install_lock
    fi
    export PATH="$PWD/.venv/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"
}

run_tests() {
    take_lock
    activate
    local failed=0
    python -m ruff check . || failed=1
    python -m ruff format --check . || failed=1
    python -m mypy || failed=1
    python -m pytest --cov || failed=1
    exit "$failed"
}

profile=quick
# Those that this process may use: nproc knows of taskset, the file of a container's share.
cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
if read -r share period 2>/dev/null </sys/fs/cgroup/cpu.max && [ "$share" != max ] && [ "$((share / period))" -lt "$cores" ]; then
    cores=$((share < period ? 1 : share / period))
fi
only=summary
executor=local
site=''
options=()

if [ "${1:-}" = test ]; then
    [ $# -eq 1 ] || usage_error "test takes no options, got: ${*:2}"
    run_tests
fi

while [ $# -gt 0 ]; do
    option=$1
    case $option in
        --profile | --cores | --only | --executor)
            [ $# -ge 2 ] || usage_error "$option needs a value"
            value=$2
            shift 2
            ;;
        --profile=* | --cores=* | --only=* | --executor=*)
            value=${option#*=}
            option=${option%%=*}
            shift
            ;;
        --site) site=1 && shift && continue ;;
        --dry-run) options+=(--dry-run) && shift && continue ;;
        --force) options+=(--forceall) && shift && continue ;;
        --help | -h) usage && exit 0 ;;
        *) usage_error "unknown argument: $option" ;;
    esac
    case $option in
        --profile)
            case $value in smoke | quick | paper) profile=$value ;; *) usage_error "--profile $value: smoke, quick or paper" ;; esac
            ;;
        --executor)
            case $value in local | slurm) executor=$value ;; *) usage_error "--executor $value: local or slurm" ;; esac
            ;;
        --cores)
            case $value in '' | 0* | *[!0-9]*) usage_error "--cores $value: a whole number of at least 1" ;; *) cores=$value ;; esac
            ;;
        --only)
            case $value in
                data | rates | training | samplers | ablation | backprop | phase | equilibrium | sizes | landscape | curves | scaling | heads | cloud | grover | active | layer | fig[1-5] | summary) only=$value ;;
                *) usage_error "--only $value: see the list of targets" ;;
            esac
            ;;
    esac
done

if [ -n "$site" ] && { [ "$only" != summary ] || [ ${#options[@]} -gt 0 ]; }; then
    usage_error "--site goes with --profile and --cores only"
fi
take_lock
activate
if [ -n "$site" ]; then
    if [ -f "notebooks/rendered/$profile/summary.ipynb" ] && [ -f "data/results/$profile/claims.json" ]; then
        exec python -m artifact.book --profile "$profile"
    fi
    echo "The $profile profile has no rendered notebooks yet; making them first."
fi
export PYTHONHASHSEED=0
started=$SECONDS
status=0
log=.snakemake/run_all.log
if [[ " ${options[*]:-} " != *" --dry-run "* ]]; then
    told=$(python -m artifact.tidy --profile "$profile" 2>&1) || { printf '%s\n' "${told##*$'\n'}" >&2 && exit 1; }
    if [ -n "$told" ]; then printf '%s\n' "$told"; fi
fi
if [ "$executor" = slurm ]; then
    if ! command -v sbatch >/dev/null; then
        printf 'run_all.sh: --executor slurm: there is no sbatch here, the command of Slurm that takes jobs.\n' >&2
        exit 1
    fi
    # QNN_SLURM: what a cluster wants besides, such as slurm_account=NAME slurm_partition=NAME, one word each.
    # Without an accounting database, which not every cluster has, only squeue sees a job end. A killed job is sent again.
    query=squeue
    if sacct --noheader >/dev/null 2>&1; then query=sacct; fi
    where=(--executor slurm --jobs "$cores" --retries 2 --latency-wait 60 --default-resources mem_mb=4000 runtime=720 ${QNN_SLURM:-}
        --show-failed-logs --slurm-status-command "$query" --slurm-init-seconds-before-status-checks 5)
    if [ "$query" = squeue ]; then where+=(--slurm-no-account); fi
else
    where=(--cores "$cores")
fi
# Without Snakemake's own lock, which would outlive a killed run.
python -m snakemake "$only" "${where[@]}" --config profile="$profile" --rerun-incomplete --keep-going --nolock \
    ${options[@]+"${options[@]}"} >"$log" 2>&1 &
job=$!
shown=''
planned=''
while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    if [ -z "$planned" ] && grep -q '^Select jobs' "$log"; then
        planned=1
        grep 'it is made again' "$log" || true
        python -m artifact.plan --profile "$profile" --cores "$cores" "$log" || true
    fi
    progress=$(grep -E '^[0-9]+ of [0-9]+ steps' "$log" | tail -n 1 || true)
    if [ -n "$progress" ] && [ "$progress" != "$shown" ]; then
        shown=$progress
        line="$progress, $((SECONDS - started)) s"
        if [ -t 1 ]; then printf '\r%-78s' "$line"; else printf '%s\n' "$line"; fi
    fi
done
wait "$job" || status=$?
job=''
if [ -t 1 ] && [ -n "$shown" ]; then printf '\n'; fi
if [ -n "$shown" ]; then python -m artifact.plan --learn --profile "$profile" "$log" || true; fi

if [ "$status" -ne 0 ]; then
    python -m artifact.failures "$log" >&2 || tail -n 20 "$log" >&2
    printf 'run_all.sh: not everything could be made; the whole log is %s. Run again to go on from here.\n' "$log" >&2
    exit 1
fi
if [[ " ${options[*]:-} " == *" --dry-run "* ]]; then
    awk '/^(local)?rule /{rule = $2; sub(":", "", rule)} /^ *output: /{output = $2; sub(",", "", output)}
         /^ *reason: /{sub("^ *reason: ", ""); print rule ": " output "\n    " substr($0, 1, 150)}' "$log"
    sed -n '/^Job stats/,/^total/p' "$log" | awk '/^Job stats/{n++} n == 1'
fi
if grep -q 'Nothing to be done' "$log"; then echo "All is up to date."; fi
if [ "$only" = summary ] && [[ " ${options[*]:-} " != *" --dry-run "* ]]; then
    echo
    python -m artifact.claims --profile "$profile"
    cat <<TEXT

Table of claims:      data/results/$profile/claims.json
Figures:              figures/$profile/
Rendered notebooks:   notebooks/rendered/$profile/
TEXT
    if [ -n "$site" ]; then python -m artifact.book --profile "$profile"; fi
fi
