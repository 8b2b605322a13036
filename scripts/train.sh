#!/usr/bin/env bash
# scripts/train.sh RECIPE FOLDER [OPTION...]
#
# Trains a network as the shipped one was trained and freezes it to FOLDER/frozen.safetensors.
# Recipes: compact; baseline, the float DnCNN, which ends in FOLDER/baseline.safetensors; best, which
# learns from the baseline in FOLDER/../baseline; paper, which needs compact's float network in
# FOLDER/../compact too. Called again, it goes on where it stopped. The options go to all trainings of the recipe, new or resumed; what decides a
# training's numbers, --batch for one, cannot change while it is resumed. Pictures: train400/ in
# --data or SPIKING_DNCNN_DATA. SHORTEN=N divides all numbers of steps by N, for trying things out.
#
# Exit code: that of the first command that did not end with 0; 3 means that --minutes stopped a
# training before its last step.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: scripts/train.sh compact|best|paper|baseline FOLDER [OPTION...]" >&2
  exit 2
fi
recipe=$1 folder=$2
options=("${@:3}")
python=${PYTHON:-.venv/bin/python}
shorten=${SHORTEN:-1}
. "$(dirname "$0")/resumable.sh"
unfinished=", frozen.safetensors is not written"

# train NAME STEPS ARGUMENT...: begin a run in FOLDER/NAME, or go on with it.
train() {
  go_on "$folder/$1" --steps $((($2 + shorten - 1) / shorten)) "${@:3}"
}

# freeze NAME DEPLOYMENT [FILE]: freeze the run FOLDER/NAME as a deployment of that name.
freeze() {
  "$python" -m sw_model freeze "$folder/$1/checkpoint.pt" --name "$2" \
    -o "$folder/${3:-frozen.safetensors}"
}

case $recipe in
compact | best | paper | baseline) hold_recipe "$folder" "$recipe $shorten" "a training" ;;
*)
  echo "scripts/train.sh: recipe '$recipe' is unknown; known are compact, best, paper, baseline" >&2
  exit 2
  ;;
esac

case $recipe in
compact)
  train float 5600 --config compact --lr 1.5e-3 --supervision 0.3
  train quantised 1800 --quantise "$folder/float/checkpoint.pt" --lr 4e-4 --warmup 30 \
    --surrogate-width 0.5
  freeze quantised compact
  ;;
best)
  train alone 4400 --config best --gradient levels --round-weights --activity 20 --batch 16 \
    --lr 2e-3 --muon 0.01
  always=(--teacher "$folder/../baseline/baseline.safetensors")
  train taught 3600 --start "$folder/alone/checkpoint.pt" --gradient levels --round-weights \
    --activity 6 --batch 16 --lr 1e-3 --muon 0.007 --warmup 50
  train spikes 220 --quantise "$folder/taught/checkpoint.pt" --gradient rate --activity 20 \
    --batch 16 --lr 3e-4 --muon 0.001 --warmup 20
  freeze spikes best-s25 spikes.safetensors
  train time 2000 --quantise "$folder/spikes.safetensors" --encoding-weight-bits 6 \
    --encoding-shift 6 --gradient time --reset-gradient attached --activity 3 --batch 8 \
    --lr 5e-4 --muon 0.002 --warmup 30
  freeze time best-s25
  ;;
paper)
  train wide 600 --start "$folder/../compact/float/checkpoint.pt" --config paper --timesteps 4 \
    --lr 1e-3 --muon 0.004 --supervision 0.1 --warmup 30
  always=(--teacher "$folder/../baseline/baseline.safetensors")
  train float 350 --start "$folder/wide/checkpoint.pt" --timesteps 7 \
    --lr 1e-3 --muon 0.004 --supervision 0.05 --warmup 20
  freeze float lif-s25
  ;;
baseline)
  train float 8250 --config best --model ann --batch 16 --lr 2e-3 --muon 0.01
  "$python" -m sw_model baseline --export "$folder/float/checkpoint.pt" \
    -o "$folder/baseline.safetensors"
  ;;
esac
