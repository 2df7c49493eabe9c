#!/usr/bin/env bash
# Runs every suite of PumBench with nano, the specialists and the baselines, then writes docs/results. An interrupted run continues.
#
#   scripts/run_pumbench.sh ../shared/data runs/bench runs/nano/specialists
#
# The third argument is a folder with the predictions of experiments/specialists/run.py for fashion, grocery and clothing.
set -euo pipefail
if [ $# -ne 3 ]; then
    echo "usage: $0 DATA OUT SPECIALISTS" >&2
    exit 2
fi
data=$1 out=$2 specialists=$3

declare -A models=(
    [samples]="nano majority"
    [fashion]="nano predictions:$specialists/fashion.jsonl nearest title majority"
    [grocery]="nano predictions:$specialists/grocery.jsonl nearest majority"
    [clothing]="nano predictions:$specialists/clothing.jsonl nearest majority"
    [implicitave]="nano majority"
    [ae-110k]="nano title majority"
    [oa-mine]="nano title majority"
    [open-domain]="nano nearest majority"
)
for suite in samples fashion grocery clothing implicitave ae-110k oa-mine open-domain; do
    options=()
    for model in ${models[$suite]}; do options+=(--model "$model"); done
    pumgpt bench "$suite" "${options[@]}" --data "$data" --out "$out/$suite"
done
python scripts/publish_bench.py "$out"/*/results.json
