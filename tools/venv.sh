#!/usr/bin/env bash
# Make the virtual environment of the checkout, or complete it: tools/venv.sh REQUIREMENTS...
# A stamp with the hash of each requirements file and the Python version is written last, so a half-made one is made anew.
set -euo pipefail

cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
venv=.venv

# Warnings of a pip that succeeds are of no use to anybody.
install() {
  local said
  said=$($venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$1" 2>&1) ||
    fail "$(tail -n 20 <<< "$said")" "Failed to install $1 into $venv; the lines above say why." \
      "It needs a package index, or a folder of packages named by PIP_FIND_LINKS."
}

fail() { printf '%s\n' "$@" >&2; exit 1; }

command -v "$python" > /dev/null || fail "There is no '$python'; install Python 3.11 or later, or name one: make PYTHON=/path/to/python3 ..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "'$python' is $("$python" -V 2>&1); Python 3.11 or later is needed. Name another: make PYTHON=/path/to/python3 ..."
"$python" -c 'import ensurepip, venv' 2> /dev/null ||
  fail "'$python' cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"

# Where the environment is activated, its own Python comes first, and would be removed before it makes the next.
python=$("$python" -c 'import sys; print(sys._base_executable)')
version=$("$python" -c 'import sys; print(sys.prefix, sys.version)')
base=$(printf '%s' "$version" | cat - requirements.txt | sha256sum | cut -c1-16)
if ! { [ "$(cat $venv/.stamp 2> /dev/null)" = "$base" ] && $venv/bin/python -c '' 2> /dev/null; }; then
  echo "Making the virtual environment in $venv ..."
  rm -rf $venv
  "$python" -m venv $venv || fail "'$python -m venv' failed; on Debian and Ubuntu: apt install python3-venv"
  install requirements.txt
  echo "$base" > $venv/.stamp
fi

for requirements in "$@"; do
  [ "$requirements" != requirements.txt ] || continue
  stamp=$venv/.stamp-$(basename "$requirements" .txt)
  wanted=$(cat $venv/.stamp "$requirements" | sha256sum | cut -c1-16)
  if [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ]; then
    echo "Installing $requirements into $venv ..."
    rm -f "$stamp"
    install "$requirements"
    echo "$wanted" > "$stamp"
  fi
done
