#!/usr/bin/env bash
# The benchmark on a machine with an NVIDIA GPU, in one command of under ten minutes: bench/gpu/run.sh FOLDER OUT [flags of jacquard bench]
#
#   FOLDER  the archive that ./jacquard bundle made, or the folder it unpacks to
#   OUT     an existing folder for what comes back: kernels-candidates.csv and .md (products and convolutions: each own kernel and library engine beside the others, the device's copy and its rates),
#           kernels.csv (each own kernel beside the device's copy), networks.csv and networks.md (whole networks in each precision beside PyTorch, if a python3 with torch
#           is there, and whether the targets of mixed precision are met), and logs. They belong in bench/results, named by the machine.
#
# Runs what bench/gpu/session.sh does not: that one tests, this one measures. PYTHON names another Python.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
bundle=$1
out=$2
shift 2
if [ -f "$bundle" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    tar -xf "$bundle" -C "$work" || exit 1
    bundle=$(find "$work" -maxdepth 1 -mindepth 1 -type d | head -n 1)
fi
python=${PYTHON:-python3}
beside=()
if "$python" -c 'import torch; assert torch.cuda.is_available()' 2> "$out/python.log"; then
    beside=(--pytorch "$here/pytorch_worker.py" --python "$python")
else
    echo "no PyTorch beside us: $(tail -n 1 "$out/python.log")"
fi
status=0
part() { # name, seconds, flags of jacquard
    local name=$1 limit=$2
    shift 2
    timeout "$limit" "$bundle/jacquard" "$@" > "$out/$name.log" 2>&1 || { echo "$name: FAILED ($?)"; tail -n 25 "$out/$name.log"; status=1; }
}
# Together 575 s. The first 12 networks are those that targets are set for: training of one of each family in tf32, fp16, bf16, fp32; then inference of these; what the budget cuts off says so.
part kernels-candidates 115 kernels compare --device cuda --batch 128 --out "$out" --budget 95
part kernels 55 kernels bench --device cuda --batch 128 --csv "$out/kernels.csv" --budget 42
timeout 405 "$bundle/jacquard" bench --device cuda --out "$out" --budget 385 "${beside[@]}" "$@" 2>&1 | tee "$out/networks.log"
[ "${PIPESTATUS[0]}" = 0 ] || { echo "networks: FAILED"; status=1; }
exit $status
