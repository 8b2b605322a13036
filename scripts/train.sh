#!/usr/bin/env bash
# scripts/train.sh CONFIG FLOAT_STEPS QUANTISED_STEPS FOLDER [OPTION...]
#
# Trains a spiking network as the shipped one was trained, fine-tunes it with quantised weights and
# freezes it to FOLDER/frozen.safetensors. Called again, it goes on where it stopped. The options go
# to both trainings. Pictures: train400/ in SPIKING_DNCNN_DATA.
set -euo pipefail
config=$1 float_steps=$2 quantised_steps=$3 folder=$4
options=("${@:5}")
python=${PYTHON:-.venv/bin/python}
# Threads that wait for each other would otherwise spin through time that others could use.
export OMP_WAIT_POLICY=passive

# train NAME ARGUMENT...: begin a run in FOLDER/NAME, or go on with it.
train() {
  local checkpoint=$folder/$1/checkpoint.pt
  if [ -f "$checkpoint" ]; then
    "$python" -m sw_model train --resume "$checkpoint"
  else
    "$python" -m sw_model train -o "$folder/$1" "${@:2}"
  fi
}

mkdir -p "$folder"
train float --config "$config" --steps "$float_steps" --lr 1.5e-3 --supervision 0.3 "${options[@]}"
train quantised --quantise "$folder/float/checkpoint.pt" --steps "$quantised_steps" --lr 4e-4 \
  --warmup 30 --surrogate-width 0.5 "${options[@]}"
"$python" -m sw_model freeze "$folder/quantised/checkpoint.pt" -o "$folder/frozen.safetensors"
