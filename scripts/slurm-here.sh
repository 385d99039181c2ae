#!/usr/bin/env bash
# Run a command beside a real Slurm of one node, on this machine alone:  scripts/slurm-here.sh [--minutes N] COMMAND ...
#
# Needs Debian's packages slurm-wlm and munge. Everything runs as you, on loopback only, with its state in a temporary folder, and is
# stopped when the command ends or after N minutes (default 60).
set -euo pipefail

minutes=60
if [ "${1:-}" = --minutes ]; then
    minutes=${2:?--minutes needs a number}
    shift 2
fi
[ $# -gt 0 ] || { sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
export PATH="$PATH:/usr/sbin"
for program in munged slurmctld slurmd sinfo; do
    command -v "$program" >/dev/null || { echo "slurm-here.sh: $program is missing; apt-get install slurm-wlm munge" >&2 && exit 1; }
done

folder=$(mktemp -d /tmp/slurm-here.XXXXXX)
chmod 700 "$folder"
started=()
command=''
stop() {
    trap - EXIT INT TERM
    # Jobs of a command that was stopped are ended first: it waits for them, and they would outlive Slurm.
    if [ -n "$command" ] && kill "$command" 2>/dev/null; then scancel --user="$(id -un)" --full --signal=KILL || true; fi
    for ((place = ${#started[@]} - 1; place >= 0; place--)); do
        kill "${started[place]}" 2>/dev/null || true
        wait "${started[place]}" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

mkdir "$folder"/{munge,state,spool}
host=$(hostname -s)
head -c 1024 /dev/urandom >"$folder/munge/key"
chmod 600 "$folder/munge/key"
export SLURM_CONF=$folder/slurm.conf
cat >"$SLURM_CONF" <<CONF
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(getconf _PHYS_PAGES) * $(getconf PAGE_SIZE) / 1048576)) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF

# Snakemake takes Slurm's variables out of the environment of its jobs: the programs themselves know where to look.
mkdir "$folder/bin"
for program in sbatch srun squeue scancel sinfo scontrol sacct; do
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v $program)" >"$folder/bin/$program"
done
chmod +x "$folder"/bin/*
export PATH="$folder/bin:$PATH"

# In sessions of their own, so that a signal to all that was started here leaves Slurm to `stop`.
setsid munged --foreground --force --key-file "$folder/munge/key" --socket "$folder/munge/socket" --pid-file "$folder/munge/pid" \
    --log-file "$folder/munge/log" --seed-file "$folder/munge/seed" 2>"$folder/munge/messages" &
started+=($!)
for _ in $(seq 50); do [ -S "$folder/munge/socket" ] && break || sleep 0.1; done
setsid slurmctld -D -i &>"$folder/slurmctld.messages" &
started+=($!)
setsid slurmd -D -N "$host" &>"$folder/slurmd.messages" &
started+=($!)
for _ in $(seq 60); do [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] && break || sleep 1; done
if [ "$(sinfo --noheader --format=%T 2>/dev/null)" != idle ]; then
    echo "slurm-here.sh: Slurm did not come up; its last words:" >&2
    tail -n 5 "$folder"/munge/{messages,log} "$folder"/*.messages "$folder"/*.log >&2 || true
    exit 1
fi
echo "Slurm of one node is up: $(sinfo --noheader)"
timeout --kill-after=120 "${minutes}m" "$@" &
command=$!
started+=("$command")
status=0
wait "$command" || status=$?
exit "$status"
