#!/usr/bin/env bash
# scripts/train.sh CONFIG FLOAT_STEPS QUANTISED_STEPS FOLDER [OPTION...]
#
# Trains a spiking network as the shipped one was trained, fine-tunes it with quantised weights and
# freezes it to FOLDER/frozen.safetensors. Called again, it goes on where it stopped. The options go
# to both trainings, new or resumed; what decides a training's numbers, --batch for one, cannot
# change while it is resumed. Pictures: train400/ in --data or SPIKING_DNCNN_DATA.
#
# Exit code: that of the first command that did not end with 0; 3 means that --minutes stopped a
# training before its last step.
set -euo pipefail
if [ $# -lt 4 ]; then
  echo "usage: scripts/train.sh CONFIG FLOAT_STEPS QUANTISED_STEPS FOLDER [OPTION...]" >&2
  exit 2
fi
config=$1 float_steps=$2 quantised_steps=$3 folder=$4
options=("${@:5}")
python=${PYTHON:-.venv/bin/python}
# Threads that wait for each other would otherwise spin through time that others could use.
export OMP_WAIT_POLICY=passive

# train NAME ARGUMENT...: begin a run in FOLDER/NAME, or go on with it.
train() {
  local checkpoint=$folder/$1/checkpoint.pt code=0
  if [ -f "$checkpoint" ]; then
    "$python" -m sw_model train --resume "$checkpoint" "${options[@]}" || code=$?
  else
    "$python" -m sw_model train -o "$folder/$1" "${@:2}" "${options[@]}" || code=$?
  fi
  if [ "$code" = 3 ] || [ "$code" = 130 ]; then
    echo "scripts/train.sh: stopped in the training '$1', nothing is frozen; the same command goes on" >&2
  fi
  [ "$code" = 0 ] || exit "$code"
}

# What is in the folder is gone on with, so it has to be what was asked for.
mkdir -p "$folder"
recipe="$config $float_steps $quantised_steps"
if [ ! -f "$folder/float/checkpoint.pt" ]; then
  echo "$recipe" >"$folder/recipe"
elif [ "$(cat "$folder/recipe")" != "$recipe" ]; then
  echo "scripts/train.sh: '$folder' holds a training of '$(cat "$folder/recipe")'," \
    "not '$recipe'; name another folder" >&2
  exit 2
fi
train float --config "$config" --steps "$float_steps" --lr 1.5e-3 --supervision 0.3
train quantised --quantise "$folder/float/checkpoint.pt" --steps "$quantised_steps" --lr 4e-4 \
  --warmup 30 --surrogate-width 0.5
"$python" -m sw_model freeze "$folder/quantised/checkpoint.pt" -o "$folder/frozen.safetensors"
