#!/usr/bin/env bash
# Makes .venv with the locked packages of all extras, and installs with apt what pip cannot: Icarus
# Verilog, g++, and the parts of Python that Debian packages separately. Steps already done are
# skipped.
set -euo pipefail
# Packages go into .venv, whatever the user's pip configuration says.
unset CDPATH PIP_TARGET PIP_PREFIX PIP_ROOT
export PIP_USER=0
cd "$(dirname "$0")/.."

fail() {
  echo "setup: $*" >&2
  exit 2
}

# install PACKAGE REASON: through apt, as root or with sudo.
install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get)
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "$2; sudo is missing too: run 'apt-get install $1' as root"
    apt=(sudo "${apt[@]}")
  fi
  command -v apt-get >/dev/null || fail "$2; apt-get is missing: install the equivalent of $1"
  echo "setup: installing $1 ($2)"
  { "${apt[@]}" update -q && "${apt[@]}" install -q -y --no-install-recommends "$1"; } >/dev/null ||
    fail "$2; 'apt-get install $1' failed: install it by hand"
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "$python is missing; install Python 3.11 to 3.13"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
3.11 | 3.12 | 3.13) ;;
*) fail "$python is Python $version; 3.11 to 3.13 are supported: set PYTHON to one of them" ;;
esac
command -v g++ >/dev/null || install g++ "g++ is missing"

command -v iverilog >/dev/null || install iverilog "Icarus Verilog is missing"
"$python" -c 'import ensurepip' 2>/dev/null ||
  install "python$version-venv" "this Python cannot make virtual environments"
# An interrupted `venv` leaves a Python without pip.
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv

echo "setup: installing Python packages into .venv (torch is large)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
  --no-build-isolation --editable .

[ -n "$(.venv/bin/python -m find_libpython)" ] ||
  install "libpython$version" "cocotb needs Python as a shared library"
touch .venv/.complete
