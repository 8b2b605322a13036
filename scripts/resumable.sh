# Trainings that go on where they stopped; sourced by the scripts that do several in a row.
#
# Needs: python, the array options (of every training), the array always (of a training, new or
# resumed), and unfinished, what is to be said of a recipe that stopped.

# Threads that wait for each other would otherwise spin through time that others could use.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
always=()
unfinished=

# go_on RUN ARGUMENT...: begin the training in the folder RUN, or go on with it.
go_on() {
  local run=$1 code=0
  if [ -f "$run/checkpoint.pt" ]; then
    "$python" -m sw_model train --resume "$run/checkpoint.pt" "${always[@]}" "${options[@]}" || code=$?
  else
    "$python" -m sw_model train -o "$run" "${@:2}" "${always[@]}" "${options[@]}" || code=$?
  fi
  if [[ $code = 3 || $code -gt 128 ]]; then
    echo "$0: stopped in the training '${run##*/}'$unfinished; the same command goes on" >&2
  fi
  [ "$code" = 0 ] || exit "$code"
}

# hold_recipe FOLDER RECIPE WHAT: what is in the folder is gone on with, so it has to be what was
# asked for.
hold_recipe() {
  mkdir -p "$1"
  if [ ! -f "$1/recipe" ]; then
    echo "$2" >"$1/recipe"
  elif [ "$(cat "$1/recipe")" != "$2" ]; then
    echo "$0: '$1' holds $3 of '$(cat "$1/recipe")', not '$2'; name another folder" >&2
    exit 2
  fi
}
