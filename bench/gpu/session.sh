#!/usr/bin/env bash
# What to run first on a machine with an NVIDIA GPU and nothing else: bench/gpu/session.sh FOLDER OUT
#
#   FOLDER  the archive that ./jacquard bundle made, or the folder it unpacks to
#   OUT     an existing folder for what comes back: logs, and CSV files for bench/results
#
# Ends well inside ten minutes; a part that fails does not keep the others from running, and the exit status says whether all of them passed.
set -u
bundle=$1
out=$2
if [ -f "$bundle" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    tar -xf "$bundle" -C "$work" || exit 1
    bundle=$(find "$work" -maxdepth 1 -mindepth 1 -type d | head -n 1)
fi
status=0
part() { # name, seconds, command
    local name=$1 limit=$2
    shift 2
    echo "== $name"
    if timeout "$limit" "$@" > "$out/$name.log" 2>&1; then tail -n 3 "$out/$name.log"; else
        echo "$name: FAILED ($?)"
        tail -n 25 "$out/$name.log"
        status=1
    fi
}
part doctor 30 "$bundle/jacquard" doctor
part selftest 240 "$bundle/jacquard" selftest --device cuda
part kernels 200 "$bundle/jacquard" kernels bench --device cuda --batch 128 --csv "$out/kernels.csv"
part train 90 "$bundle/jacquard" train --device cuda --generated-images 2000 --epochs 2 --out "$out/run"
exit $status
