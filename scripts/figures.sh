#!/usr/bin/env bash
# scripts/figures.sh FOLDER [OPTION...]
#
# Trains the networks of the paper's figures 3 and 4 for `python -m sw_model figures --points
# FOLDER`: one network for each input coding, a short fine-tuning of it for each T, and DnCNN with
# the same number of steps. A second call continues a stopped training and skips finished ones. The
# options apply to all trainings (--threads 2, --minutes 30, --no-compile, ...). Pictures: train400/
# in --data or SPIKING_DNCNN_DATA. Variables:
#
#   CONFIG      network; 17 layers of 32 channels by default, four times cheaper than 64
#   BASE_STEPS  steps of the networks that the points are fine-tuned from
#   STEPS       steps of a point's fine-tuning
#   BATCH       patches in a step
#   TIMESTEPS   T of the points
#   DIRECT, BERNOULLI, DNCNN
#               checkpoints of trained networks that replace the three long trainings; BERNOULLI may
#               be a copy of DIRECT, which is then fine-tuned for both codings
#
# The exit code is that of the first command that failed; 3 means that --minutes stopped a training
# before its last step.
set -euo pipefail
if [ $# -lt 1 ]; then
  echo "usage: scripts/figures.sh FOLDER [OPTION...]" >&2
  exit 2
fi
folder=$1
options=("${@:2}")
python=${PYTHON:-.venv/bin/python}
config=${CONFIG:-compact} base_steps=${BASE_STEPS:-5600} steps=${STEPS:-400} batch=${BATCH:-8}
timesteps=${TIMESTEPS:-1 2 3 4 5 7 10 12}
# Threads that wait for each other sleep instead of spinning.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

# train NAME ARGUMENT...: start the run FOLDER/NAME, resume it, or skip it if it is finished.
train() {
  local run=$folder/$1 code=0
  if [ -f "$run/done" ]; then
    return
  fi
  echo "scripts/figures.sh: $1" >&2
  if [ -f "$run/checkpoint.pt" ]; then
    "$python" -m sw_model train --resume "$run/checkpoint.pt" "${options[@]}" || code=$?
  else
    "$python" -m sw_model train -o "$run" --batch "$batch" "${@:2}" "${options[@]}" || code=$?
  fi
  if [[ $code = 3 || $code -gt 128 ]]; then
    echo "$0: stopped in the training '$1'; the same command continues" >&2
  fi
  [ "$code" = 0 ] || exit "$code"
  touch "$run/done"
}

# Another call may add values of T to the folder; everything else must stay.
recipe="$config $base_steps $steps $batch"
for trained in "${DIRECT:-}" "${BERNOULLI:-}" "${DNCNN:-}"; do
  recipe="$recipe ${trained:--}"
done
recipe_file=$folder/recipe
mkdir -p "$folder"
if [ ! -f "$recipe_file" ]; then
  echo "$recipe" >"$recipe_file"
elif found=$(cat "$recipe_file") && [ "$found" != "$recipe" ]; then
  echo "$0: '$folder' holds trainings of '$found', not '$recipe'; name another folder" >&2
  exit 2
fi

for coding in direct bernoulli; do
  trained=${DIRECT:-}
  [ "$coding" = direct ] || trained=${BERNOULLI:-}
  if [ -z "$trained" ]; then
    trained=$folder/$coding-base/checkpoint.pt
    train "$coding-base" --config "$config" --coding "$coding" --steps "$base_steps" \
      --lr 1.5e-3 --supervision 0.3
  fi
  for t in $timesteps; do
    train "$coding-$t" --start "$trained" --config "$config" --model snn --coding "$coding" \
      --timesteps "$t" --steps "$steps" --lr 5e-4 --warmup 30
  done
done
# DnCNN with the same total number of steps; a given one is fine-tuned like the others.
if [ -z "${DNCNN:-}" ]; then
  train dncnn --config "$config" --model ann --steps $((base_steps + steps))
else
  train dncnn --start "$DNCNN" --config "$config" --model ann --steps "$steps" --lr 5e-4 --warmup 30
fi
