#!/usr/bin/env bash
# scripts/figures.sh FOLDER [OPTION...]
#
# Trains the networks of the paper's figures 3 and 4 for `python -m sw_model figures --points
# FOLDER`: one network of each input coding, from that a short fine-tuning for each T, and DnCNN with
# as many steps. Called again, it goes on where it stopped and skips what is done. The options go to
# all trainings (--threads 2, --minutes 30, --no-compile, ...). Pictures: train400/ in --data or
# SPIKING_DNCNN_DATA. Variables:
#
#   CONFIG      network; 17 layers of 32 channels by default, four times cheaper than 64
#   BASE_STEPS  steps of the networks that the points are fine-tuned from
#   STEPS       steps of a point's fine-tuning
#   BATCH       patches a step
#   TIMESTEPS   T of the points
#   DIRECT, BERNOULLI, DNCNN
#               checkpoints of trained networks that take the place of the three long trainings;
#               BERNOULLI may be a copy of DIRECT, which is then fine-tuned for both codings
#
# Exit code: that of the first command that did not end with 0; 3 means that --minutes stopped a
# training before its last step.
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
# Threads that wait for each other would otherwise spin through time that others could use.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

# train NAME ARGUMENT...: begin the run FOLDER/NAME, go on with it, or skip it where it is done.
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
    echo "$0: stopped in the training '$1'; the same command goes on" >&2
  fi
  [ "$code" = 0 ] || exit "$code"
  touch "$run/done"
}

# T may be added to what is in the folder, nothing else may change.
recipe="$config $base_steps $steps $batch"
for trained in "${DIRECT:-}" "${BERNOULLI:-}" "${DNCNN:-}"; do
  recipe="$recipe ${trained:--}"
done
held=$folder/recipe
mkdir -p "$folder"
if [ ! -f "$held" ]; then
  echo "$recipe" >"$held"
elif [ "$(cat "$held")" != "$recipe" ]; then
  echo "$0: '$folder' holds trainings of '$(cat "$held")', not '$recipe'; name another folder" >&2
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
# DnCNN by the same number of steps in all; one that is given is fine-tuned like the others.
if [ -z "${DNCNN:-}" ]; then
  train dncnn --config "$config" --model ann --steps $((base_steps + steps))
else
  train dncnn --start "$DNCNN" --config "$config" --model ann --steps "$steps" --lr 5e-4 --warmup 30
fi
